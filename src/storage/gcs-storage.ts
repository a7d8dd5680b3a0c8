/** Backups in Google's cloud storage, laid out as Vitess lays them out (reference: vitess-backup.md 1.6). */
import type { BackupStorage } from './backup-storage.ts'
import { ByteRoom } from './byte-room.ts'
import type { GcsOptions } from './gcs-client.ts'
import { gcsStore } from './gcs-store.ts'
import { ROOM_BYTES, objectStorage } from './object-storage.ts'
import { steadyStorage, type SteadyOptions } from './steady-storage.ts'

export interface GcsStorageOptions extends SteadyOptions, GcsOptions {
  /** Without a slash at either end; empty for none. */
  readonly root: string
}

export function gcsStorage(options: GcsStorageOptions): BackupStorage {
  const store = gcsStore({ ...options, stallMs: options.policy.stallMs })
  const root = options.root === '' ? '' : `${options.root}/`
  return steadyStorage(objectStorage({
    kind: 'gcs', room: new ByteRoom(ROOM_BYTES), policy: options.policy, placeOf: (_shard, relative) => ({ store, prefix: `${root}${relative}/` }),
  }), options)
}
