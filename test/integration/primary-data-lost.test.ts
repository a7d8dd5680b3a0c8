/** A primary that lost its disk never comes back as an empty or old primary by itself. */
import t from 'tap'
import type { Test } from 'tap'
import { tableChecksums } from '../support/checksum.ts'
import { leavesNothingBehind } from '../support/leftovers.ts'
import { emptyDirectory, losePower, makeUnreadable } from '../support/mishaps.ts'
import { watchReadOnly } from '../support/read-only-witness.ts'
import { forEachServer } from '../support/servers.ts'
import { startShard } from '../support/shard.ts'
import type { TestTablet } from '../support/tablet.ts'

const DEADLINE_MS = 120_000
const HEALTHY = { healthy: true, deadlineMs: DEADLINE_MS }

forEachServer(t, 'the primary loses its data', async (t, server) => {
  await using shard = await startShard({ server, tablets: 2 })
  const [first, second] = [shard.tablet(0), shard.tablet(1)]
  await shard.initPrimary(first)
  await first.rows('create database commerce; create table commerce.t (id int primary key); insert into commerce.t values (1)')
  await second.becomes('REPLICA', HEALTHY)

  await t.test('without a backup it starts empty and waits, read-only, though the record names it', async (t) => {
    await losesData(first, [first.dataDir])
    await waitsWithoutData(t, first, 'bootstrap')
    await first.killDaemon('SIGTERM')
    await first.startDaemon()
    await waitsWithoutData(t, first, 'bootstrap')
  })

  await t.test('nobody names it while another tablet holds the rows, not even with force', async (t) => {
    const refused = await shard.tabletctl('init-shard-primary', '--force', shard.name, first.alias)
    t.not(refused.code, 0)
    t.match(refused.stderr, /OTHER_TABLET_AHEAD/)
    t.equal((await first.freshSnapshot()).type, 'SPARE')
  })

  await t.test('the tablet that holds the rows takes over, and the empty one fills up from it', async (t) => {
    await shard.mustTabletctl('init-shard-primary', '--force', shard.name, second.alias)
    await second.becomes('PRIMARY', HEALTHY)
    await first.becomes('REPLICA', HEALTHY)
    await second.rows('insert into commerce.t values (2)')
    await sameTables(t, first, second, 2)
  })

  await t.test('with a backup it restores and waits, read-only, also when its tablet directory is lost and power goes again', async (t) => {
    await shard.backup(first)
    await first.becomes('REPLICA', HEALTHY)
    await second.rows('insert into commerce.t values (3)')
    await sameTables(t, first, second, 3)
    await losesData(second, [second.dataDir, second.tabletDir])
    await waitsWithoutData(t, second, 'restore')
    await losePower(second)
    await waitsWithoutData(t, second, 'restore')
  })

  await t.test('what it wrote itself after the backup comes back to it from the tablet that holds it', async (t) => {
    await shard.mustTabletctl('init-shard-primary', '--force', shard.name, first.alias)
    await first.becomes('PRIMARY', HEALTHY)
    await second.becomes('REPLICA', HEALTHY)
    await first.rows('insert into commerce.t values (4)')
    await sameTables(t, first, second, 4)
  })

  await t.test('a newer term that names it makes it primary', async (t) => {
    // what it caught up with was old: a reparent is refused until its lag has been read again
    await second.waitFor('it has caught up', async () => (await second.freshSnapshot()).lagSeconds === 0, DEADLINE_MS)
    await shard.mustTabletctl('planned-reparent-shard', shard.name, second.alias)
    await second.becomes('PRIMARY', HEALTHY)
    t.equal(Number(await second.value('select @@global.read_only')), 0)
    await first.becomes('REPLICA', HEALTHY)
    await second.killDaemon('SIGTERM')
    await second.startDaemon()
    await second.becomes('PRIMARY', HEALTHY)
  })
})

/** The first term read after the data were made counts as one seen before. */
forEachServer(t, 'data restored while the topology is unreadable wait for a newer term', async (t, server) => {
  await using shard = await startShard({ server, tablets: 1 })
  const only = shard.tablet(0)
  await shard.initPrimary(only)
  await only.rows('create database commerce; create table commerce.t (id int primary key); insert into commerce.t values (1)')
  await shard.backup(only, '--allow-primary')
  await only.becomes('PRIMARY', HEALTHY)
  await losesData(only, [only.dataDir, only.tabletDir])
  const putBack = makeUnreadable(shard.place.topology)
  const witness = watchReadOnly(only)
  await only.startDaemon()
  await only.waitFor('it has restored and cannot read the topology', async () => {
    const { type, mysqld, shardRecord } = await only.snapshot()
    return type === 'SPARE' && mysqld.answers && shardRecord.read === 'unreadable'
  }, DEADLINE_MS)
  putBack()
  await waitsWithoutData(t, only, 'restore')
  t.equal((await witness.stop()).writable, 0, 'read-only at every sample')
  await shard.mustTabletctl('init-shard-primary', '--force', shard.name, only.alias)
  await only.becomes('PRIMARY', HEALTHY)
  t.equal(Number(await only.value('select count(*) from commerce.t')), 1)
})

/** Power goes, the directories come back empty, the daemon is started. */
async function losesData(tablet: TestTablet, directories: readonly string[]): Promise<void> {
  await losePower(tablet)
  directories.forEach(emptyDirectory)
}

/** Starts the daemon unless it runs, and watches its server until it waits as SPARE. */
async function waitsWithoutData(t: Test, tablet: TestTablet, made: 'bootstrap' | 'restore'): Promise<void> {
  const witness = watchReadOnly(tablet)
  if (!tablet.daemonRuns) await tablet.startDaemon()
  const seen = await tablet.waitFor('it waits without data of its term', async () => {
    const { type, data, blockers, mysqld } = await tablet.snapshot()
    return type === 'SPARE' && mysqld.answers && blockers.some(({ name }) => name === 'named-primary-without-data') && { data, blockers }
  }, DEADLINE_MS)
  t.equal(seen.data.origin, made)
  await tablet.waitFor('the witness has seen it', () => witness.samples() > 0, DEADLINE_MS)
  for (let turn = 0; turn < 3; turn++) t.equal((await tablet.freshSnapshot()).type, 'SPARE')
  t.equal((await tablet.http('GET', '/primary')).status, 503)
  t.equal((await witness.stop()).writable, 0, 'read-only at every sample')
  t.notOk(tablet.log().some((line) => line['to'] === 'primary'), 'it never became primary')
}

async function sameTables(t: Test, one: TestTablet, other: TestTablet, rows: number): Promise<void> {
  for (const tablet of [one, other]) {
    await tablet.waitFor(`${tablet.alias} holds ${rows} rows`, async () => Number(await tablet.value('select count(*) from commerce.t')) === rows, DEADLINE_MS)
  }
  t.strictSame(await tableChecksums((sql) => one.rows(sql)), await tableChecksums((sql) => other.rows(sql)))
}

leavesNothingBehind(t)
