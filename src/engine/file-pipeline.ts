/**
 * One file on its way: disk → compress → CRC-32 → storage, and back.
 *
 * Promises  memory is bounded whatever the size; the hash is of the bytes as stored; what comes back is written only
 *           inside its stretch of the file, and is on disk (fsync) and proven (hash, size) when the call resolves.
 */
import { constants, type BigIntStats } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import { crc32 } from 'node:zlib'
import type { ActionContext } from '../base/action.ts'
import { TabletError } from '../base/errors.ts'
import type { ReadableBackup, WritableBackup } from '../storage/backup-storage.ts'
import type { Codec } from './codec.ts'
import { localError, locally } from './local-errors.ts'

const READ_BYTES = 2 << 20

/** Told about every stretch of uncompressed bytes as it passes. */
type BytesListener = (bytes: number) => void

export interface OutgoingFile {
  readonly path: string
  readonly object: string
  readonly into: WritableBackup
  readonly codec: Codec
  readonly onBytes: BytesListener
}

export interface SentFile {
  readonly hash: string
  readonly size: number
  readonly storedSize: number
}

/**
 * Copies a file into storage.
 *
 * @throws TabletError FILE_CHANGED when somebody wrote to it meanwhile; BACKUP_NOT_PROVEN when storage took another
 *   number of bytes; LOCAL_IO_FAILED; the storage's own.
 */
export async function sendFile({ path, object, into, codec, onBytes }: OutgoingFile, ctx: ActionContext): Promise<SentFile> {
  ctx.signal.throwIfAborted()
  const handle = await locally(`open ${path}`, () => open(path, constants.O_RDONLY | constants.O_NOFOLLOW))
  try {
    const before = await handle.stat({ bigint: true })
    if (!before.isFile()) throw new TabletError('LOCAL_IO_FAILED', `cannot copy ${path}: it is not a regular file`)
    const size = Number(before.size)
    const sum = checksum()
    const content = readWhole(handle, { path, size, onBytes, signal: ctx.signal })
    const stored = await into.writeFile(object, sum.over(codec.compress(content, ctx.signal)), { sizeHint: size }, ctx)
    requireUnchanged(path, before, await handle.stat({ bigint: true }))
    if (stored.bytes !== sum.bytes()) {
      throw new TabletError('BACKUP_NOT_PROVEN', `cannot store ${path}: ${sum.bytes()} bytes were sent, storage reports ${stored.bytes}`)
    }
    return { hash: sum.hex(), size, storedSize: stored.bytes }
  } finally {
    await handle.close()
  }
}

interface WholeFile {
  readonly path: string
  readonly size: number
  readonly onBytes: BytesListener
  readonly signal: AbortSignal
}

async function* readWhole(handle: FileHandle, { path, size, onBytes, signal }: WholeFile): AsyncGenerator<Uint8Array, void, undefined> {
  for (let position = 0; position < size;) {
    signal.throwIfAborted()
    const chunk = Buffer.allocUnsafe(Math.min(READ_BYTES, size - position))
    const { bytesRead } = await locally(`read ${path}`, () => handle.read(chunk, 0, chunk.length, position))
    if (bytesRead === 0) throw new TabletError('FILE_CHANGED', `cannot copy ${path}: it shrank from ${size} to ${position} bytes`)
    position += bytesRead
    onBytes(bytesRead)
    yield chunk.subarray(0, bytesRead)
  }
}

function requireUnchanged(path: string, before: BigIntStats, after: BigIntStats): void {
  if (before.size === after.size && before.mtimeNs === after.mtimeNs) return
  throw new TabletError('FILE_CHANGED', `cannot copy ${path}: it changed meanwhile (${before.size} bytes, now ${after.size})`)
}

export interface IncomingFile {
  readonly object: string
  readonly from: ReadableBackup
  readonly codec: Codec
  /** Of the stored bytes; '' when the manifest has none. */
  readonly hash: string
  /** Uncompressed bytes; undefined when the manifest does not tell. */
  readonly size: number | undefined
  /** A file that exists already: bytes are written from `offset` on, and nothing else of it is touched. */
  readonly target: { readonly handle: FileHandle, readonly path: string, readonly offset: number }
  readonly onBytes: BytesListener
}

/**
 * Copies one object from storage into (a stretch of) an open file and proves it. The caller syncs and closes the file.
 *
 * @throws TabletError CHECKSUM_MISMATCH, BACKUP_CORRUPT, NO_SPACE; the storage's own. Returns the bytes written.
 */
export async function receiveFile(file: IncomingFile, ctx: ActionContext): Promise<number> {
  const { object, target, codec, size } = file
  const failed = new AbortController()   // so that a stalled read does not outlive a failed write
  const stream = await file.from.readFile(object, {}, { ...ctx, signal: AbortSignal.any([ctx.signal, failed.signal]) })
  const sum = checksum()
  let written = 0
  try {
    for await (const chunk of codec.decompress(sum.over(stream), ctx.signal)) {
      ctx.signal.throwIfAborted()
      if (size !== undefined && written + chunk.length > size) throw wrongSize(file, `more than ${size}`)
      await locally(`write ${target.path}`, () => writeAt(target.handle, chunk, target.offset + written))
      written += chunk.length
      file.onBytes(chunk.length)
    }
  } catch (error) {
    failed.abort(localError(`restore ${target.path}`, error))
    ctx.signal.throwIfAborted()
    throw error instanceof TabletError ? error : localError(`restore ${target.path}`, error)
  } finally {
    stream.destroy()
  }
  if (file.hash !== '' && sum.hex() !== file.hash.toLowerCase()) {
    throw new TabletError('CHECKSUM_MISMATCH', `cannot restore ${target.path}: object ${object} has the hash ${sum.hex()}, the MANIFEST says ${file.hash}`)
  }
  if (size !== undefined && written !== size) throw wrongSize(file, String(written))
  return written
}

const wrongSize = ({ object, target, size }: IncomingFile, found: string): TabletError =>
  new TabletError('BACKUP_CORRUPT', `cannot restore ${target.path}: object ${object} holds ${found} bytes, the MANIFEST says ${size}`)

async function writeAt(handle: FileHandle, chunk: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < chunk.length;) {
    const { bytesWritten } = await handle.write(chunk, done, chunk.length - done, position + done)
    done += bytesWritten
  }
}

/** Counts and sums bytes as they pass; CRC-32 (IEEE) as 8 lowercase hex digits, as MANIFESTs have it. */
function checksum(): {
  over(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined>
  hex(): string
  bytes(): number
} {
  let sum = 0
  let bytes = 0
  return {
    async* over(source) {
      for await (const chunk of source) {
        sum = crc32(chunk, sum)
        bytes += chunk.length
        yield chunk
      }
    },
    hex: () => sum.toString(16).padStart(8, '0'),
    bytes: () => bytes,
  }
}
