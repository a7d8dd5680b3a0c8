/**
 * lz4 objects: one frame of independent blocks of 1 MiB of input each, compressed at once and in order, with a checksum of
 * the content; read however many frames there are, linked blocks included.
 *
 * One frame, for readers that stop after the first (pierrec/lz4 v4). Blocks of 1 MiB compress as well as the 4 MiB that
 * Vitess writes, and hold a quarter of the memory.
 */
import { TabletError, messageOf } from '../base/errors.ts'
import { byteReader } from './byte-reader.ts'
import type { BlockWork, Codec } from './codec.ts'
import type { Block } from './compression-pool.ts'
import { freeMemory } from './free-memory.ts'
import { inOrder } from './in-order.ts'
import { readLz4Parts, type Lz4Block, type Lz4FrameEnd } from './lz4-frames.ts'
import { lz4Library, type Lz4Library } from './lz4-library.ts'

export const BLOCK_CONTENT_BYTES = 1 << 20
/** Magic number, version 01 with independent blocks and a content checksum, blocks of up to 1 MiB, checksum of these. */
const FRAME_HEADER = Buffer.from('04224d18646085', 'hex')
/** How far back a linked block may refer. */
const WINDOW_BYTES = 64 << 10
/** A block grows to at most this many times its size: 255 for each byte that only lengthens a match. */
const MOST_PER_BYTE = 255
const EMPTY = Buffer.alloc(0)

type Bytes = AsyncGenerator<Uint8Array, void, undefined>

export function lz4Codec(): Codec {
  return {
    blockBytes: BLOCK_CONTENT_BYTES,
    compress,
    decompress,
    release: (chunk) => { freeMemory(chunk as Buffer<ArrayBuffer>) },
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

/** One block after the other: even so it outruns most disks, and linked blocks leave no choice. */
async function* decompress(source: AsyncIterable<Uint8Array>): Bytes {
  const lz4 = await lz4Library()
  await using reader = byteReader(source)
  let found = newContent(lz4)
  for await (const part of readLz4Parts(reader, lz4.hash)) {
    if (part.kind === 'end') {
      requireWhole(part, found)
      found = newContent(lz4)
    } else {
      const content = decode(part, found.window, lz4)
      found.bytes += content.length
      found.sum.add(content)
      if (part.linked) found.window = endOf(found.window, content)
      yield content
    }
  }
}

/** What a frame held so far. */
interface Content {
  bytes: number
  readonly sum: ReturnType<Lz4Library['newHash']>
  /** The end of it that linked blocks may refer to. */
  window: Buffer
}

const newContent = ({ newHash }: Lz4Library): Content => ({ bytes: 0, sum: newHash(), window: EMPTY })

/** A copy: whoever takes the content may free it. */
const endOf = (before: Buffer, content: Buffer): Buffer =>
  Buffer.concat([content.length < WINDOW_BYTES ? before : EMPTY, content.subarray(-WINDOW_BYTES)]).subarray(-WINDOW_BYTES)

function decode({ compressed, stored, maxContent }: Lz4Block, window: Buffer, lz4: Lz4Library): Buffer {
  if (!compressed) return stored
  try {
    return lz4.decompress(stored, Math.min(maxContent, stored.length * MOST_PER_BYTE), window)
  } catch (error) {
    throw corrupt(messageOf(error), error)
  }
}

function requireWhole(end: Lz4FrameEnd, found: Content): void {
  if (end.contentSize !== undefined && end.contentSize !== found.bytes) throw corrupt(`a frame holds ${found.bytes} bytes and says ${end.contentSize}`)
  if (end.checksum !== undefined && end.checksum !== found.sum.value()) throw corrupt('the checksum of a frame is wrong')
}

const corrupt = (why: string, cause?: unknown): TabletError => new TabletError('BACKUP_CORRUPT', `cannot read lz4 data: ${why}`, { cause })
