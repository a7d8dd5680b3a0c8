/** DRAINED: the one type that an operator chooses. It outlives everything but an undrain, and keeps its channel. */
import t from 'tap'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { tableChecksums } from '../support/checksum.ts'
import { leavesNothingBehind } from '../support/leftovers.ts'
import { emptyDirectory, endMysqld } from '../support/mishaps.ts'
import { forEachServer } from '../support/servers.ts'
import { startShard } from '../support/shard.ts'
import type { TestTablet } from '../support/tablet.ts'

const DEADLINE_MS = 120_000

forEachServer(t, 'a tablet is drained, and stays it', async (t, server) => {
  await using shard = await startShard({ server, tablets: 3 })
  const [primary, drained, other] = [shard.tablet(0), shard.tablet(1), shard.tablet(2)]
  await shard.initPrimary(primary)
  await primary.rows('create database commerce; create table commerce.t (id int primary key); insert into commerce.t values (1)')
  for (const replica of [drained, other]) await replica.becomes('REPLICA', { healthy: true, deadlineMs: DEADLINE_MS })

  await t.test('the recorded primary is not drained', async (t) => {
    const answer = await primary.admin('PUT', '/v1/tablet/type', { type: 'drained' })
    t.equal(answer.status, 412)
    t.match(answer.body, { code: 'TYPE_FORBIDS' })
    t.match(answer.text, /name another tablet first/)
    await primary.becomes('PRIMARY', { healthy: true })
  })

  await t.test('a drained replica serves nobody and goes on replicating', async (t) => {
    await shard.mustTabletctl('change-tablet-type', drained.alias, 'drained')
    await drained.becomes('DRAINED')
    for (const [path, status] of [['/drained', 200], ['/healthz', 503], ['/readyz', 503], ['/replica', 503], ['/livez', 200]] as const) {
      t.equal((await drained.http('GET', path)).status, status, path)
    }
    await replicates(drained, primary, 2)
  })

  await t.test('a restart of the daemon keeps it', async (t) => {
    await drained.killDaemon('SIGTERM')
    await drained.startDaemon()
    await remainsDrained(drained)
    await replicates(drained, primary, 3)
    t.equal((await drained.freshSnapshot()).type, 'DRAINED', 'all the time')
  })

  await t.test('a restart of mysqld keeps it, and its channel runs again', async (t) => {
    await endMysqld(drained)
    await drained.waitFor('mysqld is started again and replicates', async () => (await drained.freshSnapshot()).replication?.io === 'running', DEADLINE_MS)
    await remainsDrained(drained)
    await replicates(drained, primary, 4)
    t.equal((await drained.freshSnapshot()).type, 'DRAINED', 'all the time')
  })

  await t.test('the loss of the tablet directory keeps it, and so does the loss of the mark beside the data', async (t) => {
    await drained.killDaemon('SIGKILL')
    emptyDirectory(drained.tabletDir)
    await drained.startDaemon()
    await remainsDrained(drained)
    await replicates(drained, primary, 5)

    await drained.killDaemon('SIGKILL')
    rmSync(join(drained.dataDir, '.tabletd.json'))
    await drained.startDaemon()
    await remainsDrained(drained)
    await replicates(drained, primary, 6)
    t.equal((await drained.freshSnapshot()).type, 'DRAINED', 'all the time')
  })

  await t.test('its channel follows the primary of the shard', async (t) => {
    await other.caughtUp()
    await shard.mustTabletctl('planned-reparent-shard', shard.name, other.alias)
    t.strictSame((await other.becomes('PRIMARY', { healthy: true })).blockers, [])
    const source = `127.0.0.1:${other.place.mysqlPort}`
    await drained.waitFor('the drained tablet follows the new primary', async () => {
      const seen = await drained.snapshot()
      return seen.type === 'DRAINED' && seen.replication?.source === source && seen.replication.io === 'running'
    }, DEADLINE_MS)
    await replicates(drained, other, 7)
  })

  await t.test('a channel that is removed is not made again until it is undrained', async (t) => {
    await drained.rows(server.name === 'mysql' ? 'stop replica; reset replica all' : 'stop slave; reset slave all')
    const seen = await drained.freshSnapshot()
    t.equal(seen.type, 'DRAINED')
    t.equal(seen.replication, undefined, 'the turn after it leaves it so')
    await drained.killDaemon('SIGTERM')
    await drained.startDaemon()
    await remainsDrained(drained)
    t.equal((await drained.freshSnapshot()).replication, undefined, 'also after a restart')

    await shard.mustTabletctl('change-tablet-type', drained.alias, 'replica')
    await drained.becomes('REPLICA', { healthy: true, deadlineMs: DEADLINE_MS })
    await replicates(drained, other, 8)
    t.strictSame(await tableChecksums((sql) => drained.rows(sql)), await tableChecksums((sql) => other.rows(sql)))
  })

  await t.test('undrained for good: nothing of it comes back after a restart', async (t) => {
    await drained.killDaemon('SIGTERM')
    await drained.startDaemon()
    t.strictSame((await drained.becomes('REPLICA', { healthy: true, deadlineMs: DEADLINE_MS })).blockers, [])
  })
})

/** The first state it enters is DRAINED: nobody has seen it serve in between. */
async function remainsDrained(tablet: TestTablet): Promise<void> {
  await tablet.becomes('DRAINED', { deadlineMs: DEADLINE_MS })
  const between = tablet.log().find((line) => line['to'] === 'serving' || line['to'] === 'primary')
  if (between !== undefined) throw new Error(`${tablet.alias} was not drained all the time: ${between.msg ?? ''}`)
}

/** Writes a row on the primary and waits for it on the replica. */
async function replicates(replica: TestTablet, primary: TestTablet, id: number): Promise<void> {
  await primary.rows(`insert into commerce.t values (${id})`)
  await replica.waitFor(`row ${id} arrives at ${replica.alias}`,
    async () => Number(await replica.value(`select count(*) from commerce.t where id = ${id}`)) === 1, DEADLINE_MS)
}

leavesNothingBehind(t)
