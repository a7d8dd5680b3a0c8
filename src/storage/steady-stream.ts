/**
 * A stream of stored bytes that goes on where it broke off.
 *
 * Promises  every byte once and in order, or an error; a try that gives no byte for `stallMs` while one is asked for
 *           is ended; progress forgives earlier failures. A slow reader is no stall.
 */
import { Readable } from 'node:stream'
import { sleep, type ActionContext } from '../base/action.ts'
import { TabletError, asTabletError } from '../base/errors.ts'
import { pauseAfter, watched, type Failures, type SteadyPolicy } from './steady.ts'

export interface SteadyRead {
  readonly doing: string
  readonly policy: SteadyPolicy
  readonly range: { readonly start?: number, readonly end?: number }
  /** Opens the same object at byte `from`. */
  open(from: number, ctx: ActionContext): Promise<Readable>
  /** Told of each chunk and of each opening, and how long it was waited for. */
  onBytes(bytes: number, seconds: number): void
}

/** Resolves when the first try has opened; fails as the storage fails to open it. */
export async function steadyStream(read: SteadyRead, ctx: ActionContext): Promise<Readable> {
  ctx.signal.throwIfAborted()
  const unwanted = new AbortController()
  const bounded: ActionContext = { ...ctx, signal: AbortSignal.any([ctx.signal, unwanted.signal]) }
  const first = new Opening(read, bounded)
  await first.next()
  const stream = Readable.from(first.chunks(), { objectMode: false, highWaterMark: 1 })
  const onAbort = (): void => { stream.destroy(ctx.signal.reason as Error) }
  ctx.signal.addEventListener('abort', onAbort, { once: true })
  stream.once('close', () => {
    ctx.signal.removeEventListener('abort', onAbort)
    unwanted.abort(new TabletError('OPERATION_CANCELLED', `nobody reads on (${read.doing})`))
  })
  return stream
}

/** One object being read, over as many requests as it takes. */
class Opening {
  readonly #read: SteadyRead
  readonly #ctx: ActionContext
  #position: number
  #current: Readable | undefined
  #iterator: AsyncIterator<Buffer> | undefined
  #failures: Failures | undefined

  constructor(read: SteadyRead, ctx: ActionContext) {
    this.#read = read
    this.#ctx = ctx
    this.#position = read.range.start ?? 0
  }

  /** Opens a request at the present position unless one is open. */
  async next(): Promise<AsyncIterator<Buffer>> {
    while (this.#iterator === undefined) {
      try {
        const { doing, policy, open, onBytes } = this.#read
        const asked = performance.now()
        this.#current = await watched(doing, policy.stallMs, (one) => this.#openedUnder(open, one), this.#ctx)
        onBytes(0, (performance.now() - asked) / 1000)
        this.#iterator = this.#current[Symbol.asyncIterator]() as AsyncIterator<Buffer>
      } catch (error) {
        await this.#failed(error)
      }
    }
    return this.#iterator
  }

  /** A request that answers after it was given up must not stay open. */
  async #openedUnder(open: SteadyRead['open'], one: ActionContext): Promise<Readable> {
    const late = new AbortController()
    one.signal.addEventListener('abort', () => { late.abort(one.signal.reason) }, { once: true })
    const stream = await open(this.#position, { ...one, signal: AbortSignal.any([this.#ctx.signal, late.signal]) })
    if (one.signal.aborted) stream.destroy()
    return stream
  }

  async* chunks(): AsyncGenerator<Buffer, void, undefined> {
    try {
      for (;;) {
        const chunk = await this.#chunk()
        if (chunk === undefined) return
        yield chunk
      }
    } finally {
      this.#close()
    }
  }

  async #chunk(): Promise<Buffer | undefined> {
    for (;;) {
      const iterator = await this.next()
      const asked = performance.now()
      try {
        const { done, value } = await watched(this.#read.doing, this.#read.policy.stallMs, () => iterator.next(), this.#ctx)
        if (done === true) return undefined
        this.#failures = undefined
        this.#position += value.length
        this.#read.onBytes(value.length, (performance.now() - asked) / 1000)
        return value
      } catch (error) {
        await this.#failed(asTabletError(error, 'STORAGE_UNREACHABLE'))
      }
    }
  }

  #close(): void {
    this.#current?.destroy()
    this.#current = undefined
    this.#iterator = undefined
  }

  /** Pauses before the next try, or throws when there is to be none. */
  async #failed(error: unknown): Promise<void> {
    this.#close()
    this.#ctx.signal.throwIfAborted()
    const { policy, doing } = this.#read
    const nowMs = performance.now()
    this.#failures = { sinceMs: this.#failures?.sinceMs ?? nowMs, count: (this.#failures?.count ?? 0) + 1 }
    const pauseMs = pauseAfter(error, this.#failures, policy, nowMs)
    if (pauseMs === undefined) throw error
    this.#ctx.log.warn({ err: error, atByte: this.#position, pauseMs }, `the storage failed to ${doing}; going on where it broke off`)
    await sleep(pauseMs, this.#ctx.signal)
  }
}
