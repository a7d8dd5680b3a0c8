/**
 * Doing one request of a storage until it succeeds, cannot succeed, or has been tried for too long.
 *
 * Owns      pauses (doubled, with jitter, never shorter than the storage asked for), the watch over a request that
 *           stands still, and the limit of it all.
 * Leaves    which failures may be repeated to `details.again` of request-errors.ts and the catalogue of codes.
 */
import { sleep, type ActionContext } from '../base/action.ts'
import { TabletError, hasCode } from '../base/errors.ts'
import { backoffMs, type BackoffPolicy } from '../base/repeat.ts'

export interface SteadyPolicy {
  readonly backoff: BackoffPolicy
  /** A request is tried at most this often in a row without progress. */
  readonly attempts: number
  /** A request that moves no byte for so long is ended and tried again. */
  readonly stallMs: number
  /** No further try begins so long after the first one. */
  readonly giveUpMs: number
}

export const STEADY: SteadyPolicy = { backoff: { firstMs: 200, maxMs: 20_000 }, attempts: 10, stallMs: 60_000, giveUpMs: 600_000 }

/** Longest pause a storage may ask for; beyond it the operation fails with the storage's own words. */
const LONGEST_PAUSE_MS = 300_000

export interface Failures {
  /** When the first of them was seen, by the monotonic clock; undefined before. */
  readonly sinceMs: number
  readonly count: number
}

/** How long to wait before trying again; undefined: give up. Pure. */
export function pauseAfter(error: unknown, { sinceMs, count }: Failures, policy: SteadyPolicy, nowMs: number): number | undefined {
  if (!mayRepeat(error) || count >= policy.attempts) return undefined
  const asked = error.details['retryAfterMs']
  const pauseMs = Math.max(backoffMs(count, policy.backoff), typeof asked === 'number' ? asked : 0)
  return pauseMs > LONGEST_PAUSE_MS || nowMs + pauseMs - sinceMs > policy.giveUpMs ? undefined : pauseMs
}

export function mayRepeat(error: unknown): error is TabletError {
  return error instanceof TabletError && error.retryable && error.details['again'] !== false
}

/** Repeats `work`, which must be safe to repeat. */
export async function steadily<T>(
  doing: string, policy: SteadyPolicy, work: (ctx: ActionContext) => Promise<T>, ctx: ActionContext,
): Promise<T> {
  const sinceMs = performance.now()
  let last: Error | undefined
  for (let count = 1; ; count++) {
    try {
      // a try may hold many requests, each of which is watched for itself; this is for storages that do not
      return await watched(doing, Math.max(policy.stallMs, policy.giveUpMs), work, ctx)
    } catch (error) {
      throwIfEnded(ctx.signal, last)
      last = error as Error
      const pauseMs = pauseAfter(error, { sinceMs, count }, policy, performance.now())
      if (pauseMs === undefined) throw error
      ctx.log.warn({ err: error, attempt: count, pauseMs }, `the storage failed to ${doing}; trying again`)
      await sleep(pauseMs, ctx.signal).catch(() => { throwIfEnded(ctx.signal, last) })
    }
  }
}

/** A caller's deadline says only that time ran out; what the storage said before is the reason. */
function throwIfEnded(signal: AbortSignal, last: Error | undefined): void {
  if (signal.aborted && last !== undefined && hasCode(signal.reason, 'DEADLINE_EXCEEDED')) throw last
  signal.throwIfAborted()
}

/** One try under a signal that aborts when nothing was heard for `stallMs`; it ends then even if `work` is deaf to signals. */
export async function watched<T>(
  doing: string, stallMs: number, work: (ctx: ActionContext, alive: () => void) => Promise<T>, ctx: ActionContext,
): Promise<T> {
  const stalled = new AbortController()
  const silence = Promise.withResolvers<never>()
  silence.promise.catch(() => undefined)   // after the end nobody listens
  const timer = setTimeout(() => {
    const error = new TabletError('STORAGE_UNREACHABLE', `cannot ${doing}: no byte moved for ${stallMs / 1000} s`)
    stalled.abort(error)
    silence.reject(error)
  }, stallMs)
  try {
    const running = work({ ...ctx, signal: AbortSignal.any([ctx.signal, stalled.signal]) }, () => { timer.refresh() })
    return await Promise.race([running, silence.promise])
  } finally {
    clearTimeout(timer)
  }
}
