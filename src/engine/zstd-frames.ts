/**
 * Where each zstd frame of a stored object begins and ends, read from the frames themselves.
 *
 * Node's decoder goes on to the next frame only when the decoded size is a multiple of 16 KiB and stops silently
 * otherwise, so whoever decodes hands it exactly one frame at a time. See RFC 8878, 3.1.
 */
import { TabletError } from '../base/errors.ts'
import type { ByteReader } from './byte-reader.ts'
import { frameBytes } from './frame-bytes.ts'

const { corrupt, exactly, skip } = frameBytes('zstd')
const FRAME_MAGIC = 0xfd2fb528
const SKIPPABLE_MAGIC = 0x184d2a50      // the last four bits are free
const SKIPPABLE_MASK = 0xfffffff0
const CONTENT_SIZE_BYTES = [0, 2, 4, 8]
const DICTIONARY_ID_BYTES = [0, 1, 2, 4]

export interface ZstdFrame {
  /** Decoded bytes, when the frame tells. */
  readonly contentSize: number | undefined
  /** The frame's own bytes, all of them and no more; must be read to the end before the next frame is asked for. */
  readonly bytes: AsyncGenerator<Buffer, void, undefined>
}

export interface ZstdFrameHeader {
  /** Bytes of the header after the magic number and the descriptor. */
  readonly restBytes: number
  readonly singleSegment: boolean
  readonly contentSizeBytes: number
  readonly dictionaryIdBytes: number
  readonly hasChecksum: boolean
}

/** What the frame header descriptor promises (RFC 8878, 3.1.1.1.1). */
export function readDescriptor(descriptor: number): ZstdFrameHeader {
  if ((descriptor & 0x08) !== 0) throw corrupt('a reserved bit of a frame header is set')
  const singleSegment = (descriptor & 0x20) !== 0
  const sizeFlag = descriptor >> 6
  const contentSizeBytes = sizeFlag === 0 && singleSegment ? 1 : CONTENT_SIZE_BYTES[sizeFlag] ?? 0
  const dictionaryIdBytes = DICTIONARY_ID_BYTES[descriptor & 3] ?? 0
  return {
    restBytes: (singleSegment ? 0 : 1) + dictionaryIdBytes + contentSizeBytes,
    singleSegment, contentSizeBytes, dictionaryIdBytes,
    hasChecksum: (descriptor & 0x04) !== 0,
  }
}

/** The frames of `reader`, one after the other, skippable ones left out. Throws BACKUP_CORRUPT unless frames make up all of it. */
export async function* readZstdFrames(reader: ByteReader): AsyncGenerator<ZstdFrame, void, undefined> {
  for (;;) {
    const magicBytes = await reader.take(4)
    if (magicBytes.length === 0) return
    const magic = exactly(magicBytes, 4).readUInt32LE()
    if ((magic & SKIPPABLE_MASK) >>> 0 === SKIPPABLE_MAGIC) {
      await skip(reader, exactly(await reader.take(4), 4).readUInt32LE())
    } else if (magic === FRAME_MAGIC) {
      yield await openFrame(magicBytes, reader)
    } else {
      throw corrupt(`no frame begins with ${magicBytes.toString('hex')}`)
    }
  }
}

async function openFrame(magic: Buffer, reader: ByteReader): Promise<ZstdFrame> {
  const descriptor = exactly(await reader.take(1), 1)
  const header = readDescriptor(descriptor.readUInt8())
  const rest = exactly(await reader.take(header.restBytes), header.restBytes)
  const dictionaryAt = header.singleSegment ? 0 : 1
  const dictionaryId = rest.subarray(dictionaryAt, dictionaryAt + header.dictionaryIdBytes)
  if (dictionaryId.some((byte) => byte !== 0)) throw new TabletError('COMPRESSION_UNSUPPORTED', 'cannot decompress: the zstd frame needs a dictionary')
  const contentSize = contentSizeOf(rest.subarray(dictionaryAt + header.dictionaryIdBytes))
  return { contentSize, bytes: bytesOfFrame(Buffer.concat([magic, descriptor, rest]), header, reader) }
}

function contentSizeOf(field: Buffer): number | undefined {
  switch (field.length) {
    case 0: return undefined
    case 1: return field.readUInt8()
    case 2: return field.readUInt16LE() + 256
    case 4: return field.readUInt32LE()
    default: return Number(field.readBigUInt64LE())
  }
}

async function* bytesOfFrame(head: Buffer, header: ZstdFrameHeader, reader: ByteReader): AsyncGenerator<Buffer, void, undefined> {
  yield head
  for (let last = false; !last;) {
    const blockHeader = exactly(await reader.take(3), 3)
    const bits = blockHeader.readUIntLE(0, 3)
    last = (bits & 1) === 1
    const type = (bits >> 1) & 3
    if (type === 3) throw corrupt('a block has the reserved type')
    const size = type === 1 ? 1 : bits >> 3   // an RLE block stores the one byte that it repeats
    yield blockHeader
    yield exactly(await reader.take(size), size)
  }
  if (header.hasChecksum) yield exactly(await reader.take(4), 4)
}
