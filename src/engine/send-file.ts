/**
 * One file on its way out: disk → compress → CRC-32 → storage.
 *
 * Promises  memory is bounded whatever the size; the hash is of the bytes as stored.
 */
import { constants, type BigIntStats } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import type { ActionContext } from '../base/action.ts'
import { TabletError } from '../base/errors.ts'
import type { WritableBackup } from '../storage/backup-storage.ts'
import { checksum, type BytesListener } from './checksum.ts'
import type { Codec } from './codec.ts'
import { locally } from './local-errors.ts'

const READ_BYTES = 2 << 20

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
