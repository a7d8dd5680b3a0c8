/** Reads zstd objects of any writer: every frame to the end, seekable or not. See RFC 8878. */
import { promisify } from 'node:util'
import { createZstdDecompress, zstdDecompress } from 'node:zlib'
import { byteReader } from './byte-reader.ts'
import { decodeThrough, undecodable } from './decode-through.ts'
import { Room } from './room.ts'
import { readZstdFrames, type ZstdFrame } from './zstd-frames.ts'

const decompressFrame = promisify(zstdDecompress)

/** Frames up to this size, stored and decoded, are decoded in one call and several at once; larger ones are streamed. */
const WHOLE_FRAME_BYTES = 8 << 20

/** Two of our own frames with what they decode to: one is decoded while the other is written. */
const ROOM_PER_THREAD = 8 << 20

/** Room for what `threads` decoders have in hand; one for all objects of an operation. */
export const roomForFrames = (threads: number): Room => new Room(threads * ROOM_PER_THREAD)

type Bytes = AsyncGenerator<Uint8Array, void, undefined>

/**
 * The content of all frames in order. Whole ones are decoded ahead as far as there is `room` (bytes, stored and
 * decoded), which all who read share; a large one waits for those before it.
 */
export async function* decompressZstd(source: AsyncIterable<Uint8Array>, room: Room): Bytes {
  await using reader = byteReader(source)
  await using ahead = decodeAhead(room)
  for await (const frame of readZstdFrames(reader)) {
    const collected = await collect(frame)
    if (collected.whole) {
      yield* ahead.begin(collected.pieces, frame.contentSize ?? 0)
    } else {
      yield* ahead.rest()
      yield* decodeThrough(createZstdDecompress({ chunkSize: 1 << 20 }), chain(collected.pieces, frame.bytes))
    }
  }
  yield* ahead.rest()
}

interface DecodeAhead extends AsyncDisposable {
  /** Begins to decode a frame as soon as there is room, and yields what is done of those before it until then. */
  begin(pieces: readonly Buffer[], contentSize: number): Bytes
  /** What is left of the frames begun. */
  rest(): Bytes
}

function decodeAhead(room: Room): DecodeAhead {
  const running: { readonly content: Promise<Buffer>, readonly bytes: number }[] = []
  async function* first(): Bytes {
    const { content, bytes } = running[0] as (typeof running)[number]
    yield await content
    running.shift()   // whoever took it has asked for more, so has done with it
    room.give(bytes)
  }
  return {
    async* begin(pieces, contentSize) {
      const bytes = contentSize + pieces.reduce((sum, { length }) => sum + length, 0)
      while (!room.tryTake(bytes)) {
        if (running.length > 0) {
          yield* first()
        } else {
          await room.take(bytes)
          break
        }
      }
      running.push({ content: decodeWhole(pieces, contentSize), bytes })
    },
    async* rest() {
      while (running.length > 0) yield* first()
    },
    async [Symbol.asyncDispose]() {
      await Promise.allSettled(running.map(({ content }) => content))
      for (const { bytes } of running) room.give(bytes)
    },
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
