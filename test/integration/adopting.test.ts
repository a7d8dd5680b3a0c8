/** Adopting a running shard (design.md section 4): daemons come, and the servers notice nothing. */
import t from 'tap'
import type { Test } from 'tap'
import type mysql from 'mysql2/promise'
import { startReplicaOf, startWithAccounts, stateOf, tabletBeside } from '../support/adopt.ts'
import { untilSameTables } from '../support/checksum.ts'
import { leavesNothingBehind } from '../support/leftovers.ts'
import { forEachServer } from '../support/servers.ts'
import { startShard } from '../support/shard.ts'
import type { TestShard } from '../support/shard.ts'
import type { TestTablet } from '../support/tablet.ts'
import type { ThrowawayMysqld } from '../support/throwaway-mysqld.ts'
import { waitFor } from '../support/wait-for.ts'

interface Adopted {
  readonly servers: readonly ThrowawayMysqld[]
  readonly tablets: readonly TestTablet[]
  readonly clients: readonly Client[]
  readonly shard: TestShard
}

forEachServer(t, 'daemons beside running servers change nothing until a primary is named, and break no client', async (t, server) => {
  await using opened = new AsyncDisposableStack()
  const shard = opened.use(await startShard({ server, tablets: 0 }))
  const writable = opened.use(await startWithAccounts(server))
  await writable.run('create database shop; create table shop.t (id int auto_increment primary key, at timestamp default now()); insert into shop.t () values ()')
  const replicas = await Promise.all([startReplicaOf(writable), startReplicaOf(writable)])
  for (const replica of replicas) opened.use(replica)
  const servers = [writable, ...replicas]
  await waitFor('both replicate', async () => {
    const counts = await Promise.all(replicas.map(async (replica) => (await replica.rows('select count(*) as n from shop.t'))[0]?.['n']))
    return counts.every((count) => count === 1)
  }, { deadlineMs: 60_000 })
  const clients = await Promise.all([
    client(writable, 'insert into shop.t () values ()'), ...replicas.map((replica) => client(replica, 'select count(*) from shop.t')),
  ])
  for (const each of clients) opened.defer(() => each.end())
  const tablets = await Promise.all(servers.map((mysqld, index) => tabletBeside(mysqld, shard, 100 + index)))
  for (const tablet of tablets) opened.use(tablet)
  const adopted = { servers, tablets, clients, shard }

  await t.test('a replica is not named while what it replicates from has no daemon', (t) => comeOneByOne(t, adopted))
  await t.test('nothing changes, and nobody serves', (t) => comeAndLook(t, adopted))
  await t.test('a read-only one is not named while another writes', async (t) => {
    const refused = await shard.tabletctl('init-shard-primary', shard.name, tablets[1]?.alias ?? '')
    t.equal(refused.code, 65)
    t.match(refused.stderr, /OTHER_TABLET_WRITABLE/)
    t.match(refused.stderr, /zone1-0000000100 is writable/, 'and the writable one is named')
  })
  await t.test('the writable one is recorded and all become healthy', (t) => nameThePrimary(t, adopted))
  await t.test('restarting a daemon, even by a kill, leaves its server alone', (t) => restartDaemons(t, adopted))
  await t.test('no client saw an error', async (t) => {
    for (const [index, each] of clients.entries()) {
      t.same(each.errors, [], `client of server ${index}`)
      t.ok(each.done > 10, 'which was at work')
      await each.end()
    }
    for (const replica of replicas) t.ok((await untilSameTables((sql) => writable.rows(sql), (sql) => replica.rows(sql)))['shop.t'])
  })
})

async function comeOneByOne(t: Test, { tablets: [, replica], shard }: Adopted): Promise<void> {
  await replica?.startDaemon()
  await replica?.blockedBy('no-shard-primary')
  const refused = await shard.tabletctl('init-shard-primary', shard.name, replica?.alias ?? '')
  t.match(refused, { code: 69, stderr: /replicates from 127\.0\.0\.1:\d+, which is no tablet of this shard.*TABLETS_UNREACHABLE/ })
  await replica?.killDaemon('SIGTERM')
}

