/** The life of a shard (design.md section 4), and scenarios 1, 2 and 11 of Vitess's own backup tests. */
import t from 'tap'
import type { Test } from 'tap'
import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Operation } from '../../src/model/operation.ts'
import type { TabletSnapshot } from '../../src/model/snapshot.ts'
import { endOf, eventsOf, listBackups, post } from '../support/backups.ts'
import { untilSameTables } from '../support/checksum.ts'
import { leavesNothingBehind } from '../support/leftovers.ts'
import { forEachServer } from '../support/servers.ts'
import { startShard } from '../support/shard.ts'
import type { TestShard } from '../support/shard.ts'
import type { TestTablet } from '../support/tablet.ts'

const rowsOf = (tablet: TestTablet) => (sql: string) => tablet.rows(sql)
const blockersOf = (seen: TabletSnapshot): readonly string[] => seen.blockers.map(({ name }) => name)

forEachServer(t, 'a shard lives from its first start to a tablet restored from its first backup', async (t, server) => {
  await using shard = await startShard({ server, tablets: 2, initialise: 'really' })
  await waitForPrimary(t, shard)
  await beginToServe(t, shard)
  const name = await takeFirstBackup(t, shard)
  await restoreNewTablets(t, shard, name)
  await removeTheBackup(t, shard, name)
})

async function waitForPrimary(t: Test, shard: TestShard): Promise<void> {
  for (const tablet of shard.tablets) {
    const seen = await tablet.blockedBy('no-shard-primary', 'replication-not-running')
    t.equal(seen.type, 'SPARE', `${tablet.alias} names why it does not serve`)
    t.equal(seen.mysqld.writable, false, 'it is read-only')
    t.equal(seen.data.origin, 'bootstrap', 'it made an empty database')
    const probe = await tablet.http('GET', '/readyz')
    t.equal(probe.status, 503, 'a load balancer leaves it alone')
    t.match(probe.text, 'replication is not running', 'and reads why')
  }
}

async function beginToServe(t: Test, shard: TestShard): Promise<void> {
  const [primary, replica] = [shard.tablet(0), shard.tablet(1)]
  await shard.initPrimary(primary)
  await primary.becomes('PRIMARY', { healthy: true })
  t.equal((await replica.snapshot()).type, 'SPARE', 'a replica of a primary without a schema does not serve')
  const waiting = await replica.waitFor('it lacks nothing but a database', async () => {
    const seen = await replica.snapshot()
    return blockersOf(seen).join() === 'no-database' ? seen : undefined
  })
  t.equal(waiting.replication?.io, 'running')

  await primary.rows('create database commerce; create table commerce.t (id int primary key, note varchar(20)); insert into commerce.t values (1, "one")')
  await replica.becomes('REPLICA', { healthy: true })
  t.equal((await replica.http('GET', '/replica?lag=30s')).status, 200, 'it serves as a replica')
  t.equal((await replica.http('GET', '/primary')).status, 503)
}

async function takeFirstBackup(t: Test, shard: TestShard): Promise<string> {
  const replica = shard.tablet(1)
  const key = { 'idempotency-key': 'first' }
  const asked = await post(replica, '/v1/backups', {}, key)
  t.equal(asked.status, 202, 'the request is answered at once')
  const { id } = asked.body as Operation
  const location = String(asked.headers['location'])
  t.equal(location, `/v1/operations/${id}`)

  t.match(await post(replica, '/v1/backups'), { status: 409, body: { code: 'OPERATION_RUNNING', details: { operation: id } } }, 'a second one is refused with the id of the first')
  t.match(await post(replica, '/v1/backups', {}, key), { status: 202, body: { id } }, 'under the same key it is the same backup')

  const events = await eventsOf(replica, location)
  const steps = events.filter(({ event }) => event === 'log').map(({ message }) => message)
  t.same(steps, ['before stop', 'stopping', 'copying', 'confirming sizes', 'writing MANIFEST', 'reading MANIFEST back', 'starting', 'attaching'], 'every step is told')
  t.match(events.at(-1), { event: 'end', operation: { id, state: 'succeeded' } })

  const ended = await endOf(replica, location)
  t.ok(ended.outOfServiceSeconds, 'and how long the tablet did not serve')
  await replica.becomes('REPLICA', { healthy: true })
  const backups = await listBackups(replica)
  t.match(backups, [{ name: ended.backup, status: 'complete', engine: 'builtin', tabletAlias: replica.alias }])
  t.equal(backups.length, 1)
  t.match(await post(replica, '/v1/backups', {}, key), { status: 202, body: { id } }, 'the key holds when it has ended')
  t.equal((await listBackups(replica)).length, 1)
  return ended.backup ?? ''
}

