/**
 * Work on many files, each of which may fail once.
 *
 * What failed in the first pass is tried again in a second one, when the trouble of a moment has often passed; the
 * second failure of any file ends the whole, and so does at once a failure that repeating cannot help.
 */
import { forEachParallel, type ActionContext } from '../base/action.ts'
import type { ErrorCode } from '../base/error-catalogue.ts'
import { TabletError, messageOf } from '../base/errors.ts'

export type Attempt = 1 | 2

const HOPELESS: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  // it outlasted minutes of repeats inside the storage, and would for every other file: who asked for the copy tries again later
  'STORAGE_UNREACHABLE',
  'STORAGE_DENIED', 'STORAGE_NO_SPACE', 'STORAGE_NOT_CONFIGURED', 'NO_SPACE', 'PATH_ESCAPES', 'COMPRESSION_UNSUPPORTED',
  'BACKUP_UNSUPPORTED', 'MANIFEST_INVALID',
])

export const retryMayHelp = (error: unknown): boolean => !(error instanceof TabletError && HOPELESS.has(error.code))

export interface TwoPasses<T> {
  readonly limit: number
  readonly work: (item: T, attempt: Attempt, ctx: ActionContext) => Promise<void>
}

/** Calls `work` for every item, at most `limit` at once, twice for those that failed in a way that may pass. */
export async function inTwoPasses<T>(
  items: Iterable<T>, { limit, work }: TwoPasses<T>, ctx: ActionContext,
): Promise<void> {
  const failed: T[] = []
  await forEachParallel(items, limit, async (item, itemCtx) => {
    try {
      await work(item, 1, itemCtx)
    } catch (error) {
      if (itemCtx.signal.aborted || !retryMayHelp(error)) throw error
      itemCtx.log.warn({ err: error }, `a file failed and is tried once more: ${messageOf(error)}`)
      failed.push(item)
    }
  }, ctx)
  await forEachParallel(failed, limit, (item, itemCtx) => work(item, 2, itemCtx), ctx)
}
