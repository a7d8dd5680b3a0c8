/** Backups in Azure's blob storage, laid out as Vitess lays them out (reference: vitess-backup.md 1.7). */
import { azureStore, type AzureStoreOptions } from './azblob-store.ts'
import type { BackupStorage } from './backup-storage.ts'
import { ByteRoom } from './byte-room.ts'
import { ROOM_BYTES, objectStorage } from './object-storage.ts'
import { steadyStorage, type SteadyOptions } from './steady-storage.ts'

export interface AzureStorageOptions extends SteadyOptions, Omit<AzureStoreOptions, 'stallMs'> {
  /** Without a slash at either end; empty for none. */
  readonly root: string
}

export function azureStorage(options: AzureStorageOptions): BackupStorage {
  const store = azureStore({ ...options, stallMs: options.policy.stallMs })
  const root = options.root === '' ? '' : `${options.root}/`
  return steadyStorage(objectStorage({
    kind: 'azblob', room: new ByteRoom(ROOM_BYTES), policy: options.policy, placeOf: (_shard, relative) => ({ store, prefix: `${root}${relative}/` }),
  }), options)
}
