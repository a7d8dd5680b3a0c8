import { getEventListeners } from 'node:events'
import t from 'tap'
import { forEachParallel, orAbandon, pollUntil, readWithin, sleep, undoContext, withDeadline, type ActionContext } from '../../src/base/action.ts'
import { TabletError } from '../../src/base/errors.ts'
import { silentLogger } from '../../src/base/logger.ts'

const context = (signal: AbortSignal = new AbortController().signal): ActionContext => ({ signal, log: silentLogger() })
const cancelled = (): TabletError => new TabletError('OPERATION_CANCELLED', 'cancelled')
/** Never resolves; rejects when the signal aborts. */
const untilAborted = (ctx: ActionContext): Promise<never> => sleep(3_600_000, ctx.signal).then(() => { throw new Error('an hour has passed') })

t.test('a sleep ends with its time or with its signal, and leaves no listener', async (t) => {
  const stop = new AbortController()
  await sleep(1, stop.signal)
  t.equal(getEventListeners(stop.signal, 'abort').length, 0)
  const long = sleep(3_600_000, stop.signal)
  const reason = cancelled()
  stop.abort(reason)
  await t.rejects(long, reason)
  await t.rejects(sleep(1, stop.signal), reason, 'aborted before it began')
  t.equal(getEventListeners(stop.signal, 'abort').length, 0)
})

t.test('work under a deadline returns its result, or ends with the deadline', async (t) => {
  t.equal(await withDeadline('answer', 60_000, () => Promise.resolve(7), context()), 7)
  await t.rejects(withDeadline('stop mysqld', 5, untilAborted, context()), { code: 'DEADLINE_EXCEEDED', message: 'cannot stop mysqld within 0.005 s' })
})

t.test('a cancel reaches work under a deadline with its own reason', async (t) => {
  const stop = new AbortController()
  const work = withDeadline('stop mysqld', 60_000, untilAborted, context(stop.signal))
  stop.abort(cancelled())
  await t.rejects(work, { code: 'OPERATION_CANCELLED' })
})

t.test('undoing is deaf to the cancel that made it necessary, and has a deadline', async (t) => {
  const stop = new AbortController()
  stop.abort(cancelled())
  {
    using undo = undoContext('start mysqld', 60_000, context(stop.signal))
    t.notOk(undo.signal.aborted)
    await sleep(1, undo.signal)
  }
  using undo = undoContext('start mysqld', 5, context(stop.signal))
  const alive = setInterval(() => undefined, 1000)   // the deadline alone keeps no process running
  await t.rejects(untilAborted(undo), { code: 'DEADLINE_EXCEEDED', message: 'cannot start mysqld within 0.005 s' })
  clearInterval(alive)
})

t.test('work for every item runs as many at once as the limit says', async (t) => {
  let running = 0
  let most = 0
  const done: number[] = []
  await forEachParallel([1, 2, 3, 4, 5, 6, 7], 3, async (item, ctx) => {
    most = Math.max(most, ++running)
    await sleep(1, ctx.signal)
    running--
    done.push(item)
  }, context())
  t.equal(most, 3)
  t.same(done.sort(), [1, 2, 3, 4, 5, 6, 7])
})

t.test('the first failure wins, stops the others, and is told when nothing runs any more', async (t) => {
  const events: string[] = []
  const started = Promise.withResolvers<void>()
  const work = forEachParallel(['slow', 'failing', 'later', 'last'], 2, async (item, ctx) => {
    events.push(`${item} began`)
    if (item === 'slow') {
      started.resolve()
      try {
        await untilAborted(ctx)
      } catch {
        await sleep(5, new AbortController().signal)   // cleaning up
        events.push('slow ended')
        throw new Error('a second failure')
      }
    }
    await started.promise
    throw new TabletError('NO_SPACE', 'the first failure')
  }, context())
  await t.rejects(work, { code: 'NO_SPACE', message: 'the first failure' })
  t.same(events, ['slow began', 'failing began', 'slow ended'], 'items that had not begun never do')
})

t.test('a cancel ends work for every item with its reason', async (t) => {
  const stop = new AbortController()
  let begun = 0
  const work = forEachParallel([1, 2, 3], 2, (_, ctx) => {
    if (++begun === 2) stop.abort(cancelled())
    return untilAborted(ctx)
  }, context(stop.signal))
  await t.rejects(work, { code: 'OPERATION_CANCELLED' })
  t.equal(begun, 2)
  await t.rejects(forEachParallel([1], 1, () => { begun++; return Promise.resolve() }, context(stop.signal)), { code: 'OPERATION_CANCELLED' })
  t.equal(begun, 2, 'nothing begins under an aborted signal')
  await forEachParallel([], 4, () => Promise.reject(new Error('never called')), context())
})

t.test('polling goes on until there is an answer, an error or a cancel', async (t) => {
  let asked = 0
  t.equal(await pollUntil(1, () => Promise.resolve(++asked === 3 ? asked : undefined), context()), 3)
  await t.rejects(pollUntil(1, () => Promise.reject(new TabletError('MYSQLD_UNREACHABLE', 'gone')), context()), { code: 'MYSQLD_UNREACHABLE' })
  const stop = new AbortController()
  await t.rejects(pollUntil(3_600_000, () => {
    setImmediate(() => { stop.abort(cancelled()) })
    return Promise.resolve(undefined)
  }, context(stop.signal)), { code: 'OPERATION_CANCELLED' })
})

t.test('work that is deaf to its signal is left alone, after the grace and with the signal\'s reason', async (t) => {
  const stop = new AbortController()
  const reason = cancelled()
  const hung = orAbandon(new Promise<never>(() => undefined), 1, stop.signal)
  stop.abort(reason)
  await t.rejects(hung, reason)
  await t.rejects(orAbandon(new Promise<never>(() => undefined), 0, stop.signal), reason, 'aborted before it began')
  t.equal(getEventListeners(stop.signal, 'abort').length, 0)
})

t.test('work that ends within the grace settles as it does', async (t) => {
  const stop = new AbortController()
  const late = Promise.withResolvers<number>()
  const waiting = orAbandon(late.promise, 60_000, stop.signal)
  stop.abort(cancelled())
  late.resolve(7)
  t.equal(await waiting, 7)
  t.equal(await orAbandon(Promise.resolve(8), 0, new AbortController().signal), 8)
  await t.rejects(orAbandon(Promise.reject(new Error('its own')), 60_000, stop.signal), /its own/)
})

t.test('what is abandoned may fail later without harm', async (t) => {
  const stop = new AbortController()
  stop.abort(cancelled())
  const late = Promise.withResolvers<never>()
  await t.rejects(orAbandon(late.promise, 0, stop.signal), { code: 'OPERATION_CANCELLED' })
  late.reject(new Error('the mount came back'))
  await sleep(1, new AbortController().signal)
})

t.test('a read that hangs ends with its deadline', async (t) => {
  await t.rejects(readWithin('list the backups', 5, () => new Promise<never>(() => undefined), context()), { code: 'DEADLINE_EXCEEDED' })
  t.equal(await readWithin('answer', 60_000, () => Promise.resolve(7), context()), 7)
})
