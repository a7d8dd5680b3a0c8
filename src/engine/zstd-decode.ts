/** Reads zstd objects of any writer: every frame to the end, seekable or not. See RFC 8878. */
import { promisify } from 'node:util'
import { createZstdDecompress, zstdDecompress } from 'node:zlib'
import { byteReader } from './byte-reader.ts'
import { decodeThrough, undecodable } from './decode-through.ts'
import { readZstdFrames, type ZstdFrame } from './zstd-frames.ts'

const decompressFrame = promisify(zstdDecompress)

/** Frames up to this size, stored and decoded, are decoded in one call and several at once; larger ones are streamed. */
const WHOLE_FRAME_BYTES = 8 << 20

type Bytes = AsyncGenerator<Uint8Array, void, undefined>

/** Whole frames are decoded ahead, up to `parallel` at once, and yielded in order; a large one waits for those before it. */
export async function* decompressZstd(source: AsyncIterable<Uint8Array>, parallel: number): Bytes {
  await using reader = byteReader(source)
  const running: Promise<Buffer>[] = []
  try {
    for await (const frame of readZstdFrames(reader)) {
      const collected = await collect(frame)
      if (collected.whole) {
        running.push(decodeWhole(collected.pieces, frame.contentSize ?? 0))
        if (running.length >= parallel) yield await (running.shift() as Promise<Buffer>)
      } else {
        for (let next = running.shift(); next !== undefined; next = running.shift()) yield await next
        yield* decodeThrough(createZstdDecompress({ chunkSize: 1 << 20 }), chain(collected.pieces, frame.bytes))
      }
    }
    for (let next = running.shift(); next !== undefined; next = running.shift()) yield await next
  } finally {
    await Promise.allSettled(running)
  }
}

/** The pieces of a frame until it ends or turns out too large to be held; then the rest is still in `frame.bytes`. */
async function collect(frame: ZstdFrame): Promise<{ readonly pieces: readonly Buffer[], readonly whole: boolean }> {
  const pieces: Buffer[] = []
  let bytes = 0
  if (frame.contentSize === undefined || frame.contentSize > WHOLE_FRAME_BYTES) return { pieces, whole: false }
  for (;;) {
    const { done, value } = await frame.bytes.next()
    if (done === true) return { pieces, whole: true }
    pieces.push(value)
    bytes += value.length
    if (bytes > WHOLE_FRAME_BYTES) return { pieces, whole: false }
  }
}

function decodeWhole(pieces: readonly Buffer[], contentSize: number): Promise<Buffer> {
  const options = { maxOutputLength: Math.max(1, contentSize), chunkSize: Math.max(64, contentSize) }
  const decoded = decompressFrame(Buffer.concat(pieces), options)
    .catch((error: unknown) => { throw undecodable(error) })
  decoded.catch(() => undefined)   // its turn to be thrown comes when it is yielded
  return decoded
}

async function* chain(first: readonly Buffer[], rest: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, undefined> {
  yield* first
  yield* rest
}
