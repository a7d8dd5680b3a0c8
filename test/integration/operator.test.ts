/** What people do to a replica by hand: some of it is respected, some put right, some shown. Never is it silently undone. */
import t from 'tap'
import { tableChecksums } from '../support/checksum.ts'
import { leavesNothingBehind } from '../support/leftovers.ts'
import { endMysqld } from '../support/mishaps.ts'
import { forEachServer } from '../support/servers.ts'
import { startShard } from '../support/shard.ts'
import type { TestTablet } from '../support/tablet.ts'

const DEADLINE_MS = 120_000
const HEALTHY = { healthy: true, deadlineMs: DEADLINE_MS }

forEachServer(t, 'an operator works on a replica', async (t, server) => {
  const words = server.name === 'mysql'
    ? { stop: 'stop replica', start: 'start replica', writable: 'set global super_read_only = 0; set global read_only = 0' }
    : { stop: 'stop slave', start: 'start slave', writable: 'set global read_only = 0' }
  await using shard = await startShard({ server, tablets: 2 })
  const [primary, replica] = [shard.tablet(0), shard.tablet(1)]
  await shard.initPrimary(primary)
  await primary.rows('create database commerce; create table commerce.t (id int primary key); insert into commerce.t values (1)')
  await replica.becomes('REPLICA', HEALTHY)

  await t.test('replication that nobody stopped is started again after a restart of mysqld', async (t) => {
    await endMysqld(replica)
    await replicates(replica, primary, 2)
    t.strictSame((await replica.becomes('REPLICA', HEALTHY)).blockers, [])
  })

  await t.test('replication that an operator stopped stays stopped, over restarts of daemon and mysqld', async (t) => {
    await replica.rows(words.stop)
    await stopped(replica)
    t.equal((await replica.http('GET', '/replica')).status, 503)
    await replica.killDaemon('SIGTERM')
    await replica.startDaemon()
    await stopped(replica)
    await endMysqld(replica, 'SIGTERM')
    await stopped(replica)
    await replica.killDaemon('SIGKILL')
    await replica.startDaemon()
    await stopped(replica)
  })

  await t.test('once it is started by hand the tablet serves again, and nothing is remembered', async (t) => {
    await replica.rows(words.start)
    await replica.becomes('REPLICA', HEALTHY)
    await endMysqld(replica)
    await replicates(replica, primary, 3)
    t.strictSame((await replica.becomes('REPLICA', HEALTHY)).blockers, [])
  })

  await t.test('a stopped receiver or applier alone is an operator\'s word too', async (t) => {
    for (const thread of ['io_thread', 'sql_thread']) {
      await replica.rows(`${words.stop} ${thread}`)
      await stopped(replica)
      await replica.rows(words.start)
      t.strictSame((await replica.becomes('REPLICA', HEALTHY)).blockers, [])
    }
  })

  await t.test('a replica that somebody makes writable is read-only again, and its clients are ended', async (t) => {
    await replica.rows(words.writable)
    await replica.waitFor('it is read-only again', async () => Number(await replica.value('select @@global.read_only')) === 1, DEADLINE_MS)
    if (server.name === 'mysql') t.equal(Number(await replica.value('select @@global.super_read_only')), 1)
    await replica.untilLog('what it did', ({ msg }) => /a replica was writable/.test(msg ?? ''))
    t.strictSame((await replica.becomes('REPLICA', HEALTHY)).blockers, [])
    await replicates(replica, primary, 4)
  })

  await t.test('a transaction of its own takes it out of service and stops its replication', async (t) => {
    await replica.killDaemon('SIGTERM')
    await replica.rows(`${words.writable}; insert into commerce.t values (1000)`)
    await replica.startDaemon()
    const seen = await replica.waitFor('it is blocked by errant transactions and does not replicate', async () => {
      const { type, blockers, replication } = await replica.snapshot()
      const errant = blockers.find(({ name }) => name === 'errant-transactions')
      return type === 'SPARE' && errant !== undefined && replication?.io === 'stopped' && replication.sql === 'stopped' && errant
    }, DEADLINE_MS)
    t.equal(seen.code, 'ERRANT_TRANSACTIONS')
    t.match(seen.message, /never had: \S+/)
    t.equal(Number(await replica.value('select @@global.read_only')), 1, 'and read-only')
    await endMysqld(replica)
    await replica.waitFor('it is still blocked after a restart', async () => {
      const { mysqld, blockers, replication } = await replica.freshSnapshot()
      return mysqld.answers && blockers.some(({ name }) => name === 'errant-transactions') && replication?.io === 'stopped'
    }, DEADLINE_MS)
  })

  await t.test('a primary does not notice', async (t) => {
    await primary.becomes('PRIMARY', HEALTHY)
    t.strictSame(Object.keys(await tableChecksums((sql) => primary.rows(sql))), ['commerce.t'])
    t.equal(Number(await primary.value('select count(*) from commerce.t where id = 1000')), 0)
  })
})

async function stopped(tablet: TestTablet): Promise<void> {
  await tablet.waitFor('it says that an operator stopped replication', async () => {
    const { type, mysqld, blockers } = await tablet.freshSnapshot()
    const names = blockers.map(({ name }) => name)
    if (type === 'SPARE' && mysqld.answers && names.includes('replication-stopped-by-operator')) return true
    throw new Error(`it is ${type}, blocked by ${names.join(', ')}`)
  }, DEADLINE_MS)
}

async function replicates(replica: TestTablet, primary: TestTablet, id: number): Promise<void> {
  await primary.rows(`insert into commerce.t values (${id})`)
  await replica.waitFor(`row ${id} arrives at ${replica.alias}`,
    async () => Number(await replica.value(`select count(*) from commerce.t where id = ${id}`)) === 1, DEADLINE_MS)
}

leavesNothingBehind(t)
