/** ProxySQL's questions, asked every few milliseconds through a backup, a restore and a reparent: it never sends a client wrong. */
import t from 'tap'
import { beginToServe } from '../support/app.ts'
import { leavesNothingBehind } from '../support/leftovers.ts'
import { monitorSql, verdictOf, watchAsProxysql, type Judged, type Seen, type Verdict } from '../support/proxysql-monitor.ts'
import { forEachServer } from '../support/servers.ts'
import { startShard } from '../support/shard.ts'

const MOST_MS = 120_000

const TABLE: readonly (readonly [string, Seen, Verdict])[] = [
  ['a writable server', { readOnly: false, lagSeconds: undefined }, 'writer'],
  ['a replica that keeps up', { readOnly: true, lagSeconds: 0 }, 'reader'],
  ['a replica far behind', { readOnly: true, lagSeconds: 31 }, 'shunned'],
  ['a replica that is not connected', { readOnly: true, lagSeconds: null }, 'shunned'],
  ['a server without a channel', { readOnly: true, lagSeconds: undefined }, 'reader'],
]

for (const [what, seen, verdict] of TABLE) {
  t.test(`ProxySQL takes ${what} for a ${verdict}`, async (t) => { t.equal(verdictOf(seen), verdict) })
}

forEachServer(t, 'ProxySQL finds one writer at a time, and no server that lets it in before it replicates', async (t, server) => {
  await using shard = await startShard({ server, tablets: 2 })
  await beginToServe(shard, MOST_MS)
  const [primary, replica] = [shard.tablet(0), shard.tablet(1)]
  await primary.rows(monitorSql(server.name))
  const late = await shard.addTablet({ start: false })
  await using opened = new AsyncDisposableStack()
  const monitor = watchAsProxysql([primary, replica, late], server.name === 'mysql' ? 'show replica status' : 'show slave status')
  opened.defer(() => monitor.stop())
  await replica.waitFor('it is judged a reader', () => monitor.judged(replica).at(-1)?.verdict === 'reader')

  await shard.backup(replica)
  await replica.becomes('REPLICA', { healthy: true, deadlineMs: MOST_MS })
  t.notOk(monitor.judged(replica).some(({ verdict }) => verdict === 'writer'), 'a backup makes no replica a writer')

  await late.startDaemon()
  await late.becomes('REPLICA', { healthy: true, deadlineMs: MOST_MS })
  await late.waitFor('it is judged', () => monitor.judged(late).length > 3, MOST_MS)
  const looks = monitor.judged(late)
  t.same(looks.filter(({ seen }) => seen.lagSeconds === undefined), [], 'it let ProxySQL in with a channel, never without: that would count as no lag')
  t.ok(looks.every(({ verdict }) => verdict !== 'writer'), 'a restore makes no writer')

  await late.caughtUp()
  await shard.mustTabletctl('planned-reparent-shard', shard.name, late.alias)
  await late.waitFor('it is judged the writer', () => monitor.judged(late).at(-1)?.verdict === 'writer', MOST_MS)
  await primary.waitFor('the former primary is judged a reader', () => monitor.judged(primary).at(-1)?.verdict === 'reader', MOST_MS)
  await opened.disposeAsync()
  t.ok(lastAsWriter(monitor.judged(primary)) < firstAsWriter(monitor.judged(late)), 'the former writer had ended before the new one began')
  t.notOk(monitor.judged(replica).some(({ verdict }) => verdict === 'writer'), 'a reparent makes no other replica a writer')
  t.comment(`verdicts: ${[primary, replica, late].map((tablet) => monitor.judged(tablet).length).join(', ')}`)
})

/** When it was surely a writer for the last time. */
const lastAsWriter = (judged: readonly Judged[]): number => judged.findLast(({ verdict }) => verdict === 'writer')?.askedMs ?? Number.NaN
/** By when it was surely one for the first time. */
const firstAsWriter = (judged: readonly Judged[]): number => judged.find(({ verdict }) => verdict === 'writer')?.answeredMs ?? Number.NaN

leavesNothingBehind(t)
