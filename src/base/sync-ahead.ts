/** Brings a large file to disk while it is still being written, so that the sync at its end has little left to do. */
import type { FileHandle } from 'node:fs/promises'
import { Room } from './room.ts'

/** Written since the last one began. Each costs the file system a commit of its journal. */
const EVERY_BYTES = 128 << 20

export interface SyncAhead extends AsyncDisposable {
  /** `bytes` more have been written. */
  note(bytes: number): void
  /** Resolves when all of the file is on disk. Rejects with the first failure of any sync: the system tells each only once (fsync(2)). */
  finish(): Promise<void>
}

/** Syncs run one at a time for the file, and over several files as many as there is room in `syncs`. */
export function syncAhead(handle: Pick<FileHandle, 'datasync' | 'sync'>, syncs = new Room(1)): SyncAhead {
  let unsynced = 0
  let running: Promise<void> | undefined
  let failure: { readonly error: unknown } | undefined
  const inTurn = async (sync: () => Promise<void>): Promise<void> => {
    await syncs.take(1)
    try {
      await sync()
    } catch (error) {
      failure ??= { error }
    } finally {
      syncs.give(1)
    }
  }
  return {
    note(bytes) {
      unsynced += bytes
      if (unsynced < EVERY_BYTES || running !== undefined) return
      unsynced = 0
      running = inTurn(() => handle.datasync()).then(() => { running = undefined })
    },
    async finish() {
      await running
      await inTurn(() => handle.sync())
      if (failure !== undefined) throw failure.error
    },
    [Symbol.asyncDispose]: async () => { await running },
  }
}
