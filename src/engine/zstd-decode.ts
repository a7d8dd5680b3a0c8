/** Reads zstd objects of any writer: every frame to the end, seekable or not. See RFC 8878. */
import { createZstdDecompress } from 'node:zlib'
import { byteReader } from './byte-reader.ts'
import type { Decompressor } from './codec.ts'
import type { ContentSink } from './content-sink.ts'
import { decodeThrough } from './decode-through.ts'
import type { DecodingPool } from './decoding-pool.ts'
import { sideBySide } from './side-by-side.ts'
import { readZstdFrames, type ZstdFrame } from './zstd-frames.ts'

/** Frames up to this size, stored and decoded, are decoded in one call and several at once; larger ones are streamed. */
const WHOLE_FRAME_BYTES = 8 << 20
const CHUNK_BYTES = 1 << 20
/** What a frame takes at least: those of a few bytes cost more than they hold. */
const LEAST_ROOM = 64 << 10

type Source = AsyncIterable<Uint8Array>

export const zstdDecompressor: Decompressor = { seekable: true, decompress, decompressInto }

async function* decompress(source: Source): AsyncGenerator<Uint8Array, void, undefined> {
  await using reader = byteReader(source)
  for await (const frame of readZstdFrames(reader)) yield* stream(frame.bytes)
}

/** Whole frames go to the threads as far as there is room; the content of a large one is written as it comes. */
async function decompressInto(sink: ContentSink, source: Source, pool: DecodingPool): Promise<void> {
  await using reader = byteReader(source)
  await using frames = sideBySide(pool.room)
  for await (const frame of readZstdFrames(reader)) {
    const { pieces, whole } = await collect(frame)
    const contentBytes = frame.contentSize
    if (whole && contentBytes !== undefined) {
      const position = sink.take(contentBytes)
      const frame = joined(pieces)
      const write = (): Promise<void> => pool.write({ frame, contentBytes, position }, sink)
      await frames.begin(Math.max(LEAST_ROOM, frame.length + contentBytes), () => sink.endingFeedOn(write()))
    } else {
      for await (const content of stream(chain(pieces, frame.bytes))) await sink.write(content)
    }
  }
  await frames.done()
}

const stream = (frame: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, undefined> =>
  decodeThrough(createZstdDecompress({ chunkSize: CHUNK_BYTES }), frame)

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

/** A copy in memory of its own, which can be handed to a thread; the chunks that it came in hold other frames, too. */
function joined(pieces: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const frame = Buffer.allocUnsafeSlow(pieces.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const piece of pieces) {
    frame.set(piece, at)
    at += piece.length
  }
  return frame
}

async function* chain(first: readonly Buffer[], rest: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, undefined> {
  yield* first
  yield* rest
}