async function comeAndLook(t: Test, { servers, tablets, clients }: Adopted): Promise<void> {
  const before = await Promise.all(servers.map(stateOf))
  await Promise.all(tablets.map((tablet) => tablet.startDaemon()))
  for (const tablet of tablets) {
    const seen = await tablet.blockedBy('no-shard-primary')
    t.equal(seen.type, 'SPARE')
    t.match(seen.data, { origin: 'found', hasUserData: true })
    t.equal((await tablet.http('GET', '/readyz')).status, 503)
  }
  const done = clients.map((each) => each.done)
  await Promise.all(tablets.map((tablet) => tablet.freshSnapshot()))   // one more whole turn each
  await waitFor('every client goes on', () => clients.every((each, index) => each.done > (done[index] ?? 0)))
  for (const [index, mysqld] of servers.entries()) t.strictSame(await stateOf(mysqld), before[index], `server ${index} is as it was found`)
}

async function nameThePrimary(t: Test, { servers, tablets, shard }: Adopted): Promise<void> {
  const before = await Promise.all(servers.map(stateOf))
  const executed = await Promise.all(tablets.map(async (tablet) => (await tablet.freshSnapshot()).position ?? ''))
  const [primary, ...replicas] = tablets
  if (primary === undefined) throw new TypeError('no tablet')
  await shard.mustTabletctl('init-shard-primary', shard.name, primary.alias)
  await primary.becomes('PRIMARY', { healthy: true })
  for (const replica of replicas) await replica.becomes('REPLICA', { healthy: true })
  for (const [index, mysqld] of servers.entries()) {
    const after = await stateOf(mysqld)
    t.strictSame({ ...after, variables: {} }, { ...before[index], variables: {} }, `server ${index} keeps channel, logs, accounts and pid`)
    t.strictSame(changed(before[index], after), index === 0 || mysqld.server.name === 'mariadb' ? [] : ['super_read_only'], 'and its settings')
    t.ok(await holds(mysqld, executed[index] ?? ''), 'no transaction was forgotten')
  }
}

async function restartDaemons(t: Test, { servers, tablets }: Adopted): Promise<void> {
  const [primary, replica] = tablets
  if (primary === undefined || replica === undefined) throw new TypeError('no tablet')
  const pids = servers.map((mysqld) => mysqld.pid)
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    await Promise.all([primary.killDaemon(signal), replica.killDaemon(signal)])
    await Promise.all([primary.startDaemon(), replica.startDaemon()])
    await primary.becomes('PRIMARY', { healthy: true })
    await replica.becomes('REPLICA', { healthy: true })
    t.strictSame([(await primary.snapshot()).mysqld.pid, (await replica.snapshot()).mysqld.pid], pids.slice(0, 2), `the same servers after ${signal}`)
  }
}

function changed(before: Readonly<Record<string, unknown>> | undefined, after: Readonly<Record<string, unknown>>): readonly string[] {
  const [old, now] = [before?.['variables'], after['variables']] as Record<string, unknown>[]
  return Object.keys({ ...old, ...now }).filter((name) => old?.[name] !== now?.[name])
}

/** Whether the server still holds all of `position`, whatever it has written since. */
async function holds(mysqld: ThrowawayMysqld, position: string): Promise<boolean> {
  const gtids = position.slice(position.indexOf('/') + 1)
  const [row] = await mysqld.rows(mysqld.server.name === 'mysql'
    ? 'select gtid_subset(?, @@global.gtid_executed) as held'
    : 'select cast(substring_index(?, "-", -1) as unsigned) <= cast(substring_index(@@global.gtid_binlog_pos, "-", -1) as unsigned) as held', [gtids])
  return gtids !== '' && row?.['held'] === 1
}

interface Client {
  readonly done: number
  readonly errors: readonly string[]
  end(): Promise<void>
}

/** One connection that repeats one statement: a connection that is ended counts as an error, as it does for its application. */
async function client(mysqld: ThrowawayMysqld, sql: string): Promise<Client> {
  // an application's account: root may do what read-only servers forbid others
  await mysqld.run("set sql_log_bin=0; create user if not exists 'app'@'localhost' identified by 'app'; grant all on shop.* to 'app'@'localhost'")
  const connection: mysql.Connection = await mysqld.connect({ user: 'app', password: 'app' })
  const errors: string[] = []
  let [done, ending] = [0, false]
  connection.on('error', (error: Error) => { if (!ending) errors.push(error.message) })
  const loop = (async () => {
    while (!ending && errors.length === 0) {
      await connection.query(sql).then(() => { done++ }, (error: unknown) => { errors.push(String(error)) })
      await new Promise((resolve) => { setTimeout(resolve, 5) })
    }
  })()
  return {
    get done() { return done },
    errors,
    end: async () => {
      ending = true
      await loop
      connection.destroy()
    },
  }
}

leavesNothingBehind(t)
