/** Compresses one block into a frame or member that can be decoded by itself. Runs in a thread of its own. */
import { constants, gzipSync, zstdCompressSync } from 'node:zlib'
import { encodeLz4Block } from './lz4-library.ts'

export interface BlockFormat {
  readonly kind: 'zstd' | 'gzip' | 'lz4'
  readonly level: number
}

/** What a block may grow to: ZSTD_COMPRESSBOUND of zstd.h, and more than zlib's compressBound with a gzip header. */
const boundOf = (bytes: number): number => bytes + (bytes >> 8) + 1024

/** The result fills its memory from the start and shares it with nobody, so it can be handed to another thread. */
export function compressBlock(block: Uint8Array, { kind, level }: BlockFormat): Buffer {
  if (kind === 'lz4') return encodeLz4Block(block)
  // room for all of it: one call of the library, and no copy; and no part of Node's pool of small buffers, which cannot be handed over
  const chunkSize = Math.max(Buffer.poolSize, boundOf(block.length))
  if (kind === 'gzip') return gzipSync(block, { level, chunkSize })
  return zstdCompressSync(block, {
    chunkSize, params: { [constants.ZSTD_c_compressionLevel]: level, [constants.ZSTD_c_checksumFlag]: 1 },
  })
}
