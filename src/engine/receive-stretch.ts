/**
 * One request to storage: a stretch of an object → CRC-32 → decompress → a stretch of a file.
 *
 * Promises  memory is bounded whatever the size; nothing is written outside the stretch of the file; as many bytes come
 *           as were asked for, or the object is corrupt, whatever storage takes a range to be.
 */
import type { FileHandle } from 'node:fs/promises'
import type { ActionContext } from '../base/action.ts'
import { TabletError } from '../base/errors.ts'
import type { StageListener } from '../model/stage.ts'
import type { ReadableBackup } from '../storage/backup-storage.ts'
import { checksum, type BytesListener } from './checksum.ts'
import type { Decompressor } from './codec.ts'
import { ContentSink } from './content-sink.ts'
import type { DecodingPool } from './decoding-pool.ts'
import { localError } from './local-errors.ts'
import type { Room } from '../base/room.ts'

export interface Receiving {
  readonly object: string
  readonly from: ReadableBackup
  readonly codec: Decompressor
  readonly pool: DecodingPool
  /** A file that exists already: bytes are written from `offset` on, and nothing else of it is touched. */
  readonly target: { readonly handle: FileHandle, readonly path: string, readonly offset: number, readonly holes: boolean }
  readonly onBytes: BytesListener
  readonly onStage?: StageListener | undefined
  /** How many requests may be open at once, over all objects. */
  readonly requests: Room
}

/** Stored bytes from `start` to before `end`, and the content they hold. */
export interface Stretch {
  readonly start: number
  /** undefined: to the end of the object, however far that is. */
  readonly end: number | undefined
  /** Where its content begins in that of the object. */
  readonly offset: number
  /** Bytes of content; undefined when not known before. */
  readonly bytes: number | undefined
}

export interface Received {
  /** CRC-32 of the stored bytes. */
  readonly sum: number
  readonly storedBytes: number
  readonly bytes: number
}

/**
 * @throws TabletError BACKUP_CORRUPT, NO_SPACE, LOCAL_IO_FAILED, COMPRESSION_FAILED; of a command EXTERNAL_COMMAND_FAILED;
 *   the storage's own.
 */
export async function receiveStretch(receiving: Receiving, stretch: Stretch, ctx: ActionContext): Promise<Received> {
  const { from, object, target, requests } = receiving
  await requests.take(1)
  try {
    ctx.signal.throwIfAborted()
    const failed = new AbortController()   // so that a stalled read does not outlive a failed write
    const range = stretch.end === undefined ? {} : { start: stretch.start, end: stretch.end }
    const stream = await from.readFile(object, range, { ...ctx, signal: AbortSignal.any([ctx.signal, failed.signal]) })
    try {
      return await passOn(stream, { receiving, stretch, failed }, ctx.signal)
    } catch (error) {
      const coded = localError(`restore ${target.path}`, error)
      failed.abort(coded)
      ctx.signal.throwIfAborted()
      throw coded
    } finally {
      stream.destroy()
    }
  } finally {
    requests.give(1)
  }
}

interface Passing {
  readonly receiving: Receiving
  readonly stretch: Stretch
  /** Aborted with the error as soon as a write fails: a codec may wait for its source before it can be closed. */
  readonly failed: AbortController
}

async function passOn(stream: AsyncIterable<Uint8Array>, { receiving, stretch, failed }: Passing, signal: AbortSignal): Promise<Received> {
  const { codec, pool, target, onBytes, onStage } = receiving
  const sum = checksum()
  const asked = stretch.end === undefined ? stream : asMany(stream, { object: receiving.object, bytes: stretch.end - stretch.start })
  const stored = sum.over(asked)
  const sink = new ContentSink({
    ...target, position: target.offset + stretch.offset, bytes: stretch.bytes, onBytes, onStage,
    tooMuch: () => wrongSize(receiving, stretch, `more than ${stretch.bytes ?? 0}`),
    onFailed: (error) => { failed.abort(error) },
  })
  if (codec.decompressInto === undefined) await writeChunks(sink, stored, codec, signal)
  else await codec.decompressInto(sink, stored, pool)
  signal.throwIfAborted()
  if (stretch.bytes !== undefined && sink.bytes !== stretch.bytes) throw wrongSize(receiving, stretch, String(sink.bytes))
  return { sum: sum.value(), storedBytes: sum.bytes(), bytes: sink.bytes }
}

async function writeChunks(sink: ContentSink, stored: AsyncIterable<Uint8Array>, codec: Decompressor, signal: AbortSignal): Promise<void> {
  for await (const chunk of codec.decompress(stored, signal)) {
    signal.throwIfAborted()
    await sink.write(chunk)
    codec.release?.(chunk)
  }
}

/** Some stores answer with more than the range, or with less at the end of an object. */
async function* asMany(
  source: AsyncIterable<Uint8Array>, { object, bytes }: { readonly object: string, readonly bytes: number },
): AsyncGenerator<Uint8Array, void, undefined> {
  let came = 0
  for await (const chunk of source) {
    came += chunk.length
    if (came > bytes) break
    yield chunk
  }
  if (came !== bytes) throw new TabletError('BACKUP_CORRUPT', `cannot read object ${object}: ${came > bytes ? 'more' : came} bytes came where ${bytes} were asked for`)
}

function wrongSize({ object, target, codec }: Receiving, { start, end }: Stretch, found: string): TabletError {
  const part = end === undefined ? '' : ` (bytes ${start} to ${end})`
  const code = codec.external === true ? 'EXTERNAL_COMMAND_FAILED' : 'BACKUP_CORRUPT'
  return new TabletError(code, `cannot restore ${target.path}: object ${object}${part} does not hold what was announced: ${found} bytes`)
}
