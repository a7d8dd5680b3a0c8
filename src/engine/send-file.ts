/**
 * One file on its way out: disk → compress → CRC-32 → storage.
 *
 * Promises  memory is bounded whatever the size; the hash is of the bytes as stored.
 */
import { constants, type BigIntStats } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import type { ActionContext } from '../base/action.ts'
import { TabletError } from '../base/errors.ts'
import type { StageListener } from '../model/stage.ts'
import type { StoredFile, WritableBackup } from '../storage/backup-storage.ts'
import { checksum, type BytesListener } from './checksum.ts'
import type { BlockWork, Compressor } from './codec.ts'
import type { Block } from './compression-pool.ts'
import { locally } from './local-errors.ts'
import { readBlocks } from './read-blocks.ts'

/** The unit of `blocks` in stat(2). */
const STAT_BLOCK_BYTES = 512

export interface OutgoingFile {
  readonly path: string
  readonly object: string
  readonly into: WritableBackup
  readonly codec: Compressor
  readonly work: BlockWork
  readonly onBytes: BytesListener
  readonly onStage?: StageListener | undefined
}

export interface SentFile {
  readonly hash: string
  readonly size: number
  readonly storedSize: number
  /** What the file system had allocated for it, in bytes. */
  readonly allocated: number
}

/**
 * Copies a file into storage. When it settles, nothing of the file is in flight any more.
 *
 * @throws TabletError FILE_CHANGED when somebody wrote to it meanwhile; BACKUP_NOT_PROVEN when storage took another
 *   number of bytes; LOCAL_IO_FAILED; the storage's own.
 */
export async function sendFile(file: OutgoingFile, ctx: ActionContext): Promise<SentFile> {
  const { path } = file
  ctx.signal.throwIfAborted()
  const handle = await locally(`open ${path}`, () => open(path, constants.O_RDONLY | constants.O_NOFOLLOW))
  try {
    const before = await handle.stat({ bigint: true })
    if (!before.isFile()) throw new TabletError('LOCAL_IO_FAILED', `cannot copy ${path}: it is not a regular file`)
    const size = Number(before.size)
    const sum = checksum()
    const stored = await store(file, { handle, size, sum }, ctx)
    requireUnchanged(path, before, await handle.stat({ bigint: true }))
    if (stored.bytes !== sum.bytes()) {
      throw new TabletError('BACKUP_NOT_PROVEN', `cannot store ${path}: ${sum.bytes()} bytes were sent, storage reports ${stored.bytes}`)
    }
    return { hash: sum.hex(), size, storedSize: stored.bytes, allocated: Number(before.blocks) * STAT_BLOCK_BYTES }
  } finally {
    await handle.close()
  }
}

async function store(
  { path, object, into, codec, work, onBytes, onStage }: OutgoingFile,
  { handle, size, sum }: { readonly handle: FileHandle, readonly size: number, readonly sum: ReturnType<typeof checksum> },
  ctx: ActionContext,
): Promise<StoredFile> {
  const memory = (bytes: number): Block => work.pool.block(bytes)
  const blocks = readBlocks({ handle, path, size, blockBytes: codec.blockBytes, memory, onBytes, onStage }, ctx.signal)
  const stopped = new AbortController()   // so that a command that hangs does not outlive a failed write
  const bytes = sum.over(codec.compress(blocks, work, AbortSignal.any([ctx.signal, stopped.signal])))
  try {
    return await into.writeFile(object, bytes, { sizeHint: size }, ctx)
  } finally {
    stopped.abort()
    await bytes.return()   // a storage that failed may have left off in the middle
  }
}

function requireUnchanged(path: string, before: BigIntStats, after: BigIntStats): void {
  if (before.size === after.size && before.mtimeNs === after.mtimeNs) return
  throw new TabletError('FILE_CHANGED', `cannot copy ${path}: it changed meanwhile (${before.size} bytes, now ${after.size})`)
}
