/** Operations: one at a time, each with one end, and watchers that miss nothing worth seeing. */
import t from 'tap'
import { TabletError } from '../../src/base/errors.ts'
import { silentLogger } from '../../src/base/logger.ts'
import { OperationRegistry, type RunningOperation } from '../../src/daemon/operations.ts'
import type { OperationEvent } from '../../src/http/control.ts'

const NEVER = new AbortController().signal
const registry = (): OperationRegistry => new OperationRegistry(silentLogger())

/** An operation that does what the test says and ends when told. */
async function begun(operations: OperationRegistry) {
  const started = Promise.withResolvers<RunningOperation>()
  const ended = Promise.withResolvers<void>()
  const { id } = operations.begin('backup', async (operation) => {
    started.resolve(operation)
    await Promise.race([ended.promise, aborted(operation.ctx.signal)])
  })
  return { id, running: await started.promise, succeed: () => { ended.resolve() }, fail: (error: Error) => { ended.reject(error) } }
}

const aborted = (signal: AbortSignal): Promise<never> => new Promise((_resolve, reject) => {
  signal.addEventListener('abort', () => { reject(signal.reason as Error) }, { once: true })
})

const told = ({ event, message, operation }: OperationEvent): string =>
  event === 'log' ? `log ${message}` : event === 'end' ? `end ${operation.state}` : `progress ${operation.progress.doneBytes}`

async function follow(operations: OperationRegistry, id: string, signal: AbortSignal = NEVER): Promise<readonly string[]> {
  const seen: string[] = []
  for await (const event of operations.events(id, signal)) seen.push(told(event))
  return seen
}

t.test('bytes and seconds of a stage are the running operation\'s, and sums are kept over all of them', async (t) => {
  const operations = registry()
  operations.onStage('read', 5, 1)
  const first = await begun(operations)
  operations.onStage('read', 10, 0.25)
  operations.onStage('read', 10, 0.25)
  operations.onStage('upload', 3, 2)
  first.running.progress(20, 40)
  t.same(operations.get(first.id).stages, { read: { bytes: 20, seconds: 0.5 }, upload: { bytes: 3, seconds: 2 } })
  operations.onStage('upload', 1, 0)
  first.succeed()
  await operations.whenIdle()
  t.same(operations.get(first.id).stages?.upload, { bytes: 4, seconds: 2 }, 'the end tells all of it')
  const second = await begun(operations)
  t.equal(operations.get(second.id).stages, undefined, 'nothing has passed')
  second.succeed()
  await operations.whenIdle()
  t.same(operations.stageTotals(), { read: { bytes: 25, seconds: 1.5 }, upload: { bytes: 4, seconds: 2 } })
})

t.test('an operation is answered before its work begins', async (t) => {
  const operations = registry()
  let working = false
  const operation = operations.begin('restore', () => { working = true; return Promise.resolve() })
  t.equal(working, false)
  t.match(operation, { kind: 'restore', state: 'running', id: /^restore-\d{8}T\d{6}-[0-9a-f]{6}$/ })
  await operations.whenIdle()
  t.equal(working, true)
  t.match(operations.get(operation.id), { state: 'succeeded', endedAt: /^\d{4}-/ })
  t.equal(operations.current, undefined)
})

t.test('a second operation is refused with the id of the running one, and begins after it', async (t) => {
  const operations = registry()
  const first = await begun(operations)
  t.throws(() => operations.begin('restore', () => Promise.resolve()), { code: 'OPERATION_RUNNING', details: { operation: first.id } })
  t.equal(operations.list().length, 1)
  first.succeed()
  await operations.whenIdle()
  operations.begin('restore', () => Promise.resolve())
  await operations.whenIdle()
  t.same(operations.list().map(({ kind, state }) => [kind, state]), [['backup', 'succeeded'], ['restore', 'succeeded']])
})

t.test('work that fails is failed with its code and hint; a bug has a code too', async (t) => {
  for (const [error, code] of [[new TabletError('STORAGE_NO_SPACE', 'full'), 'STORAGE_NO_SPACE'], [new TypeError('a bug'), 'INTERNAL']] as const) {
    const operations = registry()
    const { id, fail } = await begun(operations)
    fail(error)
    await operations.whenIdle()
    t.match(operations.get(id), { state: 'failed', error: { code, message: new RegExp(error.message), hint: /./ } })
  }
})

t.test('a cancel ends the work by its signal, and only then is it cancelled', async (t) => {
  const operations = registry()
  const { id, running } = await begun(operations)
  t.equal(operations.cancel(id, new TabletError('OPERATION_CANCELLED', 'by hand')).state, 'running', 'not before it was undone')
  t.equal(running.ctx.signal.aborted, true)
  await operations.whenIdle()
  t.match(operations.get(id), { state: 'cancelled', error: { code: 'OPERATION_CANCELLED' } })
  t.equal(operations.cancel(id, new TabletError('OPERATION_CANCELLED', 'again')).state, 'cancelled', 'a second cancel changes nothing')
  t.throws(() => operations.cancel('no-such', new TabletError('OPERATION_CANCELLED', 'x')), { code: 'OPERATION_NOT_FOUND' })
})

