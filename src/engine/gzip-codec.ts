/**
 * gzip objects, under Vitess's names pgzip and pargzip: members of 1 MiB of input each, compressed at once and in
 * order; read however many members there are (RFC 1952, 2.2), also a single one.
 */
import { promisify } from 'node:util'
import { createGunzip, gzip } from 'node:zlib'
import { inBlocks, mapInOrder } from './byte-reader.ts'
import type { Codec, CodecOptions } from './codec.ts'
import { decodeThrough } from './decode-through.ts'

const compressBlock = promisify(gzip)
const MEMBER_CONTENT_BYTES = 1 << 20
const EMPTY = Buffer.alloc(0)

export function gzipCodec({ level, parallel }: CodecOptions): Codec {
  return {
    async* compress(source) {
      let members = 0
      const toMember = (block: Uint8Array): Promise<Buffer> => {
        members += 1
        return compressBlock(block, { level })
      }
      yield* mapInOrder(inBlocks(source, MEMBER_CONTENT_BYTES), parallel, toMember)
      if (members === 0) yield await compressBlock(EMPTY, { level })
    },
    decompress: (source) => decodeThrough(createGunzip({ chunkSize: 1 << 20 }), source),
  }
}
