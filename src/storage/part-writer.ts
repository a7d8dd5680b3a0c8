/**
 * Bytes of unknown length into one object: whole when they fit one part, else as parts sent side by side.
 *
 * Promises  memory is bounded by `room` for all writers of a storage together, parts that are being filled included:
 *           who has no room waits, and so does the source behind it. Nothing is visible before all of it is there; after
 *           a failure the parts are ended.
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
const FIRST_BYTES = 64 << 10

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
  const claim = new Claim(target, bounded.signal)
  let upload: PartUpload | undefined
  let bytes = 0
  let number = 1
  try {
    for await (const part of cut(source, (index) => claim.forPart(index))) {
      bounded.signal.throwIfAborted()
      bytes += part.bytes.length
      if (number === 1 && part.last) {
        await steadily(`write ${target.key}`, target.policy, (inner) => target.store.put(target.key, part.bytes, inner), bounded)
        return bytes
      }
      upload ??= await steadily(`begin to write ${target.key}`, target.policy, (inner) => target.store.startUpload(target.key, inner), bounded)
      while (sending.size >= target.store.limits.atOnce) await Promise.race(sending)
      bounded.signal.throwIfAborted()
      const giveBack = claim.handOver()
      const tracked = sendPart(target, upload, { number: number++, ...part }, bounded)
        .catch((error: unknown) => { failed.abort(error) })
        .finally(() => { giveBack(); sending.delete(tracked) })
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
  } finally {
    claim.handOver()()
  }
}

/** The room of the part that is being filled: taken before its first byte is asked for, so a full room stops the source. */
class Claim {
  readonly #target: PartTarget
  readonly #signal: AbortSignal
  #taken = 0

  constructor(target: PartTarget, signal: AbortSignal) {
    this.#target = target
    this.#signal = signal
  }

  /** Bytes of the part, when there is room for it. Of a file that ends within it no more is taken than its hint. */
  async forPart(index: number): Promise<number> {
    const { room, sizeHint, store } = this.#target
    const bytes = partBytes(index, sizeHint, store.limits)
    const taken = index === 1 && sizeHint >= 0 ? Math.min(bytes, sizeHint) : bytes
    await room.take(taken, this.#signal)
    this.#taken = taken
    return bytes
  }

  /** The room is another's to give back: by calling what this returns. */
  handOver(): () => void {
    const taken = this.#taken
    this.#taken = 0
    return () => { if (taken > 0) this.#target.room.give(taken) }
  }
}

function sendPart({ key, policy }: PartTarget, upload: PartUpload, part: Part, ctx: ActionContext): Promise<void> {
  return steadily(`write part ${part.number} of ${key}`, policy, (inner) => upload.putPart(part, inner), ctx)
}

/** Best effort: what it leaves is swept when the next backup of this tablet starts. */
async function endUpload({ key }: PartTarget, upload: PartUpload, ctx: ActionContext): Promise<void> {
  using undo = undoContext(`take back ${key}`, UNDO_MS, ctx)
  await upload.abort(undo).catch((error: unknown) => { ctx.log.warn({ err: error }, `the parts of ${key} could not be taken back: ${messageOf(error)}`) })
}

/**
 * Cuts a source into parts of `sizeOf(index)` bytes; the last may be shorter, and only a source without bytes gives an
 * empty one. No byte of a part is asked for before its size is known.
 */
export async function* cut(
  source: AsyncIterable<Uint8Array>, sizeOf: (index: number) => number | Promise<number>,
): AsyncGenerator<Omit<Part, 'number'>, void, undefined> {
  let index = 1
  let part = new Filling(await sizeOf(index))
  for await (const chunk of source) {
    let rest = part.add(chunk)
    while (rest.length > 0) {   // a full part is given away when something follows it: then it is not the last
      yield { bytes: part.bytes(), last: false }
      part = new Filling(await sizeOf(++index))
      rest = part.add(rest)
    }
  }
  yield { bytes: part.bytes(), last: true }
}

/** Bytes that grow towards a size: copied once into place, so that no second copy of a part is ever held. */
class Filling {
  readonly #size: number
  #buffer = Buffer.alloc(0)
  #filled = 0

  constructor(size: number) { this.#size = size }

  /** What did not fit. */
  add(chunk: Uint8Array): Uint8Array {
    const fits = chunk.subarray(0, this.#size - this.#filled)
    if (this.#filled + fits.length > this.#buffer.length) this.#grow(this.#filled + fits.length)
    this.#buffer.set(fits, this.#filled)
    this.#filled += fits.length
    return chunk.subarray(fits.length)
  }

  bytes(): Uint8Array { return this.#buffer.subarray(0, this.#filled) }

  /** Small files need no part's worth; one that has outgrown half of it will fill it. */
  #grow(wanted: number): void {
    const size = wanted > this.#size / 2 ? this.#size : Math.min(this.#size, Math.max(wanted * 2, FIRST_BYTES))
    const buffer = Buffer.allocUnsafeSlow(size)
    this.#buffer.copy(buffer, 0, 0, this.#filled)
    this.#buffer = buffer
  }
}
