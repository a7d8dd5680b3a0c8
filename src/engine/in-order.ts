/** Work on the blocks of one file at once, with the results in the order of the blocks. */
import type { Share } from './block-budget.ts'

/**
 * Works on as many items at once as `share` allows for, and yields the results in the order of the items.
 *
 * An item is in flight from before it is taken out of `source` until the next result is asked for, so what nobody takes
 * is not read. When the generator ends, however it does, nothing is running.
 */
export async function* inOrder<T, R>(
  source: AsyncIterable<T>, share: Share, work: (item: T) => Promise<R>,
): AsyncGenerator<R, void, undefined> {
  const items = source[Symbol.asyncIterator]()
  const running: Promise<R>[] = []
  try {
    for (let ended = false; !ended || running.length > 0;) {
      while (!ended && share.tryTake()) {
        const { done, value } = await items.next()
        if (done === true) {
          ended = true
          share.give()
        } else {
          running.push(begin(work, value))
        }
      }
      const oldest = running.shift()
      if (oldest === undefined) continue
      yield await oldest
      share.give()
    }
  } finally {
    await Promise.allSettled(running)
    await items.return?.()
  }
}

function begin<T, R>(work: (item: T) => Promise<R>, item: T): Promise<R> {
  const result = work(item)
  result.catch(() => undefined)   // its turn to be thrown comes when it is yielded
  return result
}
