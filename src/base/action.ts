/** What every long call carries, and what one does under it. */
import pLimit from 'p-limit'
import { TabletError } from './errors.ts'
import type { Logger } from './logger.ts'

/** How to stop, and where to write. Deliberately nothing more; always the last parameter, never stored. */
export interface ActionContext {
  /** Aborts when the result is no longer wanted; `reason` is a `TabletError`. */
  readonly signal: AbortSignal
  /** Bound to this tablet and this operation. */
  readonly log: Logger
}

/** Resolves after `ms` milliseconds; rejects with the signal's reason as soon as it aborts. */
export function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) { reject(signal.reason as Error); return }
    const onAbort = (): void => { clearTimeout(timer); reject(signal.reason as Error) }
    const timer = setTimeout(() => { signal.removeEventListener('abort', onAbort); resolve() }, ms)
    signal.addEventListener('abort', onAbort, { once: true })
  })
}

/**
 * Runs `work` under a signal that also aborts after `ms`.
 *
 * @throws TabletError DEADLINE_EXCEEDED `cannot <doing> within <n> s` when time runs out first.
 */
export async function withDeadline<T>(
  doing: string, ms: number, work: (ctx: ActionContext) => Promise<T>, ctx: ActionContext,
): Promise<T> {
  const late = new AbortController()
  const timer = setTimeout(() => {
    late.abort(new TabletError('DEADLINE_EXCEEDED', `cannot ${doing} within ${ms / 1000} s`))
  }, ms)
  try {
    return await work({ ...ctx, signal: AbortSignal.any([ctx.signal, late.signal]) })
  } finally {
    clearTimeout(timer)
  }
}

/**
 * Settles as `work` does, but at the latest `graceMs` after the signal aborts, with its reason: a file system that hangs
 * keeps calls from ever hearing of a signal.
 *
 * What was abandoned may go on one day: it must look at the signal before it changes anything.
 */
export async function orAbandon<T>(work: Promise<T>, graceMs: number, signal: AbortSignal): Promise<T> {
  const abandoned = Promise.withResolvers<never>()
  let timer: NodeJS.Timeout | undefined
  const onAbort = (): void => { timer = setTimeout(() => { abandoned.reject(signal.reason as Error) }, graceMs) }
  if (signal.aborted) onAbort()
  else signal.addEventListener('abort', onAbort, { once: true })
  try {
    return await Promise.race([work, abandoned.promise])
  } finally {
    signal.removeEventListener('abort', onAbort)
    clearTimeout(timer)
    work.catch(() => undefined)   // nobody waits for it any more
  }
}

/** `withDeadline` for work that only reads: when time runs out it is left alone, even where it does not hear the signal. */
export function readWithin<T>(doing: string, ms: number, work: (ctx: ActionContext) => Promise<T>, ctx: ActionContext): Promise<T> {
  return withDeadline(doing, ms, (bounded) => orAbandon(work(bounded), 0, bounded.signal), ctx)
}

/** A context for undoing: the same log, a deadline of its own, deaf to the caller's signal (which is often what aborted). */
export function undoContext(doing: string, ms: number, ctx: ActionContext): ActionContext & Disposable {
  const late = new AbortController()
  const timer = setTimeout(() => {
    late.abort(new TabletError('DEADLINE_EXCEEDED', `cannot ${doing} within ${ms / 1000} s`))
  }, ms)
  timer.unref()
  return { log: ctx.log, signal: late.signal, [Symbol.dispose]: () => { clearTimeout(timer) } }
}

/** Runs `work` for every item, at most `limit` at once; stops at the first failure and settles when nothing is running. */
export async function forEachParallel<T>(
  items: Iterable<T>, limit: number, work: (item: T, ctx: ActionContext) => Promise<void>, ctx: ActionContext,
): Promise<void> {
  ctx.signal.throwIfAborted()
  const firstFailure = new AbortController()
  const signal = AbortSignal.any([ctx.signal, firstFailure.signal])
  const run = pLimit(limit)
  await Promise.all(Array.from(items, (item) => run(async () => {
    if (signal.aborted) return
    try {
      await work(item, { ...ctx, signal })
    } catch (error) {
      firstFailure.abort(error)   // a second abort changes nothing: the first reason stays
    }
  })))
  signal.throwIfAborted()
}

/** Polls `done` each `everyMs` until it answers something other than undefined. */
export async function pollUntil<T>(
  everyMs: number, done: (ctx: ActionContext) => Promise<T | undefined>, ctx: ActionContext,
): Promise<T> {
  for (;;) {
    ctx.signal.throwIfAborted()
    const answer = await done(ctx)
    if (answer !== undefined) return answer
    await sleep(everyMs, ctx.signal)
  }
}
