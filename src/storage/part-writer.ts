/**
 * Bytes of unknown length into one object: whole when they fit one part, else as parts sent side by side.
 *
 * Promises  memory is bounded by `room` for all writers of a storage together: who has no room waits, and so does
 *           the source behind it. Nothing is visible before all of it is there; after a failure the parts are ended.
 */
import { undoContext, type ActionContext } from '../base/action.ts'
import { TabletError, messageOf } from '../base/errors.ts'
import type { ByteRoom } from './byte-room.ts'
import type { ObjectStore, Part, PartLimits, PartUpload } from './object-store.ts'
import { steadily, type SteadyPolicy } from './steady.ts'

/** Parts that a size hint is cut into at most: some are left for a hint that was too small. */
const PARTS_OF_HINT = 0.9
const GROWTH_EVERY = 0.01
const UNDO_MS = 30_000

/** Bytes of part `number` (from 1). Equal parts as long as the hint holds; far beyond it they double. */
export function partBytes(number: number, sizeHint: number, limits: PartLimits): number {
  const planned = Math.floor(limits.maxParts * PARTS_OF_HINT)
  const even = Math.max(limits.minBytes, Math.ceil(Math.max(0, sizeHint) / planned))
  const doublings = number <= planned ? 0 : Math.ceil((number - planned) / Math.max(1, limits.maxParts * GROWTH_EVERY))
  return Math.min(limits.maxBytes, even * 2 ** doublings)
}

export interface PartTarget {
  readonly store: ObjectStore
  readonly key: string
  readonly sizeHint: number
  readonly room: ByteRoom
  readonly policy: SteadyPolicy
}

/** Writes all of `source`; returns its bytes. What `source` throws passes as it is. */
export async function writeInParts(target: PartTarget, source: AsyncIterable<Uint8Array>, ctx: ActionContext): Promise<number> {
  const failed = new AbortController()
  const bounded = { ...ctx, signal: AbortSignal.any([ctx.signal, failed.signal]) }
  const sending = new Set<Promise<void>>()
  let upload: PartUpload | undefined
  let bytes = 0
  let number = 1
  try {
    for await (const part of cut(source, (index) => partBytes(index, target.sizeHint, target.store.limits))) {
      bounded.signal.throwIfAborted()
      bytes += part.bytes.length
      if (number === 1 && part.last) {
        await steadily(`write ${target.key}`, target.policy, (inner) => target.store.put(target.key, part.bytes, inner), bounded)
        return bytes
      }
      upload ??= await steadily(`begin to write ${target.key}`, target.policy, (inner) => target.store.startUpload(target.key, inner), bounded)
      while (sending.size >= target.store.limits.atOnce) await Promise.race(sending)
      bounded.signal.throwIfAborted()
      const sent = await sendPart(target, upload, { number: number++, ...part }, bounded)
      const tracked = sent.done.catch((error: unknown) => { failed.abort(error) }).finally(() => { sending.delete(tracked) })
      sending.add(tracked)
    }
    await Promise.all(sending)
    bounded.signal.throwIfAborted()
    const whole = upload
    if (whole === undefined) throw new TabletError('INTERNAL', 'an object without parts')
    await steadily(`complete ${target.key}`, target.policy, (inner) => whole.complete(inner), bounded)
    return bytes
  } catch (error) {
    failed.abort(error)
    await Promise.allSettled(sending)
    if (upload !== undefined) await endUpload(target, upload, ctx)
    ctx.signal.throwIfAborted()
    throw failed.signal.reason   // of several failures the first
  }
}

/** Waits for room and begins to send; `done` settles when the part is stored or has failed for good. */
async function sendPart(
  { key, room, policy }: PartTarget, upload: PartUpload, part: Part, ctx: ActionContext,
): Promise<{ readonly done: Promise<void> }> {
  await room.take(part.bytes.length, ctx.signal)
  const done = steadily(`write part ${part.number} of ${key}`, policy, (inner) => upload.putPart(part, inner), ctx)
    .finally(() => { room.give(part.bytes.length) })
  return { done }
}

/** Best effort: what it leaves is swept when the next backup of this tablet starts. */
async function endUpload({ key }: PartTarget, upload: PartUpload, ctx: ActionContext): Promise<void> {
  using undo = undoContext(`take back ${key}`, UNDO_MS, ctx)
  await upload.abort(undo).catch((error: unknown) => { ctx.log.warn({ err: error }, `the parts of ${key} could not be taken back: ${messageOf(error)}`) })
}

/** Cuts a source into parts of `sizeOf(index)` bytes; the last may be shorter, and only a source without bytes gives an empty one. */
export async function* cut(
  source: AsyncIterable<Uint8Array>, sizeOf: (index: number) => number,
): AsyncGenerator<Omit<Part, 'number'>, void, undefined> {
  let index = 1
  let size = sizeOf(index)
  let chunks: Uint8Array[] = []
  let held = 0
  for await (const chunk of source) {
    let rest = chunk
    while (held + rest.length > size) {   // a full part is given away when something follows it: then it is not the last
      chunks.push(rest.subarray(0, size - held))
      rest = rest.subarray(size - held)
      yield { bytes: Buffer.concat(chunks), last: false }
      chunks = []
      held = 0
      size = sizeOf(++index)
    }
    if (rest.length === 0) continue
    chunks.push(rest)
    held += rest.length
  }
  yield { bytes: Buffer.concat(chunks), last: true }
}
