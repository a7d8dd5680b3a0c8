/**
 * A shard behind a real HAProxy, through everything that happens to one: what a client sees stays inside the bounds that
 * docs/load-balancers.md states.
 */
import { kill } from 'node:process'
import mysql from 'mysql2/promise'
import t, { type Test } from 'tap'
import { CLIENT, CLIENT_SQL, startBalancedClient, type BalancedClient } from '../support/balanced-client.ts'
import { freePort } from '../support/free-port.ts'
import { hasHaproxy, startHaproxy, type Haproxy } from '../support/haproxy.ts'
import { leavesNothingBehind } from '../support/leftovers.ts'
import { forEachServer } from '../support/servers.ts'
import { startShard, type TestShard } from '../support/shard.ts'
import type { TestTablet } from '../support/tablet.ts'
import { waitFor } from '../support/wait-for.ts'
import { watchWritable } from '../support/writable-watch.ts'

const MOST_MS = 120_000
/** `/replica?lag=`; docs/load-balancers.md adds to it what it takes to notice. */
const LAG_LIMIT_MS = 3_000
/** The bounds of docs/load-balancers.md. */
const BOUNDS = { staleMs: LAG_LIMIT_MS + 5_000, readsMs: 5_000, frozenReadsMs: 12_000, reparentReadsMs: 10_000, writesMs: 15_000 }

interface Rig {
  readonly shard: TestShard
  readonly haproxy: Haproxy
  readonly client: BalancedClient
  /** Waits until HAProxy sends reads to the tablet, or no longer. */
  reads(tablet: TestTablet, up: 'UP' | 'DOWN'): Promise<void>
  /** What the client saw since the last call; within the bounds, or the test fails. */
  held(t: Test, what: string, longestReadGapMs?: number): void
}

if (hasHaproxy(t)) {
  forEachServer(t, 'behind HAProxy a client reads nothing stale, and is refused only for as long as the document says', async (t, server) => {
    await using opened = new AsyncDisposableStack()
    const agentPorts = await Promise.all(Array.from({ length: 4 }, () => freePort()))
    const shard = opened.use(await startShard({ server, tablets: 0, flags: ['--serving-state-grace-period=2s'] }))
    for (const port of agentPorts) await shard.addTablet({ flags: [`--agent-check-port=${port}`], start: false })
    const tablets = shard.tablets.slice(0, 3)
    await Promise.all(tablets.map((tablet) => tablet.startDaemon()))
    const [first, one, two, late] = [shard.tablet(0), shard.tablet(1), shard.tablet(2), shard.tablet(3)]
    await Promise.all(tablets.map((tablet) => tablet.becomes('SPARE', { deadlineMs: MOST_MS })))
    await shard.initPrimary(first)
    await first.rows(CLIENT_SQL)
    for (const replica of [one, two]) await replica.becomes('REPLICA', { healthy: true, deadlineMs: MOST_MS })

    const backends = shard.tablets.map(({ alias, place }, i) =>
      ({ name: alias, mysqlPort: place.mysqlPort, httpPort: place.httpPort, agentPort: agentPorts[i] ?? 0 }))
    const haproxy = opened.use(await startHaproxy(shard.place.dir, backends, `${LAG_LIMIT_MS}ms`))
    const statusOf = async (tablet: TestTablet): Promise<string> => (await haproxy.server('mysql_reads', tablet.alias)).status
    const reads: Rig['reads'] = (tablet, up) => tablet.waitFor(`HAProxy says ${up} of ${tablet.alias}`, async () => {
      const status = await statusOf(tablet)
      if (!status.startsWith(up) || (up === 'UP' && status !== 'UP')) throw new Error(status)
      return true
    }, MOST_MS).then(() => undefined)
    for (const replica of [one, two]) await reads(replica, 'UP')
    const watch = watchWritable(tablets)
    opened.defer(async () => { await watch.stop() })
    const client = startBalancedClient({ writes: haproxy.writesPort, reads: haproxy.readsPort })
    opened.defer(() => client.stop())
    await waitFor('rows are acknowledged', () => client.acknowledged.length > 20, { deadlineMs: MOST_MS })
    client.lap()
    const held: Rig['held'] = (t, what, longest = BOUNDS.readsMs) => { heldBounds(t, what, client, longest) }
    const rig: Rig = { shard, haproxy, client, reads, held }

    await t.test('a backup takes its replica out before mysqld stops', async (t) => { await backup(t, rig, one) })
    await t.test('a replica whose applier is held back gets no reads before they are stale', async (t) => { await heldBack(t, rig, two) })
    await t.test('the mysqld of a replica is killed', async (t) => {
      kill(pidOf(one), 'SIGKILL')
      await reads(one, 'DOWN')
      await reads(one, 'UP')
      rig.held(t, 'mysqld killed')
    })
    await t.test('the mysqld of a replica freezes', async (t) => {
      const pid = pidOf(two)
      kill(pid, 'SIGSTOP')
      await reads(two, 'DOWN')
      kill(pid, 'SIGCONT')
      await reads(two, 'UP')
      rig.held(t, 'mysqld frozen', BOUNDS.frozenReadsMs)
    })
    await t.test('the daemon of a replica is killed', async (t) => {
      await one.killDaemon('SIGKILL')
      await reads(one, 'DOWN')
      await one.startDaemon()
      await reads(one, 'UP')
      rig.held(t, 'daemon killed')
    })
    await t.test('a new tablet restores, and gets no reads before it has caught up', async (t) => { await restore(t, rig, late) })
    await t.test('a reparent moves the writes, and none that was acknowledged is lost', async (t) => {
      await reparent(t, rig, { from: first, to: two })
    })

    t.same(await watch.stop(), [], 'never two writable')
    await client.stop()
    for (const tablet of [two, one, late]) {
      const missing = await missingOn(tablet, client)
      t.same(missing, [], `${tablet.alias} holds every acknowledged row`)
    }
  })

  leavesNothingBehind(t)
}

