/** Losing the topology harms nobody: what runs goes on as what it was, what had to be started waits, nothing old is believed. */
import t from 'tap'
import type { Test } from 'tap'
import { cpSync } from 'node:fs'
import type { BlockerName } from '../../src/model/blocker.ts'
import { tableChecksums } from '../support/checksum.ts'
import { leavesNothingBehind } from '../support/leftovers.ts'
import { emptyDirectory, endMysqld, losePower, makeUnreadable } from '../support/mishaps.ts'
import { watchReadOnly } from '../support/read-only-witness.ts'
import { forEachServer } from '../support/servers.ts'
import { startShard, type TestShard } from '../support/shard.ts'
import type { TestTablet } from '../support/tablet.ts'

const DEADLINE_MS = 120_000
const HEALTHY = { healthy: true, deadlineMs: DEADLINE_MS }

forEachServer(t, 'the topology is unreadable, then back', async (t, server) => {
  await using shard = await startShard({ server, tablets: 2 })
  const [primary, replica] = await withRows(shard)
  let putBack = (): void => undefined
  const positions = await positionsOf(shard)

  await t.test('a running primary and its replica go on, over restarts of their daemons too', async (t) => {
    putBack = makeUnreadable(shard.place.topology)
    await knows(primary, 'unreadable')
    await goOn(t, primary, replica)
    t.match((await primary.snapshot()).shardRecord, { read: 'unreadable', cached: { primary: primary.alias, term: 1 } })
    t.strictSame(await positionsOf(shard), positions, 'no transaction of our own')
  })

  await t.test('a replica whose mysqld had to be started follows the source it remembers', async (t) => {
    await endMysqld(replica)
    await startedAgain(replica)
    t.strictSame((await replica.becomes('REPLICA', HEALTHY)).blockers, [])
    await primary.rows('insert into commerce.t values (100)')
    await holdsRow(replica, 100)
  })

  await t.test('a primary whose mysqld had to be started waits, read-only, until the record can be read', async (t) => {
    await waitsReadOnly(t, primary, 'topology-unreachable')
    putBack()
    await primary.becomes('PRIMARY', HEALTHY)
    await replica.becomes('REPLICA', HEALTHY)
    t.equal((await primary.snapshot()).shardRecord.record?.term, 1, 'in the same term')
    await primary.rows('insert into commerce.t values (101)')
    await holdsRow(replica, 101)
  })
})

forEachServer(t, 'the topology is lost, and written again', async (t, server) => {
  await using shard = await startShard({ server, tablets: 2 })
  const [primary, replica] = await withRows(shard)
  const oldCopy = `${shard.place.topology}.old`
  cpSync(shard.place.topology, oldCopy, { recursive: true })
  const positions = await positionsOf(shard)

  await t.test('a running primary and its replica go on, over restarts of their daemons too', async (t) => {
    emptyDirectory(shard.place.topology)
    await knows(primary, 'none')
    await goOn(t, primary, replica)
    t.strictSame(await positionsOf(shard), positions, 'no transaction of our own')
  })

  await t.test('the record is not written anew without force', async (t) => {
    const refused = await shard.tabletctl('init-shard-primary', shard.name, primary.alias)
    t.equal(refused.code, 65)
    t.match(refused.stderr, /SHARD_HAS_PRIMARY/)
    t.match(refused.stderr, /the topology has lost it/)
  })

  await t.test('a primary that had to be started waits, read-only, and so does a replica, until the record is written again', async (t) => {
    await losePower(replica)
    await replica.startDaemon()
    await waitsReadOnly(t, primary, 'shard-record-lost')
    await shard.mustTabletctl('init-shard-primary', '--force', shard.name, primary.alias)
    await primary.becomes('PRIMARY', HEALTHY)
    await replica.becomes('REPLICA', HEALTHY)
    t.equal((await primary.snapshot()).shardRecord.record?.term, 2, 'under a newer term')
    t.strictSame(await positionsOf(shard), positions, 'no GTID was reset and none was added')
  })

  await t.test('a topology restored from before the last reparent is not believed', async (t) => {
    await replica.caughtUp()
    await shard.mustTabletctl('planned-reparent-shard', shard.name, replica.alias)
    await replica.becomes('PRIMARY', HEALTHY)
    await primary.becomes('REPLICA', HEALTHY)
    emptyDirectory(shard.place.topology)
    const witness = watchReadOnly(primary)
    cpSync(oldCopy, shard.place.topology, { recursive: true })
    for (const tablet of [primary, replica]) {
      await tablet.waitFor('it reads the old record', async () => (await tablet.snapshot()).shardRecord.record?.term === 1, DEADLINE_MS)
      await tablet.killDaemon('SIGTERM')
      await tablet.startDaemon()
      await tablet.waitFor('it reads the old record', async () => (await tablet.snapshot()).shardRecord.record?.term === 1, DEADLINE_MS)
    }
    await replica.becomes('PRIMARY', HEALTHY)
    await primary.becomes('REPLICA', HEALTHY)
    await endMysqld(primary)   // named by the old record, and started anew under it
    await startedAgain(primary)
    await primary.becomes('REPLICA', HEALTHY)
    t.equal((await witness.stop()).writable, 0, 'whom the old record names is read-only at every sample')

    await shard.mustTabletctl('init-shard-primary', '--force', shard.name, replica.alias)
    await replica.becomes('PRIMARY', HEALTHY)
    await primary.becomes('REPLICA', HEALTHY)
    t.equal((await replica.snapshot()).shardRecord.record?.term, 4, 'above every term ever seen')
    await replica.rows('insert into commerce.t values (300)')
    await holdsRow(primary, 300)
    t.strictSame(await tableChecksums((sql) => primary.rows(sql)), await tableChecksums((sql) => replica.rows(sql)))
  })
})

