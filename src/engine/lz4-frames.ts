/**
 * What a stored object in the LZ4 frame format is made of, read block by block.
 *
 * Owns      headers, sizes, ends, and the checksums of headers and blocks; frames one after the other, skippable ones
 *           between them.
 * Leaves    decoding blocks, and the checksum and size of what they hold, to lz4-codec.ts.
 * Promises  no more than one block (4 MiB) is taken at once, whatever the object says.
 * See       doc/lz4_Frame_format.md of lz4.
 */
import { TabletError } from '../base/errors.ts'
import type { ByteReader } from './byte-reader.ts'
import { frameBytes } from './frame-bytes.ts'
import { STORED_AS_IT_IS, type Lz4Library } from './lz4-library.ts'

const { corrupt, exactly, skip } = frameBytes('lz4')
const FRAME_MAGIC = 0x184d2204
const LEGACY_MAGIC = 0x184c2102
const SKIPPABLE_MAGIC = 0x184d2a50      // the last four bits are free
const SKIPPABLE_MASK = 0xfffffff0

/** Bits of the first byte of a frame's descriptor; above them stands the version, 01. */
const INDEPENDENT = 0x20
const BLOCK_CHECKSUMS = 0x10
const CONTENT_SIZE = 0x08
const CONTENT_CHECKSUM = 0x04
const RESERVED = 0x02
const DICTIONARY = 0x01

export interface Lz4Block {
  readonly kind: 'block'
  readonly stored: Buffer
  /** false: `stored` is the content. */
  readonly compressed: boolean
  /** The most bytes that it may hold. */
  readonly maxContent: number
  /** It may refer to the 64 KiB before it in its frame. */
  readonly linked: boolean
}

export interface Lz4FrameEnd {
  readonly kind: 'end'
  /** What the frame says of its content, where it does: bytes, and xxHash-32. */
  readonly contentSize: number | undefined
  readonly checksum: number | undefined
}

export type Lz4Part = Lz4Block | Lz4FrameEnd

type Hash = Lz4Library['hash']

/**
 * The parts of all frames of `reader`.
 *
 * @throws TabletError BACKUP_CORRUPT unless frames make up all of it; COMPRESSION_UNSUPPORTED for a frame of the legacy
 *   format or one that needs a dictionary.
 */
export async function* readLz4Parts(reader: ByteReader, hash: Hash): AsyncGenerator<Lz4Part, void, undefined> {
  for (;;) {
    const bytes = await reader.take(4)
    if (bytes.length === 0) return
    const magic = exactly(bytes, 4).readUInt32LE()
    if (magic === FRAME_MAGIC) yield* readFrame(reader, hash)
    else if ((magic & SKIPPABLE_MASK) >>> 0 === SKIPPABLE_MAGIC) await skip(reader, await takeWord(reader))
    else if (magic === LEGACY_MAGIC) throw new TabletError('COMPRESSION_UNSUPPORTED', 'cannot decompress: the data are in lz4\'s legacy format')
    else throw corrupt(`no frame begins with ${bytes.toString('hex')}`)
  }
}

interface Header {
  readonly flags: number
  readonly maxContent: number
  readonly contentSize: number | undefined
}

async function* readFrame(reader: ByteReader, hash: Hash): AsyncGenerator<Lz4Part, void, undefined> {
  const { flags, maxContent, contentSize } = await readHeader(reader, hash)
  const has = (bit: number): boolean => (flags & bit) !== 0
  for (;;) {
    const word = await takeWord(reader)
    if (word === 0) break
    const size = word % STORED_AS_IT_IS
    if (size > maxContent) throw corrupt(`a block of ${size} bytes is larger than its frame allows`)
    const stored = exactly(await reader.take(size), size)
    if (has(BLOCK_CHECKSUMS) && await takeWord(reader) !== hash(stored)) throw corrupt('the checksum of a block is wrong')
    yield { kind: 'block', stored, compressed: word < STORED_AS_IT_IS, maxContent, linked: !has(INDEPENDENT) }
  }
  yield { kind: 'end', contentSize, checksum: has(CONTENT_CHECKSUM) ? await takeWord(reader) : undefined }
}

async function readHeader(reader: ByteReader, hash: Hash): Promise<Header> {
  const start = exactly(await reader.take(2), 2)
  const [flags = 0, sizes = 0] = start
  if (flags >> 6 !== 1) throw corrupt(`version ${flags >> 6} of the frame format is unknown`)
  const restBytes = ((flags & CONTENT_SIZE) === 0 ? 0 : 8) + ((flags & DICTIONARY) === 0 ? 0 : 4)
  const rest = exactly(await reader.take(restBytes), restBytes)
  const checksum = exactly(await reader.take(1), 1).readUInt8()
  if (checksum !== (hash(Buffer.concat([start, rest])) >> 8 & 0xff)) throw corrupt('the checksum of a frame header is wrong')
  const sizeCode = sizes >> 4
  if ((flags & RESERVED) !== 0 || (sizes & 0x0f) !== 0 || sizeCode < 4 || sizeCode > 7) throw corrupt('a frame header says what no version defines')
  if ((flags & DICTIONARY) !== 0) throw new TabletError('COMPRESSION_UNSUPPORTED', 'cannot decompress: the lz4 frame needs a dictionary')
  return {
    flags, maxContent: 1 << (8 + 2 * sizeCode), contentSize: (flags & CONTENT_SIZE) === 0 ? undefined : Number(rest.readBigUInt64LE()),
  }
}

const takeWord = async (reader: ByteReader): Promise<number> => exactly(await reader.take(4), 4).readUInt32LE()
