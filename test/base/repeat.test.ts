import t from 'tap'
import type { ActionContext } from '../../src/base/action.ts'
import { TabletError } from '../../src/base/errors.ts'
import { silentLogger } from '../../src/base/logger.ts'
import { backoffMs, everyTick, retry } from '../../src/base/repeat.ts'

const HOUR = 3_600_000
const context = (signal: AbortSignal = new AbortController().signal): ActionContext => ({ signal, log: silentLogger() })
const unreachable = (): TabletError => new TabletError('STORAGE_UNREACHABLE', 'no route')

t.test('pauses double up to a bound, less up to a quarter', (t) => {
  const policy = { firstMs: 1000, maxMs: 30_000 }
  for (const [attempt, full] of [[0, 1000], [1, 1000], [2, 2000], [3, 4000], [5, 16_000], [6, 30_000], [5000, 30_000]] as const) {
    t.equal(backoffMs(attempt, policy, () => 0), full, `attempt ${attempt}, longest`)
    t.equal(backoffMs(attempt, policy, () => 1), full * 3 / 4, `attempt ${attempt}, shortest`)
    const pause = backoffMs(attempt, policy)
    t.ok(pause >= full * 3 / 4 && pause <= full)
  }
  t.end()
})

t.test('work is repeated while repeating can help, and not longer', async (t) => {
  const policy = { attempts: 3, firstMs: 1, maxMs: 1 }
  let calls = 0
  t.equal(await retry(policy, () => ++calls < 3 ? Promise.reject(unreachable()) : Promise.resolve('done'), context()), 'done')
  t.equal(calls, 3)
  calls = 0
  await t.rejects(retry(policy, () => { calls++; return Promise.reject(unreachable()) }, context()), { code: 'STORAGE_UNREACHABLE' })
  t.equal(calls, 3)
  for (const error of [new TabletError('STORAGE_DENIED', 'no'), new Error('a bug')]) {
    calls = 0
    await t.rejects(retry(policy, () => { calls++; return Promise.reject(error) }, context()), error)
    t.equal(calls, 1, `${error.message} is not repeated`)
  }
})

t.test('a cancel ends the pause between two tries', async (t) => {
  const stop = new AbortController()
  let calls = 0
  const work = retry({ attempts: 9, firstMs: HOUR, maxMs: HOUR }, () => {
    calls++
    setImmediate(() => { stop.abort(new TabletError('OPERATION_CANCELLED', 'cancelled')) })
    return Promise.reject(unreachable())
  }, context(stop.signal))
  await t.rejects(work, { code: 'OPERATION_CANCELLED' })
  t.equal(calls, 1)
})

/** A loop whose ticks end when told to. */
function heldTicks(everyMs: number) {
  const stop = new AbortController()
  const begun: PromiseWithResolvers<void>[] = [Promise.withResolvers()]
  const ends: (() => void)[] = []
  let running = 0
  let most = 0
  const ticker = everyTick(everyMs, async () => {
    most = Math.max(most, ++running)
    const end = Promise.withResolvers<void>()
    ends.push(end.resolve)
    begun.push(Promise.withResolvers())
    begun.at(-2)?.resolve()
    await end.promise
    running--
  }, context(stop.signal))
  return {
    ticker,
    stop: () => { stop.abort() },
    count: () => ends.length,
    most: () => most,
    begins: async (n: number) => { await begun[n - 1]?.promise },
    end: (n: number) => { ends[n - 1]?.() },
  }
}

t.test('a tick begins at once, again when woken, and after its time', async (t) => {
  const slow = heldTicks(HOUR)
  await slow.begins(1)
  slow.end(1)
  await new Promise(setImmediate)
  t.equal(slow.count(), 1, 'it waits its hour')
  slow.ticker.wake()
  await slow.begins(2)
  slow.end(2)
  slow.stop()
  await slow.ticker.ended
  t.equal(slow.count(), 2)

  const quick = heldTicks(1)
  for (const n of [1, 2, 3]) {
    await quick.begins(n)
    quick.end(n)
  }
  await quick.begins(4)
  quick.stop()
  quick.end(4)
  await quick.ticker.ended
  t.equal(quick.count(), 4)
})

t.test('waking a running tick brings one more after it, never two at once', async (t) => {
  const ticks = heldTicks(HOUR)
  await ticks.begins(1)
  ticks.ticker.wake()
  ticks.ticker.wake()
  await new Promise(setImmediate)
  t.equal(ticks.count(), 1, 'the running one is not overlapped')
  ticks.end(1)
  await ticks.begins(2)
  ticks.end(2)
  await new Promise(setImmediate)
  t.equal(ticks.count(), 2, 'two wake-ups, one tick')
  t.equal(ticks.most(), 1)
  ticks.stop()
  await ticks.ticker.ended
})

t.test('a loop under an aborted signal never ticks', async (t) => {
  let ticks = 0
  await everyTick(1, () => { ticks++; return Promise.resolve() }, context(AbortSignal.abort())).ended
  t.equal(ticks, 0)
})
