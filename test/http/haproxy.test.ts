/** What a real HAProxy makes of our probes and agent lines: every type, every way from one to another. */
import { createServer, type AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { startAgentCheck } from '../../src/http/agent-check.ts'
import { blocker } from '../../src/model/blocker.ts'
import type { TabletSnapshot } from '../../src/model/snapshot.ts'
import { hasHaproxy, startHaproxy, type Haproxy } from '../support/haproxy.ts'
import { leavesNothingBehind } from '../support/leftovers.ts'
import { tempDir } from '../support/temp-dir.ts'
import { waitFor } from '../support/wait-for.ts'
import { context, snapshot } from './fake-control.ts'
import { testServer } from './test-server.ts'

const LIMITS = { degradedSeconds: 10, unhealthySeconds: 20 }
const REPLICA = (changes: Partial<TabletSnapshot> = {}): TabletSnapshot => snapshot({ lagLimits: LIMITS, ...changes })
const PRIMARY = REPLICA({ type: 'PRIMARY', state: 'primary', mysqld: { running: true, answers: true, writable: true } })
const DRAINED = REPLICA({ type: 'DRAINED', state: 'drained', drained: true, blockers: [blocker('drained')] })
const BEHIND = REPLICA({ type: 'SPARE', state: 'spare', blockers: [blocker('lag-too-high', { message: 'replication lags 40 s' })] })

interface Rig extends AsyncDisposable {
  readonly haproxy: Haproxy
  /** Neither probes nor the agent answer any more. */
  endDaemon(): Promise<void>
  /** Shows HAProxy another tablet, and waits until it says the status of reads. */
  is(shown: TabletSnapshot | undefined, reads: RegExp, more?: { readonly weight?: number, readonly writes?: RegExp }): Promise<void>
}

async function rig(t: Test): Promise<Rig> {
  await using opened = new AsyncDisposableStack()
  const dir = opened.use(await tempDir())
  const tablet = opened.use(await testServer())
  const agent = opened.use(await startAgentCheck({ port: 0, bindAddress: '127.0.0.1' }, tablet.control, context()))
  const mysqld = createServer((socket) => { socket.end() })
  await new Promise<void>((resolve) => { mysqld.listen(0, '127.0.0.1', resolve) })
  opened.defer(() => new Promise<void>((resolve) => { mysqld.close(() => { resolve() }) }))
  let shown: TabletSnapshot | undefined = REPLICA()
  // the age of a snapshot is another test's
  Object.defineProperty(tablet.control, 'snapshot', {
    get: () => shown && { ...shown, observedAtMs: Date.now() },
    set: (next: TabletSnapshot | undefined) => { shown = next },
  })
  const backend = { name: 'db1', mysqlPort: (mysqld.address() as AddressInfo).port, httpPort: tablet.port, agentPort: agent.port }
  const haproxy = opened.use(await startHaproxy(dir.path, [backend]))
  const owned = opened.move()
  return {
    haproxy,
    endDaemon: async () => { await Promise.all([tablet[Symbol.asyncDispose](), agent[Symbol.asyncDispose]()]) },
    is: async (next, reads, more = {}) => {
      tablet.control.snapshot = next
      const fits = async (): Promise<boolean> => {
        const [read, write] = [await haproxy.server('mysql_reads', 'db1'), await haproxy.server('mysql_writes', 'db1')]
        const weighs = more.weight === undefined || read.weight === more.weight
        const ok = weighs && reads.test(read.status) && (more.writes?.test(write.status) ?? true)
        if (!ok) throw new Error(JSON.stringify({ read, write }))
        return ok
      }
      await t.resolves(waitFor(`HAProxy sees ${next?.type ?? 'nothing'} as ${reads.source}`, fits), `${next?.type ?? 'nothing'}: ${reads.source}`)
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

if (hasHaproxy(t)) {
  t.test('HAProxy with the shipped configuration takes a tablet in and out as its type and its lag say, from any state to any other', async (t) => {
    await using one = await rig(t)
    const up = { weight: 100, writes: /^DOWN/ }
    await one.is(REPLICA(), /^UP$/, up)
    await one.is(REPLICA({ lagSeconds: 15 }), /^UP$/, { weight: 50, writes: /^DOWN/ })
    await one.is(REPLICA({ lagSeconds: 20 }), /^UP$/, { weight: 1 })
    await one.is(PRIMARY, /^DOWN/, { writes: /^UP$/ })
    for (const [state, status] of [[BEHIND, /^DOWN/], [DRAINED, /^DOWN|DRAIN/], [undefined, /^DOWN/]] as const) {
      await one.is(state, status, { writes: /^DOWN/ })
      await one.is(REPLICA(), /^UP$/, up)
    }
    await one.is(DRAINED, /^DOWN|DRAIN/)
    await one.is(BEHIND, /^DOWN/)
    await one.is(REPLICA(), /^UP$/, up)
  })

  t.test('HAProxy shows why: the reason of the probe\'s 503 as a status, of the agent in words', async (t) => {
    await using one = await rig(t)
    await one.is(BEHIND, /^DOWN/)
    const reads = await waitFor('it has asked both', async () => {
      const seen = await one.haproxy.server('mysql_reads', 'db1')
      if (!/lag-too-high/.test(seen.lastAgent)) throw new Error(JSON.stringify(seen))
      return seen
    })
    t.match(reads.lastCheck, /503|Service Unavailable/)
    t.match(reads.lastAgent, /lag-too-high: replication lags 40 s/)
  })

  t.test('a drained tablet whose probe still says yes keeps its sessions and gets no new ones', async (t) => {
    await using one = await rig(t)
    await one.haproxy.say('disable health mysql_reads/db1')
    await one.is(DRAINED, /^DRAIN/)
    await one.is(REPLICA(), /^(UP|no check)/)
  })

  t.test('a maintenance that an operator set is undone by the agent, unless the agent is disabled first', async (t) => {
    await using one = await rig(t)
    await one.is(REPLICA(), /^UP$/)
    await one.haproxy.say('set server mysql_reads/db1 state maint')
    await waitFor('the agent has undone it', async () => (await one.haproxy.server('mysql_reads', 'db1')).status === 'UP')
    await one.haproxy.say('disable agent mysql_reads/db1')
    await one.haproxy.say('set server mysql_reads/db1 state maint')
    t.match((await one.haproxy.server('mysql_reads', 'db1')).status, /^MAINT/)
  })

  t.test('a daemon that is gone is DOWN, though its agent port said "ready up" last', async (t) => {
    await using one = await rig(t)
    await one.is(REPLICA(), /^UP$/)
    await one.endDaemon()
    const seen = await waitFor('HAProxy has noticed', async () => {
      const { status } = await one.haproxy.server('mysql_reads', 'db1')
      return status.startsWith('DOWN') && status
    })
    t.match(seen, /^DOWN/)
  })

  leavesNothingBehind(t)
}
