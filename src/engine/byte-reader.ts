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
