/** The lock of a shard in a directory. */
import { stat } from 'node:fs/promises'
import { TabletError, hasCode } from '../base/errors.ts'
import { lockFile, type FileLock } from '../base/file-lock.ts'
import type { ShardLock } from './topology.ts'

/**
 * Takes the lock of the file `path`. It is lost when that name no longer leads to the file that was locked (its
 * directory was removed or replaced): somebody else may hold the new one.
 *
 * @throws TabletError SHARD_LOCKED with the holder's note.
 */
export async function lockShardFile(path: string, note: string, pollMs: number): Promise<ShardLock> {
  const lock = await takeLock(path, note)
  const inode = await inodeOf(path)
  const lost = new AbortController()
  const look = async (): Promise<void> => {
    if (await inodeOf(path) === inode) return
    lost.abort(new TabletError('SHARD_LOCK_LOST', `the lock ${path} was removed or replaced`))
  }
  const timer = setInterval(() => { void look() }, pollMs)
  timer.unref()
  return {
    lost: lost.signal,
    [Symbol.asyncDispose]: async () => {
      clearInterval(timer)
      await lock[Symbol.asyncDispose]()
    },
  }
}

async function takeLock(path: string, note: string): Promise<FileLock> {
  try {
    return await lockFile(path, note)
  } catch (error) {
    if (hasCode(error, 'DIRECTORY_UNUSABLE')) throw new TabletError('TOPOLOGY_UNREACHABLE', error.message, { cause: error })
    if (!hasCode(error, 'LOCK_HELD')) throw error
    const holder = String(error.details['holder'] ?? '')
    throw new TabletError('SHARD_LOCKED', `cannot lock ${path}: held by ${holder === '' ? 'another command' : holder}`, { cause: error, details: { holder } })
  }
}

/** undefined in doubt, which never equals an inode seen: a lock that cannot be seen is no lock. */
const inodeOf = (path: string): Promise<bigint | undefined> => stat(path, { bigint: true }).then((found) => found.ino, () => undefined)
