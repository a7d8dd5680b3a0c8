/** Keeping mysqld running: starts in the background, pauses that grow, and a crash loop that is told. */
import t from 'tap'
import { TabletError } from '../../src/base/errors.ts'
import { MysqldKeeper } from '../../src/daemon/mysqld-keeper.ts'
import { ctx } from '../replication/builders.ts'
import { fakeProcess, processIdentity } from './builders.ts'

const AS_EVER = { readOnly: true, closedToClients: false }
const T0 = 1_800_000_000_000
const HOUR = 3_600_000

t.test('a server that never ran is started at once, as asked', async (t) => {
  const process = fakeProcess()
  const keeper = new MysqldKeeper(process)
  t.match(await keeper.look(T0), { kind: 'stopped' })
  t.match(keeper.ensureStarted({ ...AS_EVER, serverId: 7 }, T0, ctx), [{ name: 'mysqld-down', message: 'mysqld is starting' }])
  await keeper.settled()
  t.same(process.startedWith, [{ ...AS_EVER, serverId: 7 }])
  t.match(await keeper.look(T0), { kind: 'running' })
})

t.test('a start that takes long is awaited, never doubled', async (t) => {
  const recovery = Promise.withResolvers<void>()
  const process = fakeProcess({ onStart: () => recovery.promise })
  const keeper = new MysqldKeeper(process)
  keeper.ensureStarted(AS_EVER, T0, ctx)
  t.equal(keeper.isStarting, true)
  await keeper.look(T0 + HOUR)
  t.match(keeper.ensureStarted(AS_EVER, T0 + HOUR, ctx), [{ message: 'mysqld is starting' }])
  recovery.resolve()
  await keeper.settled()
  t.equal(keeper.isStarting, false)
  t.same(process.asked, ['start'])
})

t.test('without control of mysqld nothing is started, and that is said', (t) => {
  const process = fakeProcess({ canStop: false })
  t.match(new MysqldKeeper(process).ensureStarted(AS_EVER, T0, ctx), [{ name: 'mysqld-down', message: /mysqld-control none/ }])
  t.same(process.asked, [])
  t.end()
})

/** A server that runs, and one that ends soon after each start, `count` times; the time of the last end. */
async function endsSoon(count: number) {
  const process = fakeProcess()
  const keeper = new MysqldKeeper(process)
  let now = T0
  for (let ends = 0; ends < count; ends++) {
    now += HOUR   // long after the pause
    keeper.ensureStarted(AS_EVER, now, ctx)
    await keeper.settled()
    await keeper.look(now)
    process.end()
    now += 5_000
    await keeper.look(now)
  }
  return { process, keeper, now }
}

t.test('a server that ran for long and ended is started again at once', async (t) => {
  const process = fakeProcess()
  process.now({ kind: 'running', identity: processIdentity(9) })
  const keeper = new MysqldKeeper(process)
  await keeper.look(T0)
  process.end()
  await keeper.look(T0 + HOUR)
  t.match(keeper.ensureStarted(AS_EVER, T0 + HOUR, ctx), [{ message: 'mysqld is starting' }])
  await keeper.settled()
  t.same(process.asked, ['start'])
})

t.test('one that ended soon after its start waits a moment, and says until when', async (t) => {
  const { process, keeper, now } = await endsSoon(1)
  const [waiting] = keeper.ensureStarted(AS_EVER, now, ctx)
  t.match(waiting, { name: 'mysqld-down', message: 'mysqld ended', code: 'MYSQLD_UNREACHABLE' })
  const next = Date.parse(waiting?.nextTry ?? '')
  t.ok(next > now && next <= now + 1_000, 'about a second')
  t.match(keeper.ensureStarted(AS_EVER, next, ctx), [{ message: 'mysqld is starting' }])
  await keeper.settled()
  t.equal(process.asked.length, 2)
})

t.test('one that ends soon again and again is a crash loop, with slow tries', async (t) => {
  const third = await endsSoon(3)
  t.match(third.keeper.ensureStarted(AS_EVER, third.now, ctx), [{ code: 'MYSQLD_UNREACHABLE' }])
  const { keeper, now } = await endsSoon(4)
  const [waiting] = keeper.ensureStarted(AS_EVER, now, ctx)
  t.match(waiting, { code: 'MYSQLD_CRASH_LOOP', message: /4 times soon after its start/ })
  t.ok(Date.parse(waiting?.nextTry ?? '') >= now + 45_000)
})

t.test('the end of one end is remembered once, however often it is looked at', async (t) => {
  const { keeper, now } = await endsSoon(1)
  for (let looks = 0; looks < 9; looks++) await keeper.look(now + looks)
  t.match(keeper.ensureStarted(AS_EVER, now, ctx), [{ code: 'MYSQLD_UNREACHABLE' }])
})

t.test('a stop on purpose is no end of its own', async (t) => {
  const { keeper, now } = await endsSoon(4)
  keeper.forgetEnds()
  await keeper.look(now)
  t.match(keeper.ensureStarted(AS_EVER, now, ctx), [{ message: 'mysqld is starting' }])
  await keeper.settled()
})

t.test('a server that was told to restart is started again without a pause', async (t) => {
  const process = fakeProcess()
  const keeper = new MysqldKeeper(process)
  let now = T0
  for (let restarts = 0; restarts < 6; restarts++) {
    t.match(keeper.ensureStarted(AS_EVER, now, ctx), [{ message: 'mysqld is starting' }], `restart ${restarts}`)
    await keeper.settled()
    await keeper.look(now)
    process.end({ code: 16, signal: undefined })
    now += 1_000
    await keeper.look(now)
  }
  t.equal(process.asked.length, 6)
})

t.test('a shutdown in progress is neither an end nor a reason to start', async (t) => {
  const process = fakeProcess()
  const keeper = new MysqldKeeper(process)
  process.now({ kind: 'running', identity: processIdentity(9) })
  await keeper.look(T0)
  process.now({ kind: 'stopping', identity: processIdentity(9) })
  t.match(await keeper.look(T0 + 1), { kind: 'stopping' })
  t.same(process.asked, [])
})

t.test('a start that failed is told in its own words and repeated with pauses', async (t) => {
  const process = fakeProcess({ onStart: () => Promise.reject(new TabletError('MYSQLD_START_FAILED', 'cannot start mysqld: unknown variable')) })
  const keeper = new MysqldKeeper(process)
  keeper.ensureStarted(AS_EVER, Date.now(), ctx)
  await keeper.settled()
  const [waiting] = keeper.ensureStarted(AS_EVER, Date.now(), ctx)
  t.match(waiting, { code: 'MYSQLD_START_FAILED', message: /unknown variable/, nextTry: /^\d{4}-/ })
  for (let tries = 0; tries < 3; tries++) {
    keeper.ensureStarted(AS_EVER, Date.now() + HOUR, ctx)
    await keeper.settled()
  }
  t.equal(process.asked.length, 4)
  process.now({ kind: 'running', identity: processIdentity(9) })
  await keeper.look(Date.now())
  process.end()
  await keeper.look(Date.now() + 2 * HOUR)
  t.match(keeper.ensureStarted(AS_EVER, Date.now() + 4 * HOUR, ctx), [{ message: 'mysqld is starting' }], 'a run in between makes it forgotten')
  await keeper.settled()
})
