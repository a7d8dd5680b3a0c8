/**
 * One file on its way back: an object of storage, in one stream or in segments side by side, into an open file.
 *
 * Promises  when the call resolves, all of the stored bytes had the hash of the MANIFEST, and all of the content is
 *           written, however it was fetched; no byte of a sound object is fetched twice.
 */
import { crc32 } from 'node:zlib'
import { forEachParallel, type ActionContext } from '../base/action.ts'
import { TabletError } from '../base/errors.ts'
import { checksum, hexOf } from './checksum.ts'
import { combineCrc32 } from './crc32-combine.ts'
import { findSegments, type Segments } from './find-segments.ts'
import { receiveStretch, type Received, type Receiving } from './receive-stretch.ts'

export interface IncomingFile extends Receiving {
  /** Of the stored bytes, eight hexadecimal digits. */
  readonly hash: string
  /** Uncompressed bytes; undefined when the manifest does not tell. */
  readonly size: number | undefined
  readonly storedSize: number | undefined
  /** Requests for one object at once; 1 reads it as one stream, which needs neither ranges nor a table. */
  readonly segmentsAtOnce: number
}

/**
 * Copies one object from storage into (a stretch of) an open file and proves it. The caller syncs and closes the file.
 *
 * @throws TabletError CHECKSUM_MISMATCH, BACKUP_CORRUPT, NO_SPACE, LOCAL_IO_FAILED, COMPRESSION_FAILED; the storage's own; of a
 *   command EXTERNAL_COMMAND_FAILED.
 */
export async function receiveFile(file: IncomingFile, ctx: ActionContext): Promise<void> {
  const { object, target, hash } = file
  const segments = await segmentsOf(file, ctx)
  const sum = segments === undefined
    ? (await receiveStretch(file, { start: 0, end: undefined, offset: 0, bytes: file.size }, ctx)).sum
    : await receiveSegments(file, segments, ctx)
  if (hexOf(sum) !== hash.toLowerCase()) {
    throw new TabletError('CHECKSUM_MISMATCH', `cannot restore ${target.path}: object ${object} has the hash ${hexOf(sum)}, the MANIFEST says ${hash}`)
  }
}

async function segmentsOf(file: IncomingFile, ctx: ActionContext): Promise<Segments | undefined> {
  const { codec, size, storedSize, segmentsAtOnce } = file
  if (codec.seekable !== true || segmentsAtOnce < 2 || size === undefined || storedSize === undefined) return undefined
  return await findSegments({ ...file, size, storedSize }, ctx)
}

type StoredObject = Pick<IncomingFile, 'from' | 'object' | 'hash'>

/**
 * Reads an object once more, only for its hash: tells whose fault it is that a command did not decompress it.
 *
 * @throws TabletError BACKUP_CORRUPT when it is not what the MANIFEST says; the storage's own.
 */
export async function requireStoredHash({ from, object, hash }: StoredObject, ctx: ActionContext): Promise<void> {
  const sum = checksum()
  const stream = await from.readFile(object, {}, ctx)
  try {
    for await (const chunk of sum.over(stream)) if (chunk.length > 0) ctx.signal.throwIfAborted()
  } finally {
    stream.destroy()
  }
  if (sum.hex() === hash.toLowerCase()) return
  throw new TabletError('BACKUP_CORRUPT', `cannot restore object ${object}: it has the hash ${sum.hex()}, the MANIFEST says ${hash}`)
}

/** Returns the CRC-32 of the whole object. */
async function receiveSegments(file: IncomingFile, { segments, table }: Segments, ctx: ActionContext): Promise<number> {
  const received: Received[] = []
  await forEachParallel(segments.entries(), file.segmentsAtOnce, async ([index, segment], segmentCtx) => {
    received[index] = await receiveStretch(file, segment, segmentCtx)
  }, ctx)
  const frames = received.reduce((sum, part) => combineCrc32(sum, part.sum, part.storedBytes), 0)
  return combineCrc32(frames, crc32(table), table.length)
}
