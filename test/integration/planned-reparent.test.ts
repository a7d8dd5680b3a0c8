/** Planned reparents of a living shard: no acknowledged row is lost, never two writable, and how long writes were refused is told. */
import t from 'tap'
import { beginToServe, healthyReplica, holdTable, holdsAll, primaryOf, writeNumbers } from '../support/app.ts'
import { tableChecksums } from '../support/checksum.ts'
import { leavesNothingBehind } from '../support/leftovers.ts'
import { forEachServer } from '../support/servers.ts'
import { startShard } from '../support/shard.ts'
import type { TestShard } from '../support/shard.ts'
import type { TestTablet } from '../support/tablet.ts'
import { waitFor } from '../support/wait-for.ts'
import { watchWritable } from '../support/writable-watch.ts'

const TIMES = 20
const MOST_MS = 120_000

forEachServer(t, 'a shard changes its primary as often as it is told, and loses nothing', async (t, server) => {
  // a backup stays that long before its first step, so that BACKUP is there to be seen
  await using shard = await startShard({ server, tablets: 3, flags: ['--serving-state-grace-period=10s'] })
  await beginToServe(shard)

  await t.test(`${TIMES} reparents in a row under a writer: every acknowledged row is on every tablet`, async (t) => {
    await using opened = new AsyncDisposableStack()
    const watch = watchWritable(shard.tablets)
    opened.defer(async () => { await watch.stop() })
    const writer = await writeNumbers(shard)
    opened.defer(() => writer.stop())
    const took: number[] = []
    let before = writer.acknowledged.length
    for (let time = 1; time <= TIMES; time++) {
      const next = shard.tablet(time % 3)
      await next.becomes('REPLICA', { healthy: true, deadlineMs: MOST_MS })
      took.push(await reparent(shard, next))
      await waitFor('rows are acknowledged by the new primary', () => writer.acknowledged.length > before + 5, { deadlineMs: MOST_MS })
      before = writer.acknowledged.length
    }
    await writer.stop()
    await holdsAll(shard.tablets, writer)
    t.strictSame(await watch.stop(), [], 'never two writable')
    t.ok(watch.counts.every((count) => count > 200), `the servers were looked at (${watch.counts.join(', ')} times)`)
    const sums = await Promise.all(shard.tablets.map((tablet) => tableChecksums((sql) => tablet.rows(sql))))
    t.strictSame(sums[1], sums[0])
    t.strictSame(sums[2], sums[0])
    const middle = [...took].sort((a, b) => a - b)[TIMES / 2] ?? 0
    t.comment(`${writer.acknowledged.length} rows; a term was taken within ${middle} ms (median), ${Math.max(...took)} ms (most); `
      + `longest time without an acknowledged row: ${writer.longestRefusalMs()} ms`)
    t.ok(writer.longestRefusalMs() < 30_000)
  })

  await t.test('who was named already is left as is, and a tablet that does not exist is refused', async (t) => {
    const primary = await primaryOf(shard)
    const answer = JSON.parse(await shard.mustTabletctl('planned-reparent-shard', '--json', shard.name, primary.alias)) as { tookMs: number }
    t.equal(answer.tookMs, 0)
    const nobody = await shard.tabletctl('planned-reparent-shard', shard.name, 'zone1-0000000999')
    t.match(nobody.stderr, /TABLET_NOT_FOUND/)
    t.not(nobody.code, 0)
  })

  await t.test('412 while the candidate is DRAINED or in BACKUP, or the old primary in BACKUP; nothing has changed', async (t) => {
    const primary = await primaryOf(shard)
    const [candidate, other] = shard.tablets.filter((tablet) => tablet !== primary)
    if (candidate === undefined || other === undefined) throw new Error('three tablets')
    const before = (await primary.snapshot()).shardRecord.record

    await shard.mustTabletctl('change-tablet-type', candidate.alias, 'drained')
    t.match((await shard.tabletctl('planned-reparent-shard', shard.name, candidate.alias)).stderr, /DRAINED[^]*TYPE_FORBIDS/)
    await shard.mustTabletctl('change-tablet-type', candidate.alias, 'replica')
    await candidate.becomes('REPLICA', { healthy: true, deadlineMs: MOST_MS })

    for (const [busy, body] of [[candidate, {}], [primary, { allowPrimary: true }]] as const) {
      const asked = await busy.admin('POST', '/v1/backups', body)
      t.equal(asked.status, 202, asked.text)
      await busy.becomes('BACKUP')
      const refused = await shard.tabletctl('planned-reparent-shard', shard.name, candidate.alias)
      t.match(refused.stderr, /is in BACKUP[^]*TYPE_FORBIDS/)
      t.equal(refused.code, 65)
      await busy.admin('POST', `/v1/operations/${(asked.body as { id: string }).id}/cancel`, {})
      await busy.waitFor('the backup ends', async () => (await busy.snapshot()).operation?.state !== 'running', MOST_MS)
    }
    await primary.becomes('PRIMARY', { healthy: true, deadlineMs: MOST_MS })
    t.strictSame((await primary.snapshot()).shardRecord.record, before)
  })

  await t.test('a candidate that is behind takes over once it has caught up: nothing is lost', async (t) => {
    const primary = await primaryOf(shard)
    const candidate = await healthyReplica(shard, primary)
    await using opened = new AsyncDisposableStack()
    const writer = await writeNumbers(shard)
    opened.defer(() => writer.stop())
    const table = await holdTable(candidate, writer)
    opened.defer(() => table.release())
    const reparenting = shard.mustTabletctl('planned-reparent-shard', shard.name, candidate.alias)
    await primary.untilLog('that it stepped down', ({ msg }) => msg?.startsWith('demoted: ') === true && msg.includes(`ended at`), MOST_MS)
    t.not((await candidate.snapshot()).type, 'PRIMARY', 'it is not primary before it holds everything')
    await table.release()
    await reparenting
    await candidate.becomes('PRIMARY', { healthy: true, deadlineMs: MOST_MS })
    await writer.stop()
    await holdsAll(shard.tablets, writer)
  })
})

async function reparent(shard: TestShard, to: TestTablet): Promise<number> {
  return (JSON.parse(await shard.mustTabletctl('planned-reparent-shard', '--json', shard.name, to.alias)) as { tookMs: number }).tookMs
}

leavesNothingBehind(t)
