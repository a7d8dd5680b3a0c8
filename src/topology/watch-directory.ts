/**
 * Notices that something in a directory changed: at once by inotify where that works, and by looking every so
 * often, which also holds while the directory does not exist yet, is replaced, or no watch can be had (inotify(7) limits).
 */
import { watch, type FSWatcher } from 'node:fs'
import { stat } from 'node:fs/promises'
import { sleep, type ActionContext } from '../base/action.ts'

export interface DirectoryWatch {
  readonly directory: string
  readonly pollMs: number
  /** What is compared: a change of this text is a change. Must not throw. */
  readonly fingerprint: () => Promise<string>
}

/** Calls `changed` after each change of the fingerprint; resolves when the signal aborts. */
export async function watchDirectory(what: DirectoryWatch, changed: () => void, ctx: ActionContext): Promise<void> {
  let seen = await what.fingerprint()
  let watched: { readonly inode: bigint, readonly watcher: FSWatcher } | undefined
  let hint = Promise.withResolvers<void>()
  const close = (): void => { watched?.watcher.close(); watched = undefined }
  try {
    while (!ctx.signal.aborted) {
      const inode = await inodeOf(what.directory)
      if (watched !== undefined && watched.inode !== inode) close()
      if (watched === undefined && inode !== undefined) {
        const watcher = startWatching(what.directory, () => { hint.resolve() }, close)
        if (watcher !== undefined) watched = { inode, watcher }
      }
      const now = await what.fingerprint()   // after the watch began, so that nothing falls between
      if (now !== seen) {
        seen = now
        changed()
      }
      await sleepOr(hint.promise, what.pollMs, ctx.signal)
      hint = Promise.withResolvers<void>()
    }
  } finally {
    close()
  }
}

function startWatching(directory: string, onEvent: () => void, onError: () => void): FSWatcher | undefined {
  try {
    const watcher = watch(directory, { persistent: false }, onEvent)
    watcher.on('error', onError)
    return watcher
  } catch {
    return undefined   // no inotify to be had: looking goes on
  }
}

async function sleepOr(hint: Promise<void>, ms: number, signal: AbortSignal): Promise<void> {
  const pause = new AbortController()
  const ended = AbortSignal.any([signal, pause.signal])
  await Promise.race([sleep(ms, ended).catch(() => undefined), hint])
  pause.abort()
}

const inodeOf = (directory: string): Promise<bigint | undefined> =>
  stat(directory, { bigint: true }).then((found) => found.ino, () => undefined)
