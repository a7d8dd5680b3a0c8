/** Temporary directories of tests: short names (a unix socket's path ends at 107 bytes) that say which process made them. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface TempDir extends AsyncDisposable {
  readonly path: string
}

/** Directories of this process that exist, for leftovers.ts. */
export const liveTempDirs = new Set<string>()

/** What the names of this process's directories begin with. */
export const TEMP_PREFIX = join(tmpdir(), `td-${process.pid}-`)

/** `await using dir = await tempDir()`: removed with all that is in it at the end of the block. */
export async function tempDir(): Promise<TempDir> {
  const path = await mkdtemp(TEMP_PREFIX)
  liveTempDirs.add(path)
  return {
    path,
    [Symbol.asyncDispose]: async () => {
      await rm(path, { recursive: true, force: true, maxRetries: 3 })
      liveTempDirs.delete(path)
    },
  }
}
