/**
 * zstd objects: frames of up to 2 MiB of input each, with checksums, and the seek table of zstd's "seekable format"
 * in a skippable frame at the end, so that `zstd -d` reads the whole and we can read it in parallel.
 *
 * See RFC 8878 and contrib/seekable_format/zstd_seekable_compression_format.md of zstd.
 */
import { promisify } from 'node:util'
import { constants, createZstdDecompress, zstdCompress, zstdDecompress } from 'node:zlib'
import { byteReader, inBlocks, mapInOrder } from './byte-reader.ts'
import type { Codec, CodecOptions } from './codec.ts'
import { decodeThrough, undecodable } from './decode-through.ts'
import { readZstdFrames, type ZstdFrame } from './zstd-frames.ts'

const compressBlock = promisify(zstdCompress)
const decompressFrame = promisify(zstdDecompress)

export const FRAME_CONTENT_BYTES = 2 << 20
/** Frames up to this size, stored and decoded, are decoded in one call and several at once; larger ones are streamed. */
const WHOLE_FRAME_BYTES = 8 << 20
const SEEK_TABLE_MAGIC = 0x184d2a5e
const SEEKABLE_MAGIC = 0x8f92eab1
const SEEK_TABLE_FOOTER_BYTES = 9

export function zstdCodec({ level, parallel }: CodecOptions): Codec {
  return {
    compress: (source) => compress(source, { level, parallel }),
    decompress: (source) => decompress(source, parallel),
  }
}

type Bytes = AsyncGenerator<Uint8Array, void, undefined>

async function* compress(source: AsyncIterable<Uint8Array>, { level, parallel }: CodecOptions): Bytes {
  const params = { [constants.ZSTD_c_compressionLevel]: level, [constants.ZSTD_c_checksumFlag]: 1 }
  const table: SeekTableRow[] = []
  const toFrame = async (block: Uint8Array): Promise<Buffer> => {
    const row = { stored: 0, content: block.length }
    table.push(row)   // now, as blocks come in order, and their frames may not
    const frame = await compressBlock(block, { params })
    row.stored = frame.length
    return frame
  }
  yield* mapInOrder(inBlocks(source, FRAME_CONTENT_BYTES), parallel, toFrame)
  if (table.length === 0) yield await toFrame(Buffer.alloc(0))   // an empty file is a frame too: 0 bytes would read as a lost object
  yield encodeSeekTable(table)
}

export interface SeekTableRow {
  stored: number
  content: number
}

/** The skippable frame that lists all frames before it. */
export function encodeSeekTable(rows: readonly SeekTableRow[]): Buffer {
  const payloadBytes = rows.length * 8 + SEEK_TABLE_FOOTER_BYTES
  const frame = Buffer.alloc(8 + payloadBytes)
  let at = frame.writeUInt32LE(SEEK_TABLE_MAGIC)
  at = frame.writeUInt32LE(payloadBytes, at)
  for (const { stored, content } of rows) {
    at = frame.writeUInt32LE(stored, at)
    at = frame.writeUInt32LE(content, at)
  }
  at = frame.writeUInt32LE(rows.length, at)
  at = frame.writeUInt8(0, at)   // descriptor: no checksums in the table, the frames have their own
  frame.writeUInt32LE(SEEKABLE_MAGIC, at)
  return frame
}

/** Whole frames are decoded ahead, up to `parallel` at once, and yielded in order; a large one waits for those before it. */
async function* decompress(source: AsyncIterable<Uint8Array>, parallel: number): Bytes {
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
