/** Doing things again: with growing pauses after a failure, or at every tick. */
import { sleep, type ActionContext } from './action.ts'
import { TabletError } from './errors.ts'

export interface BackoffPolicy {
  readonly firstMs: number
  readonly maxMs: number
}

/** The pause before try number `attempt` (1 is the first repetition): doubled each time, with up to a quarter of jitter. */
export function backoffMs(attempt: number, policy: BackoffPolicy, random: () => number = Math.random): number {
  const full = Math.min(policy.maxMs, policy.firstMs * 2 ** Math.max(0, attempt - 1))
  return Math.round(full * (1 - random() / 4))
}

/** Repeats `work` while it fails with a retryable TabletError, at most `attempts` times in all. */
export async function retry<T>(
  policy: BackoffPolicy & { readonly attempts: number }, work: (ctx: ActionContext) => Promise<T>, ctx: ActionContext,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work(ctx)
    } catch (error) {
      const again = error instanceof TabletError && error.retryable && attempt < policy.attempts && !ctx.signal.aborted
      if (!again) throw error
      const pauseMs = backoffMs(attempt, policy)
      ctx.log.debug({ err: error, attempt, pauseMs }, 'trying again after a failure')
      await sleep(pauseMs, ctx.signal)
    }
  }
}

export interface Ticker {
  /** Runs the next tick now instead of at its time; one that is running is followed by another. */
  wake(): void
  /** Resolves when the loop has ended after its signal aborted. */
  readonly ended: Promise<void>
}

/** Calls `tick` each `everyMs` until the signal aborts; a tick never overlaps another. `tick` must not throw. */
export function everyTick(everyMs: number, tick: (ctx: ActionContext) => Promise<void>, ctx: ActionContext): Ticker {
  let wake = Promise.withResolvers<void>()
  const loop = async (): Promise<void> => {
    while (!ctx.signal.aborted) {
      const woken = wake
      await tick(ctx)
      const pause = new AbortController()
      const ended = AbortSignal.any([ctx.signal, pause.signal])
      await Promise.race([sleep(everyMs, ended).catch(() => undefined), woken.promise])
      pause.abort()
      if (woken === wake) wake = Promise.withResolvers<void>()
    }
  }
  return { wake: () => { wake.resolve() }, ended: loop() }
}
