/** Takes exact amounts of bytes out of a stream of chunks. */

export interface ByteReader {
  /** The next `count` bytes; fewer when the stream ends first. The result may share memory with the stream's chunks. */
  take(count: number): Promise<Buffer>
}

export function byteReader(source: AsyncIterable<Uint8Array>): ByteReader & AsyncDisposable {
  const iterator = source[Symbol.asyncIterator]()
  let rest: Buffer = Buffer.alloc(0)
  const nextChunk = async (): Promise<Buffer | undefined> => {
    const { done, value } = await iterator.next()
    return done === true ? undefined : Buffer.from(value.buffer, value.byteOffset, value.byteLength)
  }
  return {
    async take(count) {
      const parts: Buffer[] = []
      let missing = count
      while (missing > 0) {
        if (rest.length === 0) {
          const chunk = await nextChunk()
          if (chunk === undefined) break
          rest = chunk
        }
        const part = rest.subarray(0, missing)
        rest = rest.subarray(part.length)
        missing -= part.length
        parts.push(part)
      }
      return parts.length === 1 ? parts[0] as Buffer : Buffer.concat(parts)
    },
    [Symbol.asyncDispose]: async () => { await iterator.return?.() },
  }
}

/** The same bytes in blocks of exactly `size`, the last one shorter; no block for no bytes. */
export async function* inBlocks(source: AsyncIterable<Uint8Array>, size: number): AsyncGenerator<Buffer, void, undefined> {
  await using reader = byteReader(source)
  for (;;) {
    const block = await reader.take(size)
    if (block.length > 0) yield block
    if (block.length < size) return
  }
}

/** Works on up to `limit` items at once and yields the results in the order of the items; settles when nothing is running. */
export async function* mapInOrder<T, R>(
  source: AsyncIterable<T>, limit: number, work: (item: T) => Promise<R>,
): AsyncGenerator<R, void, undefined> {
  const running: Promise<R>[] = []
  try {
    for await (const item of source) {
      const result = work(item)
      result.catch(() => undefined)   // its turn to be thrown comes below
      running.push(result)
      if (running.length >= limit) yield await (running.shift() as Promise<R>)
    }
    for (let next = running.shift(); next !== undefined; next = running.shift()) yield await next
  } finally {
    await Promise.allSettled(running)
  }
}
