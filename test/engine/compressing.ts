/** Writing objects as a backup does, from data in memory. */
import { BlockBudget } from '../../src/engine/block-budget.ts'
import { CompressionPool, type Block } from '../../src/engine/compression-pool.ts'
import { codecForWriting, type Compression } from '../../src/engine/compression.ts'
import { collect } from './bytes.ts'

export const THREADS = 2

/** `data` in blocks that are the taker's. */
export async function* blocksOf(data: Uint8Array, blockBytes: number): AsyncGenerator<Block, void, undefined> {
  for (let at = 0; at < data.length; at += blockBytes) yield new Uint8Array(data.subarray(at, at + blockBytes))
}

/** The object that a backup makes of `data`. */
export async function compressed(compression: Compression, data: Uint8Array): Promise<Buffer> {
  const codec = codecForWriting(compression)
  await using pool = new CompressionPool({ threads: THREADS, blockBytes: codec.blockBytes })
  using share = new BlockBudget(THREADS).open()
  return await collect(codec.compress(blocksOf(data, codec.blockBytes), { share, pool }))
}