function heldBounds(t: Test, what: string, client: BalancedClient, longestReadGapMs: number): void {
  const { reads, writes } = client.lap()
  t.comment(`${what}: ${reads.done} reads, ${reads.errors} refused, longest time without one ${reads.longestGapMs} ms, stalest ${reads.stalestMs} ms; `
    + `${writes.done} writes, ${writes.errors} refused, longest time without one ${writes.longestGapMs} ms`)
  t.ok(reads.stalestMs <= BOUNDS.staleMs, `no read was staler than ${BOUNDS.staleMs} ms: ${reads.stalestMs} ms`)
  t.ok(reads.longestGapMs <= longestReadGapMs, `reads were refused for at most ${longestReadGapMs} ms: ${reads.longestGapMs} ms`)
  t.ok(writes.longestGapMs <= BOUNDS.writesMs, `writes were refused for at most ${BOUNDS.writesMs} ms: ${writes.longestGapMs} ms`)
}

async function backup(t: Test, { shard, reads, held }: Rig, replica: TestTablet): Promise<void> {
  const ends = shard.backup(replica)
  await reads(replica, 'DOWN')
  t.ok(await ends)
  await reads(replica, 'UP')
  held(t, 'backup')
}

async function heldBack(t: Test, { reads, held, client }: Rig, replica: TestTablet): Promise<void> {
  const account = { user: CLIENT.user, password: CLIENT.password, database: CLIENT.schema }
  const holder = await mysql.createConnection({ socketPath: replica.place.socket, ...account })
  holder.on('error', () => undefined)   // whoever ends it has released the table
  await holder.query('lock tables numbered read')
  await reads(replica, 'DOWN')
  t.ok(client.acknowledged.length > 0)
  await holder.end().catch(() => undefined)
  await reads(replica, 'UP')
  held(t, 'applier held back')
}

/** The newcomer is in HAProxy's configuration from the beginning. */
async function restore(t: Test, { reads, held }: Rig, late: TestTablet): Promise<void> {
  await late.startDaemon()
  await reads(late, 'UP')
  t.ok((await late.snapshot()).data.restoredFrom, 'it came from a backup')
  held(t, 'restore')
}

async function reparent(t: Test, { shard, client, held, haproxy }: Rig, { from, to }: Readonly<Record<'from' | 'to', TestTablet>>): Promise<void> {
  const before = client.acknowledged.length
  const newId = Number(await to.value('select @@server_id'))
  await to.caughtUp()
  await shard.mustTabletctl('planned-reparent-shard', shard.name, to.alias)
  await waitFor('the new primary acknowledges', () => client.acknowledged.at(-1)?.serverId === newId, { deadlineMs: MOST_MS })
  await waitFor('HAProxy has moved', async () => (await haproxy.server('mysql_writes', from.alias)).status.startsWith('DOWN'), { deadlineMs: MOST_MS })
  await from.becomes('REPLICA', { healthy: true, deadlineMs: MOST_MS })
  const servers = client.acknowledged.slice(before).map(({ serverId }) => serverId)
  const changes = servers.filter((id, i) => i > 0 && id !== servers[i - 1])
  t.same(changes, [newId], 'writes went to the former primary, and then to the new one, and nowhere else')
  held(t, 'reparent', BOUNDS.reparentReadsMs)
}

function pidOf(tablet: TestTablet): number {
  const pid = tablet.pidOfMysqld()
  if (pid === undefined) throw new Error(`the mysqld of ${tablet.alias} does not run`)
  return pid
}

async function missingOn(tablet: TestTablet, client: BalancedClient): Promise<readonly number[]> {
  return await tablet.waitFor('it holds every acknowledged row', async () => {
    const there = new Set((await tablet.rows(`select number from ${CLIENT.schema}.numbered`)).map((row) => Number(row['number'])))
    const missing = client.acknowledged.filter(({ number }) => !there.has(number)).map(({ number }) => number)
    if (missing.length > 0) throw new Error(`${missing.length} are missing: ${missing.slice(0, 10).join(', ')}`)
    return missing
  })
}
