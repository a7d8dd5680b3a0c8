/**
 * lz4 objects: one frame of independent blocks of 1 MiB of input each, compressed at once and in order, with a checksum of
 * the content; read however many frames there are, linked blocks included.
 *
 * One frame, for readers that stop after the first (pierrec/lz4 v4). Blocks of 1 MiB compress as well as the 4 MiB that
 * Vitess writes, and hold a quarter of the memory.
 */
import { TabletError, messageOf } from '../base/errors.ts'
import { byteReader } from './byte-reader.ts'
import type { BlockWork, Codec, CodecOptions } from './codec.ts'
import type { Block } from './compression-pool.ts'
import { decodeAhead } from './decode-ahead.ts'
import { inOrder } from './in-order.ts'
import { readLz4Parts, type Lz4Block, type Lz4FrameEnd } from './lz4-frames.ts'
import { lz4Library, type Lz4Library } from './lz4-library.ts'
import { Room } from './room.ts'

export const BLOCK_CONTENT_BYTES = 1 << 20
/** Magic number, version 01 with independent blocks and a content checksum, blocks of up to 1 MiB, checksum of these. */
const FRAME_HEADER = Buffer.from('04224d18646085', 'hex')
/** How far back a linked block may refer. */
const WINDOW_BYTES = 64 << 10
/** A block grows to at most this many times its size: 255 for each byte that only lengthens a match. */
const MOST_PER_BYTE = 255
/** For one of the largest blocks with what it holds. */
const ROOM_PER_THREAD = 8 << 20
const EMPTY = Buffer.alloc(0)

type Bytes = AsyncGenerator<Uint8Array, void, undefined>

export function lz4Codec({ parallel }: Pick<CodecOptions, 'parallel'>): Codec {
  const room = new Room(parallel * ROOM_PER_THREAD)
  return {
    blockBytes: BLOCK_CONTENT_BYTES,
    compress,
    decompress: (source) => decompress(source, room),
  }
}

async function* compress(blocks: AsyncIterable<Block>, { share, pool }: BlockWork): Bytes {
  const { newHash } = await lz4Library()
  const sum = newHash()
  const encode = (block: Block): Promise<Uint8Array> => {
    sum.add(block)   // now, in the order of the blocks: the pool takes it away
    return pool.compress(block, { kind: 'lz4', level: 1 })
  }
  yield FRAME_HEADER
  yield* inOrder(blocks, share, encode)
  const end = Buffer.alloc(8)   // no more blocks, and the checksum
  end.writeUInt32LE(sum.value(), 4)
  yield end
}

async function* decompress(source: AsyncIterable<Uint8Array>, room: Room): Bytes {
  const lz4 = await lz4Library()
  await using reader = byteReader(source)
  await using ahead = decodeAhead(room)
  const decode = blockDecoder(lz4)
  let found = { bytes: 0, sum: lz4.newHash() }
  const counted = async function* (contents: AsyncIterable<Buffer>): Bytes {
    for await (const content of contents) {
      found.bytes += content.length
      found.sum.add(content)
      yield content
    }
  }
  for await (const part of readLz4Parts(reader, lz4.hash)) {
    if (part.kind === 'block') {
      yield* counted(ahead.begin(part.stored.length + mostOf(part), () => decode(part)))
    } else {
      yield* counted(ahead.rest())
      requireWhole(part, { bytes: found.bytes, checksum: found.sum.value() })
      found = { bytes: 0, sum: lz4.newHash() }
    }
  }
}

function requireWhole(end: Lz4FrameEnd, found: { readonly bytes: number, readonly checksum: number }): void {
  if (end.contentSize !== undefined && end.contentSize !== found.bytes) throw corrupt(`a frame holds ${found.bytes} bytes and says ${end.contentSize}`)
  if (end.checksum !== undefined && end.checksum !== found.checksum) throw corrupt('the checksum of a frame is wrong')
}

/** Decodes blocks at once where they are independent, each after the one before it where they are linked. */
function blockDecoder(lz4: Lz4Library): (block: Lz4Block) => Promise<Buffer> {
  let window: Promise<Buffer> = Promise.resolve(EMPTY)   // the end of what the frame held so far
  return (block) => {
    if (!block.linked) return decodeBlock(lz4, block, EMPTY)
    const before = block.firstOfFrame ? Promise.resolve(EMPTY) : window
    const content = before.then((dictionary) => decodeBlock(lz4, block, dictionary))
    window = Promise.all([before, content]).then(([old, added]) =>
      added.length >= WINDOW_BYTES ? added.subarray(-WINDOW_BYTES) : Buffer.concat([old, added]).subarray(-WINDOW_BYTES))
    window.catch(() => undefined)   // the block's own failure is the one that is thrown
    return content
  }
}

/** Bytes that a block's content has at most. */
const mostOf = ({ stored, maxContent }: Lz4Block): number => Math.min(maxContent, stored.length * MOST_PER_BYTE)

async function decodeBlock(lz4: Lz4Library, block: Lz4Block, dictionary: Buffer): Promise<Buffer> {
  if (!block.compressed) return block.stored
  try {
    return await lz4.decompress(block.stored, mostOf(block), dictionary)
  } catch (error) {
    throw corrupt(messageOf(error), error)
  }
}

const corrupt = (why: string, cause?: unknown): TabletError => new TabletError('BACKUP_CORRUPT', `cannot read lz4 data: ${why}`, { cause })
