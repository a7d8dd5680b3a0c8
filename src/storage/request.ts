/**
 * One request of a vendor's client, tried once.
 *
 * Promises  it ends when the signal aborts, with its reason, and when it takes longer than a standing connection
 *           would explain; what the client throws becomes a TabletError; a refusal forgets the client, so that
 *           credentials are read anew.
 */
import { orAbandon, type ActionContext } from '../base/action.ts'
import { TabletError, hasCode } from '../base/errors.ts'
import { watched } from './steady.ts'

export interface Asked {
  /** As in "read 0 of commerce/0/…". */
  readonly doing: string
  /** Bytes of the request's body, where the client does not tell how far it has sent them. */
  readonly bytes?: number
}

/** How a request hears that it must end, and says that it moves. */
export interface Pulse {
  readonly abortSignal: AbortSignal
  /** To be called when bytes moved: who calls it needs no `bytes`. */
  readonly alive: () => void
}

type Work<C, T> = (client: C, pulse: Pulse) => Promise<T>

export type Ask<C> = <T>(asked: string | Asked, work: Work<C, T>, ctx: ActionContext) => Promise<T>

export interface Client<C> {
  /** Made when first used. */
  open(): Promise<C>
  errorOf(doing: string, error: unknown): TabletError
  readonly stallMs: number
}

/** A body is given time for this rate before its request counts as standing still: bytes per millisecond. */
export const SLOWEST_RATE = 64

export function requester<C>({ open, errorOf, stallMs }: Client<C>): Ask<C> {
  let opened: Promise<C> | undefined
  return async (asked, work, ctx) => {
    ctx.signal.throwIfAborted()
    const { doing, bytes = 0 } = typeof asked === 'string' ? { doing: asked } : asked
    try {
      opened ??= open()
      const client = await opened
      // its signal goes on following the caller's, so a body that is read later hears of that too
      const limitMs = stallMs + bytes / SLOWEST_RATE
      const asking = watched(doing, limitMs, ({ signal }, alive) => work(client, { abortSignal: signal, alive }), ctx)
      // some clients are deaf to signals
      return await orAbandon(asking, 0, ctx.signal)
    } catch (error) {
      ctx.signal.throwIfAborted()
      const known = error instanceof TabletError ? error : errorOf(doing, error)
      if (hasCode(known, 'STORAGE_DENIED')) opened = undefined
      throw known
    }
  }
}
