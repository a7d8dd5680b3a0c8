/**
 * zstd objects: frames of up to 2 MiB of input each, with checksums, and the seek table of zstd's "seekable format"
 * in a skippable frame at the end, so that `zstd -d` reads the whole and we can read it in parallel.
 *
 * See RFC 8878 and contrib/seekable_format/zstd_seekable_compression_format.md of zstd.
 */
import { promisify } from 'node:util'
import { constants, zstdCompress } from 'node:zlib'
import { inBlocks, mapInOrder } from './byte-reader.ts'
import type { Codec, CodecOptions } from './codec.ts'
import { encodeSeekTable, type SeekTableRow } from './seek-table.ts'
import { decompressZstd, roomForFrames } from './zstd-decode.ts'

const compressBlock = promisify(zstdCompress)

export const FRAME_CONTENT_BYTES = 2 << 20

export function zstdCodec({ level, parallel }: CodecOptions): Codec {
  const room = roomForFrames(parallel)
  return {
    seekable: true,
    compress: (source) => compress(source, { level, parallel }),
    decompress: (source) => decompressZstd(source, room),
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