t.test('a cancel that comes too late leaves a success a success', async (t) => {
  const operations = registry()
  const done = Promise.withResolvers<void>()
  const { id } = operations.begin('backup', () => done.promise)
  operations.cancel(id, new TabletError('OPERATION_CANCELLED', 'late'))
  done.resolve()
  await operations.whenIdle()
  t.equal(operations.get(id).state, 'succeeded')
})

t.test('stopping waits until what runs was undone, and nothing begins after it', async (t) => {
  const operations = registry()
  const undone: string[] = []
  const { id } = operations.begin('backup', async ({ ctx }) => {
    try {
      await aborted(ctx.signal)
    } finally {
      await new Promise(setImmediate)
      undone.push('undone')
    }
  })
  await new Promise(setImmediate)
  await operations.stopCurrent(new TabletError('STOPPING', 'the daemon is stopping'))
  t.same(undone, ['undone'])
  t.match(operations.get(id), { state: 'failed', error: { code: 'STOPPING' } })
  t.throws(() => operations.begin('backup', () => Promise.resolve()), { code: 'STOPPING' })
  await operations.stopCurrent(new TabletError('STOPPING', 'nothing runs'))
})

t.test('a watcher sees each event once, in order, and the end last', async (t) => {
  const operations = registry()
  const { id, running, succeed } = await begun(operations)
  const early = follow(operations, id)
  running.step('stopping')
  await new Promise(setImmediate)
  running.step('copying')
  running.progress(1, 10)
  await new Promise(setImmediate)
  running.step('writing MANIFEST')
  succeed()
  const all = ['log stopping', 'log copying', 'progress 1', 'log writing MANIFEST', 'end succeeded']
  t.same(await early, all)
  t.same(await follow(operations, id), all, 'one that comes afterwards reads the same')
})

t.test('progress goes on being told while nothing else happens', async (t) => {
  const operations = registry()
  const { id, running, succeed } = await begun(operations)
  const seen: string[] = []
  const watching = (async () => {
    for await (const event of operations.events(id, NEVER)) seen.push(told(event))
  })()
  for (const done of [1, 2, 3]) {
    running.progress(done, 10)
    await new Promise(setImmediate)
  }
  t.same(seen, ['progress 1', 'progress 2', 'progress 3'])
  succeed()
  await watching
  t.same(await follow(operations, id), ['progress 3', 'end succeeded'], 'of what is past, the latest is enough')
})

t.test('a watcher survives the dropping of old events', async (t) => {
  const operations = registry()
  const { id, running, succeed } = await begun(operations)
  const early = follow(operations, id)
  for (let step = 1; step <= 700; step++) {
    running.step(`${step}`)
    await Promise.resolve()
    if (step % 50 === 0) await new Promise(setImmediate)
  }
  succeed()
  t.same(await early, [...Array.from({ length: 700 }, (_, index) => `log ${index + 1}`), 'end succeeded'])
  t.same((await follow(operations, id)).slice(0, 2), ['log 202', 'log 203'], 'a late one begins with what is kept')
})

t.test('a watcher that goes away is let go, also between two events', async (t) => {
  const operations = registry()
  const { id, running, succeed } = await begun(operations)
  const gone = new AbortController()
  const waiting = follow(operations, id, gone.signal)
  await new Promise(setImmediate)
  gone.abort()
  t.same(await waiting, [], 'while it waits')

  const leaving = new AbortController()
  running.step('copying')
  const seen: string[] = []
  for await (const event of operations.events(id, leaving.signal)) {
    seen.push(told(event))
    leaving.abort()
  }
  t.same(seen, ['log copying'], 'while it holds an event')
  succeed()
  await operations.whenIdle()
  t.throws(() => operations.get('backup-x'), { code: 'OPERATION_NOT_FOUND' })
})

t.test('an operation of a former daemon is listed as interrupted, with its step', async (t) => {
  const operations = registry()
  operations.recordInterrupted({ id: 'backup-1', kind: 'backup', startedAt: '2026-01-02T03:04:05.000Z', step: 'copying' })
  t.match(operations.get('backup-1'), {
    state: 'failed', startedAt: '2026-01-02T03:04:05.000Z', progress: { step: 'copying' }, error: { code: 'OPERATION_INTERRUPTED', message: /copying/ },
  })
  t.same(await follow(operations, 'backup-1'), ['end failed'])
  t.equal(operations.current, undefined)
})

t.test('the newest hundred are kept', async (t) => {
  const operations = registry()
  const ids: string[] = []
  for (let count = 0; count < 103; count++) {
    ids.push(operations.begin('backup', () => Promise.resolve()).id)
    await operations.whenIdle()
  }
  t.same(operations.list().map(({ id }) => id), ids.slice(3))
})