async function restoreNewTablets(t: Test, shard: TestShard, backup: string): Promise<void> {
  const primary = shard.tablet(0)
  await primary.rows('insert into commerce.t values (2, "after the backup")')
  const [replica, rdonly] = await Promise.all([
    shard.addTablet({ flags: ['--backup-engine-implementation=not-an-engine', '--wait-for-backup-interval=1s'] }),
    shard.addTablet({ flags: ['--init-tablet-type=rdonly'] }),
  ])
  const seen = await replica.becomes('REPLICA', { healthy: true, deadlineMs: 120_000 })
  t.match(seen.data, { origin: 'restore', restoredFrom: backup }, 'the engine for new backups has no part in a restore')
  t.match((await rdonly.becomes('RDONLY', { healthy: true, deadlineMs: 120_000 })).data, { origin: 'restore', restoredFrom: backup }, 'an rdonly tablet restores too')
  t.equal((await rdonly.http('GET', '/rdonly')).status, 200)
  t.equal((await rdonly.http('GET', '/replica')).status, 503, 'and is no replica')
  for (const tablet of [shard.tablet(1), replica, rdonly]) {
    t.ok((await untilSameTables(rowsOf(primary), rowsOf(tablet)))['commerce.t'], `${tablet.alias} holds the primary's rows`)
    t.equal(await tablet.value('select count(*) from commerce.t'), 2)
    t.equal(await tablet.value('select @@global.read_only'), 1)
  }
  t.match(await post(replica, '/v1/backups'), { status: 400, body: { detail: /not-an-engine/ } }, 'only its own backups are refused')
}

async function removeTheBackup(t: Test, shard: TestShard, name: string): Promise<void> {
  t.match(JSON.parse(await shard.mustTabletctl('list-backups', '--json', shard.name)), { backups: [{ name, status: 'complete' }] })
  for (const folder of [shard.place.storage, ...shard.tablets.map(({ dataDir }) => dataDir)]) {
    t.same(await openToTheWorld(folder), [], `nothing below ${folder.slice(shard.place.dir.length)} is open to the world`)
  }
  await shard.mustTabletctl('remove-backup', shard.name, name)
  t.same(JSON.parse(await shard.mustTabletctl('list-backups', '--json', shard.name)), { backups: [] })
  t.same(await readdir(join(shard.place.storage, shard.place.keyspace, shard.place.shard)), [], 'nothing of it is left')
}

/** Certificates that MySQL makes for itself, for every client to read; their keys are not among them. */
const PUBLIC = ['ca.pem', 'client-cert.pem', 'server-cert.pem', 'public_key.pem']

/** Paths below `folder` that others than owner and group may read, write or enter. */
async function openToTheWorld(folder: string): Promise<readonly string[]> {
  const names = (await readdir(folder, { recursive: true })).filter((name) => !PUBLIC.includes(name))
  const open = await Promise.all(names.map(async (name) => {
    const info = await lstat(join(folder, name)).catch(() => undefined)   // a running server removes files
    return info !== undefined && (info.isFile() || info.isDirectory()) && (info.mode & 0o007) !== 0 ? [`${name} ${info.mode.toString(8)}`] : []
  }))
  return open.flat()
}

leavesNothingBehind(t)
