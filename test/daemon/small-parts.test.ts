/** Small parts of the daemon: the schedule, the time before a tablet is built, and lines of progress. */
import t from 'tap'
import type { LogFields, Logger } from '../../src/base/logger.ts'
import { TabletError } from '../../src/base/errors.ts'
import { silentLogger } from '../../src/base/logger.ts'
import { progressLog } from '../../src/daemon/progress-log.ts'
import { scheduleBackups } from '../../src/daemon/schedule.ts'
import { StartingControl } from '../../src/daemon/starting-control.ts'
import type { TabletControl } from '../../src/http/control.ts'
import type { Operation } from '../../src/model/operation.ts'
import { alias, ctx, snapshot } from '../replication/builders.ts'

const OPERATION: Operation = {
  id: 'backup-1', kind: 'backup', state: 'running', startedAt: '2026-01-02T03:04:05.000Z', progress: { step: 'copying', doneBytes: 0, totalBytes: undefined },
}

/** A log that keeps its lines as `level message {fields}`. */
function keptLog() {
  const lines: { readonly level: string, readonly fields: Readonly<Record<string, unknown>>, readonly message: string }[] = []
  const kept = Promise.withResolvers<void>()
  const at = (level: string) => (fields: unknown, message?: string): void => {
    lines.push({ level, fields: (fields ?? {}) as Readonly<Record<string, unknown>>, message: message ?? '' })
    kept.resolve()
  }
  const log = {
    ...silentLogger(), debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error'), child: (_fields: LogFields): Logger => log,
  } as unknown as Logger
  return { lines, log, first: kept.promise }
}

t.test('without a schedule nothing is ever begun', (t) => {
  let begun = 0
  const beginBackup = (): never => {
    begun++
    throw new Error('begun')
  }
  scheduleBackups(undefined, { beginBackup }, ctx)[Symbol.dispose]()
  t.equal(begun, 0)
  t.end()
})

t.test('a backup begins when it is due, as nobody\'s request but the schedule\'s', async (t) => {
  const { lines, log, first } = keptLog()
  const requests: unknown[] = []
  using _ = scheduleBackups('* * * * * *', { beginBackup: (request) => { requests.push(request); return Promise.resolve(OPERATION) } }, { ...ctx, log })
  using _alive = keepAlive()
  await first
  t.same(requests[0], {})
  t.match(lines[0], { level: 'info', fields: { operation: 'backup-1' } })
})

t.test('a backup that cannot begin is logged with its code, and the next one is tried', async (t) => {
  const { lines, log } = keptLog()
  const second = Promise.withResolvers<void>()
  let tries = 0
  const beginBackup = (): Promise<Operation> => {
    if (++tries === 2) second.resolve()
    return Promise.reject(new TabletError('OPERATION_RUNNING', 'cannot begin: one is running'))
  }
  using _ = scheduleBackups('* * * * * *', { beginBackup }, { ...ctx, log })
  using _alive = keepAlive()
  await second.promise
  t.match(lines[0], { level: 'error', fields: { code: 'OPERATION_RUNNING', hint: /./ }, message: /did not begin: cannot begin/ })
})

/** The schedule's own timer keeps no process alive. */
function keepAlive(): Disposable {
  const timer = setInterval(() => undefined, 1_000)
  return { [Symbol.dispose]: () => { clearInterval(timer) } }
}

t.test('before the tablet is built probes have nothing to read, and requests are told to come again', async (t) => {
  const control = new StartingControl()
  t.equal(control.latestSnapshot(), undefined)
  t.ok(Math.abs(control.lastTurnMs() - Date.now()) < 60_000, 'it counts as alive from its start')
  t.same(control.listOperations(), [])
  control.wake()
  const refused = { code: 'TYPE_FORBIDS', message: /starting/ }
  await t.rejects(control.observeNow(ctx), refused)
  await t.rejects(control.beginBackup({}, ctx), refused)
  await t.rejects(control.beginRestore({}, ctx), refused)
  await t.rejects(control.listBackups(ctx), refused)
  await t.rejects(control.getBackup('b', ctx), refused)
  await t.rejects(control.removeBackup('b', ctx), refused)
  await t.rejects(control.setType('drained', ctx), refused)
  t.throws(() => control.getOperation('x'), refused)
  t.throws(() => control.cancelOperation('x'), refused)
  t.throws(() => control.operationEvents('x', ctx.signal), refused)
})

t.test('once it is built every call is the tablet\'s', async (t) => {
  const calls: string[] = []
  const built = new Proxy({} as TabletControl, {
    get: (_target, name) => (...given: readonly unknown[]) => {
      calls.push(`${String(name)}/${given.length}`)
      return name === 'latestSnapshot' ? snapshot(101) : name === 'lastTurnMs' ? 42 : name === 'listOperations' ? [OPERATION] : undefined
    },
  })
  const control = new StartingControl()
  control.become(built)
  t.equal(control.latestSnapshot()?.alias, alias(101))
  t.equal(control.lastTurnMs(), 42)
  t.same(control.listOperations(), [OPERATION])
  control.stageTotals()
  await control.observeNow(ctx)
  await control.beginBackup({}, ctx)
  await control.beginRestore({}, ctx)
  await control.listBackups(ctx)
  await control.getBackup('b', ctx)
  await control.removeBackup('b', ctx)
  await control.setType('target', ctx)
  control.getOperation('x')
  control.cancelOperation('x')
  control.operationEvents('x', ctx.signal)
  control.wake()
  t.same(calls, [
    'latestSnapshot/0', 'lastTurnMs/0', 'listOperations/0', 'stageTotals/0', 'observeNow/1', 'beginBackup/2', 'beginRestore/2', 'listBackups/1', 'getBackup/2',
    'removeBackup/2', 'setType/2', 'getOperation/1', 'cancelOperation/1', 'operationEvents/2', 'wake/0',
  ])
})

t.test('progress is told in lines, at most one in each interval', (t) => {
  const { lines, log } = keptLog()
  let now = 0
  const tell = progressLog({ doing: 'backing up', name: 'b1', everyMs: 5_000 }, log, () => now)
  const at = (ms: number, doneBytes: number, totalBytes: number | undefined): void => {
    now = ms
    tell({ doneBytes, totalBytes })
  }
  at(4_999, 1, 1)
  at(5_000, 1_264 * 1024, 10_240 * 1024)
  at(9_000, 2, 3)
  at(30_000, 3 * 1024, undefined)
  at(36_000, 0, 0)
  t.same(lines.map(({ message }) => message), ['backing up "b1": 12.34% (1264/10240kb)', 'backing up "b1": 3kb', 'backing up "b1": 0kb'])
  t.match(lines[0], { level: 'info', fields: { doneBytes: 1_264 * 1024, totalBytes: 10_240 * 1024 } })
  t.end()
})
