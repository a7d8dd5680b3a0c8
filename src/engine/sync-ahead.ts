/** Brings a large file to disk while it is still being written, so that the sync at its end has little left to do. */
import type { FileHandle } from 'node:fs/promises'

/** Written since the last one began. Each costs the file system a commit of its journal. */
const EVERY_BYTES = 128 << 20

export interface SyncAhead extends AsyncDisposable {
  /** `bytes` more have been written. */
  wrote(bytes: number): void
  /** Resolves when all of the file is on disk. Rejects with the first failure of any sync: the system tells each only once (fsync(2)). */
  finish(): Promise<void>
}

export function syncAhead(handle: Pick<FileHandle, 'datasync' | 'sync'>): SyncAhead {
  let unsynced = 0
  let running: Promise<void> | undefined
  let failure: { readonly error: unknown } | undefined
  return {
    wrote(bytes) {
      unsynced += bytes
      if (unsynced < EVERY_BYTES || running !== undefined) return
      unsynced = 0
      running = handle.datasync().catch((error: unknown) => { failure ??= { error } }).then(() => { running = undefined })
    },
    async finish() {
      await running
      await handle.sync()
      if (failure !== undefined) throw failure.error
    },
    [Symbol.asyncDispose]: async () => { await running },
  }
}
