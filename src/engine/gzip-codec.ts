/**
 * gzip objects, under Vitess's names pgzip and pargzip: members of 1 MiB of input each, compressed at once and in
 * order; read however many members there are (RFC 1952, 2.2), also a single one.
 */
import { createGunzip } from 'node:zlib'
import type { Codec, CodecOptions } from './codec.ts'
import { decodeThrough } from './decode-through.ts'
import { inOrder } from './in-order.ts'
import { orEmpty } from './read-blocks.ts'

const MEMBER_CONTENT_BYTES = 1 << 20

export function gzipCodec({ level }: Pick<CodecOptions, 'level'>): Codec {
  return {
    blockBytes: MEMBER_CONTENT_BYTES,
    compress: (blocks, { share, pool }) => inOrder(orEmpty(blocks), share, (block) => pool.compress(block, { kind: 'gzip', level })),
    decompress: (source) => decodeThrough(createGunzip({ chunkSize: 1 << 20 }), source),
  }
}
