/** Reads zstd objects of any writer: every frame to the end, seekable or not. See RFC 8878. */
import { promisify } from 'node:util'
import { createZstdDecompress, zstdDecompress } from 'node:zlib'
import { byteReader } from './byte-reader.ts'
import type { CodecOptions, Decompressor } from './codec.ts'
import { decodeAhead, type DecodeAhead } from './decode-ahead.ts'
import { decodeThrough, undecodable } from './decode-through.ts'
import { freeMemory } from './free-memory.ts'
import { Room } from './room.ts'
import { readZstdFrames, type ZstdFrame } from './zstd-frames.ts'

const decompressFrame = promisify(zstdDecompress)

/** Frames up to this size, stored and decoded, are decoded in one call and several at once; larger ones are streamed. */
const WHOLE_FRAME_BYTES = 8 << 20

/** Two of our own frames with what they decode to: one is decoded while the other is written. */
const ROOM_PER_THREAD = 8 << 20

type Bytes = AsyncGenerator<Uint8Array, void, undefined>

/** Decodes about `parallel` frames at once, over all objects that it reads. */
export function zstdDecompressor({ parallel, onStage }: Pick<CodecOptions, 'parallel' | 'onStage'>): Decompressor {
  const room = new Room(parallel * ROOM_PER_THREAD)
  return {
    seekable: true,
    decompress: (source) => decompressZstd(source, () => decodeAhead(room, onStage)),
    release: (chunk) => { freeMemory(chunk as Buffer<ArrayBuffer>) },
  }
}

/**
 * The content of all frames in order. Whole ones are decoded ahead as far as there is room (bytes, stored and
 * decoded), which all who read share; a large one waits for those before it.
 */
async function* decompressZstd(source: AsyncIterable<Uint8Array>, open: () => DecodeAhead): Bytes {
  await using reader = byteReader(source)
  await using ahead = open()
  for await (const frame of readZstdFrames(reader)) {
    const collected = await collect(frame)
    if (collected.whole) {
      const { pieces } = collected
      const contentSize = frame.contentSize ?? 0
      yield* ahead.begin(contentSize + pieces.reduce((sum, { length }) => sum + length, 0), () => decodeWhole(pieces, contentSize))
    } else {
      yield* ahead.rest()
      yield* decodeThrough(createZstdDecompress({ chunkSize: 1 << 20 }), chain(collected.pieces, frame.bytes))
    }
  }
  yield* ahead.rest()
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
  const frame = Buffer.concat(pieces)
  return decompressFrame(frame, options)
    .catch((error: unknown) => { throw undecodable(error) })
    .finally(() => { freeMemory(frame) })
}

async function* chain(first: readonly Buffer[], rest: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, undefined> {
  yield* first
  yield* rest
}
