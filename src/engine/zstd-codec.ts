/**
 * zstd objects: frames of up to 2 MiB of input each, with checksums, and the seek table of zstd's "seekable format"
 * in a skippable frame at the end, so that `zstd -d` reads the whole and we can read it in parallel.
 *
 * See RFC 8878 and contrib/seekable_format/zstd_seekable_compression_format.md of zstd.
 */
import type { BlockWork, Codec, CodecOptions } from './codec.ts'
import type { Block } from './compression-pool.ts'
import { inOrder } from './in-order.ts'
import { orEmpty } from './read-blocks.ts'
import { encodeSeekTable, type SeekTableRow } from './seek-table.ts'
import { zstdDecompressor } from './zstd-decode.ts'

/** Of 1, 2 and 4 MiB no one is faster or smaller by more than the noise (docs/performance.md); twice as much is twice the memory. */
export const FRAME_CONTENT_BYTES = 2 << 20

export function zstdCodec({ level }: CodecOptions): Codec {
  return {
    ...zstdDecompressor,
    blockBytes: FRAME_CONTENT_BYTES,
    compress: (blocks, work) => compress(blocks, work, level),
  }
}

type Bytes = AsyncGenerator<Uint8Array, void, undefined>

async function* compress(blocks: AsyncIterable<Block>, { share, pool }: BlockWork, level: number): Bytes {
  const table: SeekTableRow[] = []
  const toFrame = async (block: Block): Promise<{ readonly content: number, readonly frame: Uint8Array }> =>
    ({ content: block.length, frame: await pool.compress(block, { kind: 'zstd', level }) })
  for await (const { content, frame } of inOrder(orEmpty(blocks), share, toFrame)) {
    table.push({ stored: frame.length, content })
    yield frame
  }
  yield encodeSeekTable(table)
}
