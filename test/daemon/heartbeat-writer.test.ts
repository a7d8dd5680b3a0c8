/** Who writes heartbeats, and when. */
import t from 'tap'
import { silentLogger, type Logger } from '../../src/base/logger.ts'
import { HeartbeatWriter } from '../../src/daemon/heartbeat-writer.ts'
import { TABLET_STATES, type TabletState } from '../../src/model/tablet-state.ts'
import type { Beat } from '../../src/mysqld/dialects/heartbeat.ts'
import type { Heartbeats } from '../../src/mysqld/heartbeats.ts'
import { waitFor } from '../support/wait-for.ts'

const BEAT: Beat = { shard: 'commerce/0', tablet: 'zone1-0000000101', term: 3 }

interface Rig extends AsyncDisposable {
  readonly writer: HeartbeatWriter
  readonly written: Beat[]
  readonly warnings: string[]
  state: TabletState
  asked: number
  beat: Beat | undefined
  onWrite: Heartbeats['write']
}

function rig(more: { readonly enabled?: boolean, readonly state?: TabletState } = {}): Rig {
  const stop = new AbortController()
  const written: Beat[] = []
  const warnings: string[] = []
  const log: Logger = silentLogger()
  log.warn = ((_: unknown, text: string) => { warnings.push(text) }) as Logger['warn']
  const own: Rig = {
    written, warnings, state: more.state ?? 'primary', asked: 0, beat: BEAT, onWrite: () => Promise.resolve(true),
    writer: new HeartbeatWriter({
      enabled: more.enabled ?? true, everyMs: 2,
      state: () => { own.asked++; return own.state }, beat: () => own.beat,
    }, { write: async (beat, ctx) => { written.push(beat); return await own.onWrite(beat, ctx) } }),
    [Symbol.asyncDispose]: async () => { stop.abort(new Error('enough')); await ended },
  }
  const ended = own.writer.run({ signal: stop.signal, log })
  return own
}

t.test('a primary writes its term, again and again', async (t) => {
  await using on = rig()
  await waitFor('three beats', () => on.written.length >= 3)
  t.same(on.written[0], BEAT)
})

for (const state of TABLET_STATES.filter((one) => one !== 'primary')) {
  t.test(`a tablet in ${state} writes none`, async (t) => {
    await using on = rig({ state })
    await waitFor('it was considered', () => on.asked >= 3)
    t.same(on.written, [])
  })
}

t.test('a primary that has read no record has no term to write for', async (t) => {
  await using on = rig()
  on.beat = undefined
  const before = on.written.length
  await waitFor('it was considered', () => on.asked >= 5)
  t.equal(on.written.length, before)
})

t.test('without heartbeat-enable nobody is asked, and nothing runs', async (t) => {
  await using on = rig({ enabled: false })
  await on.writer.settle()
  t.same([on.asked, on.written], [0, []])
})

t.test('after settling no beat of before is under way, and none begins once the state has changed', async (t) => {
  await using on = rig()
  let ended = false
  on.onWrite = (_, { signal }) => new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => { setImmediate(() => { ended = true; reject(signal.reason as Error) }) })
  })
  const before = on.written.length
  await waitFor('a beat hangs', () => on.written.length > before)
  on.state = 'spare'
  await on.writer.settle()
  t.equal(ended, true, 'its end was awaited')
  const after = on.written.length
  const asked = on.asked
  await waitFor('it was considered', () => on.asked >= asked + 3)
  t.equal(on.written.length, after)
  t.same(on.warnings, [], 'a cancel is no trouble')
})

t.test('trouble is said once, and again when it is another', async (t) => {
  await using on = rig()
  const failing = (text: string) => (): Promise<boolean> => Promise.reject(new Error(text))
  on.onWrite = failing('the disk is full')
  let before = on.written.length
  await waitFor('it failed three times', () => on.written.length >= before + 3)
  on.onWrite = failing('access denied')
  before = on.written.length
  await waitFor('it failed three times', () => on.written.length >= before + 3)
  t.equal(on.warnings.length, 2)
  t.match(on.warnings, [/replicas will seem to lag: the disk is full/, /access denied/])
})
