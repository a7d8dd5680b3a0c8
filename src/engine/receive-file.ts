/**
 * One file on its way back: storage → CRC-32 → decompress → disk.
 *
 * Promises  memory is bounded whatever the size; the hash is of the bytes as stored; what comes back is written only
 *           inside its stretch of the file, and is proven (hash, size) when the call resolves.
 */
import type { FileHandle } from 'node:fs/promises'
import type { ActionContext } from '../base/action.ts'
import { TabletError } from '../base/errors.ts'
import type { ReadableBackup } from '../storage/backup-storage.ts'
import { checksum, type BytesListener } from './checksum.ts'
import type { Codec } from './codec.ts'
import { localError, locally } from './local-errors.ts'

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
