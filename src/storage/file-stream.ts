/** Bytes of one stored file, never fewer than it held when it was opened. */
import { constants } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { TabletError } from '../base/errors.ts'
import { storageError } from './storage-errors.ts'

const CHUNK_BYTES = 1 << 20

/** From `start` to before `end` (default: all of the file). The stream owns the descriptor and fails with a TabletError. */
export async function openFileStream(
  path: string, range: { readonly start?: number, readonly end?: number }, signal: AbortSignal,
): Promise<Readable> {
  const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW)
  try {
    const facts = await handle.stat()
    if (!facts.isFile()) throw new TabletError('STORAGE_FAILED', `cannot read ${path}: it is not a file`)
    const end = Math.min(range.end ?? facts.size, facts.size)
    return streamOf(handle, { path, start: Math.min(range.start ?? 0, end), end, signal })
  } catch (error) {
    await handle.close()
    throw error
  }
}

interface Stretch {
  readonly path: string
  readonly start: number
  readonly end: number
  readonly signal: AbortSignal
}

function streamOf(handle: FileHandle, { path, start, end, signal }: Stretch): Readable {
  let position = start
  const readNext = async (): Promise<Buffer | null> => {
    if (position >= end) return null
    const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(Math.min(CHUNK_BYTES, end - position)), 0, null, position)
    if (bytesRead === 0) throw new TabletError('STORAGE_FAILED', `cannot read ${path}: it ended at byte ${position} of ${end}`)
    position += bytesRead
    return bytesRead === buffer.length ? buffer : buffer.subarray(0, bytesRead)
  }
  const stream = new Readable({
    highWaterMark: CHUNK_BYTES,
    read() {
      readNext().then((chunk) => { stream.push(chunk) }, (error: unknown) => { stream.destroy(storageError(`read ${path}`, error)) })
    },
    destroy(error, done) {
      signal.removeEventListener('abort', onAbort)
      handle.close().then(() => { done(error) }, (closing: unknown) => { done(error ?? (closing as Error)) })
    },
  })
  const onAbort = (): void => { stream.destroy(signal.reason as Error) }
  if (signal.aborted) onAbort()
  else signal.addEventListener('abort', onAbort, { once: true })
  return stream
}