async function withRows(shard: TestShard): Promise<readonly [TestTablet, TestTablet]> {
  const [primary, replica] = [shard.tablet(0), shard.tablet(1)]
  await shard.initPrimary(primary)
  await primary.rows('create database commerce; create table commerce.t (id int primary key); insert into commerce.t values (1)')
  await replica.becomes('REPLICA', HEALTHY)
  await holdsRow(replica, 1)
  return [primary, replica]
}

/** Both daemons are restarted; neither server notices, and neither tablet leaves its type. */
async function goOn(t: Test, primary: TestTablet, replica: TestTablet): Promise<void> {
  const witness = watchReadOnly(primary)
  const pids = [primary.pidOfMysqld(), replica.pidOfMysqld()]
  await primary.becomes('PRIMARY', HEALTHY)
  await replica.becomes('REPLICA', HEALTHY)
  for (const tablet of [primary, replica]) {
    await tablet.killDaemon('SIGTERM')
    await tablet.startDaemon()
  }
  await primary.becomes('PRIMARY', HEALTHY)
  await replica.becomes('REPLICA', HEALTHY)
  t.strictSame([primary.pidOfMysqld(), replica.pidOfMysqld()], pids, 'the same servers')
  const { samples, writable } = await witness.stop()
  t.ok(samples > 0)
  t.equal(writable, samples, 'the primary was writable at every sample')
}

/** The primary's machine loses power and comes back: it waits with `why`. */
async function waitsReadOnly(t: Test, primary: TestTablet, why: BlockerName): Promise<void> {
  await losePower(primary)
  const witness = watchReadOnly(primary)
  await primary.startDaemon()
  await primary.waitFor(`it waits with ${why}`, async () => {
    const seen = await primary.snapshot()
    return seen.type === 'SPARE' && seen.mysqld.answers && seen.blockers.some(({ name }) => name === why)
  }, DEADLINE_MS)
  t.equal((await primary.http('GET', '/primary')).status, 503)
  const { samples, writable } = await witness.stop()
  t.ok(samples > 0)
  t.equal(writable, 0, 'read-only at every sample')
}

async function knows(tablet: TestTablet, read: 'unreadable' | 'none'): Promise<void> {
  await tablet.waitFor(`it sees that the record is ${read}`, async () => (await tablet.snapshot()).shardRecord.read === read, DEADLINE_MS)
}

/** The daemon has seen its new mysqld: what it says from here on is not about the old one. */
async function startedAgain(tablet: TestTablet): Promise<void> {
  await tablet.waitFor('its mysqld is back', async () => {
    const { mysqld } = await tablet.freshSnapshot()
    return mysqld.answers && mysqld.pid === tablet.pidOfMysqld()
  }, DEADLINE_MS)
}

async function holdsRow(tablet: TestTablet, id: number): Promise<void> {
  await tablet.waitFor(`row ${id} arrives at ${tablet.alias}`,
    async () => Number(await tablet.value(`select count(*) from commerce.t where id = ${id}`)) === 1, DEADLINE_MS)
}

/** What each server says it has executed, in its own words. */
async function positionsOf(shard: TestShard): Promise<readonly string[]> {
  return await Promise.all(shard.tablets.map(async (tablet) => (await tablet.freshSnapshot()).position ?? 'unknown'))
}

leavesNothingBehind(t)
