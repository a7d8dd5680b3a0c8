/** Every machine of a shard is lost. What is left is a backup, and perhaps the topology. */
import t from 'tap'
import type { Test } from 'tap'
import { tableChecksums } from '../support/checksum.ts'
import { leavesNothingBehind } from '../support/leftovers.ts'
import { emptyDirectory, losePower } from '../support/mishaps.ts'
import { watchReadOnly } from '../support/read-only-witness.ts'
import { forEachServer } from '../support/servers.ts'
import { startShard, type TestShard } from '../support/shard.ts'

const DEADLINE_MS = 120_000
const HEALTHY = { healthy: true, deadlineMs: DEADLINE_MS }

forEachServer(t, 'a shard is lost whole and comes back from its backup', async (t, server) => {
  await using shard = await startShard({ server, tablets: 3 })
  const [first, second, third] = [shard.tablet(0), shard.tablet(1), shard.tablet(2)]
  await shard.initPrimary(first)
  await first.rows('create database commerce; create table commerce.t (id int primary key, note text); insert into commerce.t values (1, "kept"), (2, "kept")')
  for (const replica of [second, third]) await replica.becomes('REPLICA', HEALTHY)
  await shard.backup(third)
  await first.rows('insert into commerce.t values (3, "written after the backup")')

  await t.test('every tablet restores the same backup and none of them becomes primary by itself', async (t) => {
    await loseAll(shard)
    const witnesses = shard.tablets.map(watchReadOnly)
    await startAll(shard)
    await first.blockedBy('named-primary-without-data')
    t.strictSame(await typesOf(shard), ['SPARE', 'SPARE', 'SPARE'])
    for (const witness of witnesses) t.equal((await witness.stop()).writable, 0, 'read-only at every sample')
  })

  await t.test('one is named, only with force; nobody\'s history begins anew, and the others attach to it', async (t) => {
    const restored = await positionsOf(shard)
    t.equal(new Set(restored).size, 1, 'all stand where the backup does')
    t.not(restored[0], '')
    const refused = await shard.tabletctl('init-shard-primary', shard.name, second.alias)
    t.equal(refused.code, 65)
    t.match(refused.stderr, /SHARD_HAS_PRIMARY/)
    await shard.mustTabletctl('init-shard-primary', '--force', shard.name, second.alias)
    await second.becomes('PRIMARY', HEALTHY)
    for (const replica of [first, third]) await replica.becomes('REPLICA', HEALTHY)
    t.strictSame(await positionsOf(shard), restored, 'no GTID was reset and none was added')
    t.equal((await second.snapshot()).shardRecord.record?.term, 2)
    await second.rows('insert into commerce.t values (4, "written after the disaster")')
    await sameEverywhere(t, shard, 3)
  })

  await t.test('with the topology lost too the shard begins again at its first term, with its data', async (t) => {
    await loseAll(shard)
    emptyDirectory(shard.place.topology)
    await startAll(shard)
    for (const tablet of shard.tablets) await tablet.blockedBy('no-shard-primary')
    const restored = await positionsOf(shard)
    await shard.initPrimary(first)
    for (const replica of [second, third]) await replica.becomes('REPLICA', HEALTHY)
    t.strictSame(await positionsOf(shard), restored, 'no GTID was reset and none was added')
    await first.rows('insert into commerce.t values (5, "written after the second one")')
    await sameEverywhere(t, shard, 3)
  })
})

async function loseAll(shard: TestShard): Promise<void> {
  await Promise.all(shard.tablets.map(losePower))
  for (const { dataDir, tabletDir } of shard.tablets) [dataDir, tabletDir].forEach(emptyDirectory)
}

async function startAll(shard: TestShard): Promise<void> {
  await Promise.all(shard.tablets.map((tablet) => tablet.startDaemon()))
  for (const tablet of shard.tablets) {
    await tablet.waitFor('it has restored', async () => {
      const { type, mysqld, data } = await tablet.snapshot()
      return type === 'SPARE' && mysqld.answers && data.origin === 'restore'
    }, DEADLINE_MS)
  }
}

const typesOf = (shard: TestShard): Promise<readonly string[]> =>
  Promise.all(shard.tablets.map(async (tablet) => (await tablet.freshSnapshot()).type))
const positionsOf = (shard: TestShard): Promise<readonly string[]> =>
  Promise.all(shard.tablets.map(async (tablet) => (await tablet.freshSnapshot()).position ?? 'unknown'))

async function sameEverywhere(t: Test, shard: TestShard, rows: number): Promise<void> {
  for (const tablet of shard.tablets) {
    await tablet.waitFor(`${tablet.alias} holds ${rows} rows`,
      async () => Number(await tablet.value('select count(*) from commerce.t')) === rows, DEADLINE_MS)
  }
  const sums = await Promise.all(shard.tablets.map((tablet) => tableChecksums((sql) => tablet.rows(sql))))
  for (const sum of sums) t.strictSame(sum, sums[0])
}

leavesNothingBehind(t)
