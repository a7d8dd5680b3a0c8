/** The channel between two real servers: set, started, broken, waited for, removed; semi-sync; positions; looks from afar. */
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { silentLogger } from '../../src/base/logger.ts'
import { TabletError } from '../../src/base/errors.ts'
import { parseGtidSet } from '../../src/model/position.ts'
import type { Mysqld, ReplicationSource } from '../../src/mysqld/mysqld.ts'
import { openRemoteMysqld } from '../../src/mysqld/remote-mysqld.ts'
import { openMysqld } from '../../src/mysqld/sql-mysqld.ts'
import { freePort } from '../support/free-port.ts'
import { forEachServer, type TestServer } from '../support/servers.ts'
import { startMysqld, type ThrowawayMysqld } from '../support/throwaway-mysqld.ts'
import { waitFor } from '../support/wait-for.ts'

const log = silentLogger()
const ctx = { signal: new AbortController().signal, log }
const PASSWORD = 'pa\'s\\s"w0rd'

const SEMI_SYNC = ['plugin-load-add=semisync_source.so', 'plugin-load-add=semisync_replica.so']
const cnfOf = (server: TestServer): readonly string[] => server.name === 'mysql' ? SEMI_SYNC : []

interface Pair extends AsyncDisposable {
  readonly source: ThrowawayMysqld
  readonly replica: ThrowawayMysqld
  readonly atSource: Mysqld
  readonly atReplica: Mysqld
  readonly channel: ReplicationSource
}

/** Two servers with nothing in common yet; the account of replication exists on the source and has no GTID. */
async function startPair(server: TestServer): Promise<Pair> {
  const stack = new AsyncDisposableStack()
  try {
    const [source, replica] = await Promise.all([1, 2].map(async () => stack.use(await startMysqld({ server, cnf: cnfOf(server) }))))
    if (source === undefined || replica === undefined) throw new Error('two servers were wanted')
    await source.run(`SET SESSION sql_log_bin = 0; CREATE USER repl@'%' IDENTIFIED BY 'pa\\'s\\\\s"w0rd'; GRANT REPLICATION SLAVE ON *.* TO repl@'%'`)
    const local = (mysqld: ThrowawayMysqld): Mysqld => stack.use(openMysqld({ socket: () => mysqld.socket, user: 'root', password: '' }))
    return {
      source, replica, atSource: local(source), atReplica: local(replica),
      channel: { address: { host: '127.0.0.1', port: source.port }, user: 'repl', password: PASSWORD, connectRetrySeconds: 1, ssl: 'preferred' },
      [Symbol.asyncDispose]: () => stack.disposeAsync(),
    }
  } catch (error) {
    await stack.disposeAsync()
    throw error
  }
}

const connected = (local: Mysqld): Promise<unknown> => waitFor('replication is connected', async () => (await local.replicationStatus(ctx))?.io === 'running')

forEachServer(t, 'a replica follows its source, over a restart, and forgets it when told', async (t, server) => {
  await using pair = await startPair(server)
  const { source, replica, atSource, atReplica, channel } = pair
  t.equal(await atReplica.replicationStatus(ctx), undefined)
  await atReplica.setReplicationSource(channel, ctx)
  t.match(await atReplica.replicationStatus(ctx), { source: channel.address, user: 'repl', io: 'stopped', sql: 'stopped', autoPosition: true, ioErrorNumber: 0 })
  await atReplica.startReplication(ctx)
  await atReplica.startReplication(ctx)
  await connected(atReplica)
  await source.run('CREATE DATABASE app; CREATE TABLE app.t (i INT PRIMARY KEY); INSERT INTO app.t VALUES (1)')
  t.equal(await atReplica.waitForGtids(await atSource.executedGtids(ctx), 10, ctx), true)
  t.same(await replica.rows('SELECT i FROM app.t'), [{ i: 1 }])

  const facts = await waitFor('the lag that was is over', async () => {
    const seen = await atReplica.observe(ctx)
    return seen.replication?.secondsBehind === 0 && seen
  })
  t.match(facts.replication, { io: 'running', sql: 'running', secondsBehind: 0, ioError: '', sqlError: '' })
  t.ok(facts.executed.equals(await atSource.executedGtids(ctx)))
  t.equal(facts.replication?.sourceUuid, (await atSource.identity(ctx)).serverUuid)

  await atReplica.stopReplication(ctx)
  await atReplica.stopReplication(ctx)
  await source.run('INSERT INTO app.t VALUES (2)')
  t.equal(await atReplica.waitForGtids(await atSource.executedGtids(ctx), 1, ctx), false, 'a wait that ends without it is false')
  await atReplica.setReplicationSource(channel, ctx)
  await atReplica.startReplication(ctx)
  t.equal(await atReplica.waitForGtids(await atSource.executedGtids(ctx), 10, ctx), true)

  await replica.stop()
  await replica.start(['--skip-slave-start'])
  t.match(await atReplica.replicationStatus(ctx), { source: channel.address, io: 'stopped' })
  await atReplica.removeReplicationChannel(ctx)
  await atReplica.removeReplicationChannel(ctx)
  t.equal(await atReplica.replicationStatus(ctx), undefined)
  await t.rejects(atReplica.startReplication(ctx), { code: 'QUERY_FAILED' }, 'there is nothing to start')
  t.ok((await atReplica.executedGtids(ctx)).equals(await atSource.executedGtids(ctx)), 'its own binary log holds what it applied')
})

forEachServer(t, 'a channel that cannot connect says connecting with the reason, and an error of rows stops it with its own', async (t, server) => {
  await using pair = await startPair(server)
  const { source, replica, atSource, atReplica, channel } = pair
  await atReplica.setReplicationSource({ ...channel, address: { host: '127.0.0.1', port: await freePort() } }, ctx)
  await atReplica.startReplication(ctx)
  const refused = await waitFor('nobody there', async () => (await atReplica.observe(ctx)).replication?.ioErrorNumber)
  t.ok([2003, 2002].includes(refused), 'cannot connect')
  t.match(await atReplica.replicationStatus(ctx), { io: 'connecting', sql: 'running' })

  await atReplica.setReplicationSource({ ...channel, password: 'wrong-one' }, ctx)
  await atReplica.startReplication(ctx)
  const denied = await waitFor('the password is refused', async () => {
    const status = await atReplica.replicationStatus(ctx)
    return status?.ioErrorNumber === 1045 && status
  })
  t.match(denied, { io: 'connecting' })
  t.notMatch(denied.ioError, /wrong-one/)

  await atReplica.setReplicationSource(channel, ctx)
  await atReplica.startReplication(ctx)
  await source.run('CREATE DATABASE app; CREATE TABLE app.t (i INT PRIMARY KEY)')
  t.equal(await atReplica.waitForGtids(await atSource.executedGtids(ctx), 10, ctx), true)
  await replica.run('SET SESSION sql_log_bin = 0; INSERT INTO app.t VALUES (1)')
  await source.run('INSERT INTO app.t VALUES (1)')
  const broken = await waitFor('the applier stops', async () => {
    const status = await atReplica.replicationStatus(ctx)
    return status?.sql === 'stopped' && status
  })
  t.match(broken, { io: 'running', sqlErrorNumber: 1062, sqlError: /app/ })
  t.equal(broken.secondsBehind, undefined, 'unknown, never zero')
})

forEachServer(t, 'a channel whose relay logs are gone, is started all the same', async (t, server) => {
  await using pair = await startPair(server)
  const { source, replica, atSource, atReplica, channel } = pair
  await atReplica.setReplicationSource(channel, ctx)
  await atReplica.startReplication(ctx)
  await source.run('CREATE DATABASE app')
  t.equal(await atReplica.waitForGtids(await atSource.executedGtids(ctx), 10, ctx), true)
  const loseRelayLogs = async (): Promise<void> => {
    await replica.stop()
    for (const name of await readdir(replica.dataDir)) if (name.startsWith('relay')) await rm(join(replica.dataDir, name))
    await replica.start(['--skip-slave-start'])
  }
  await loseRelayLogs()
  t.match((await atReplica.observe(ctx)).replication, { source: channel.address, io: 'stopped' }, 'looking does not need them')
  await atReplica.startReplication(ctx)
  await source.run('CREATE DATABASE app2')
  t.equal(await atReplica.waitForGtids(await atSource.executedGtids(ctx), 10, ctx), true)
  await loseRelayLogs()
  await atReplica.removeReplicationChannel(ctx)
  t.equal(await atReplica.replicationStatus(ctx), undefined, 'and it is forgotten all the same')
})

forEachServer(t, 'an aborted wait for transactions ends at once, here and on the server', async (t, server) => {
  await using mysqld = await startMysqld({ server })
  await using local = openMysqld({ socket: () => mysqld.socket, user: 'root', password: '' })
  const far = parseGtidSet(server.name, server.name === 'mysql' ? '10f1d25e-e54f-11f1-983e-02fc00000001:1' : '0-1-1')
  const waits = async (): Promise<number> => (await mysqld.rows('SHOW PROCESSLIST')).filter((row) => /GTID.*WAIT|WAIT.*GTID/.test(String(row['Info']))).length
  const stop = new AbortController()
  const waiting = local.waitForGtids(far, 60, { signal: stop.signal, log })
  waiting.catch(() => undefined)
  await waitFor('it waits', async () => await waits() === 1)
  t.ok(await local.observe(ctx), 'others need not wait for it')
  const reason = new TabletError('OPERATION_CANCELLED', 'enough')
  stop.abort(reason)
  await t.rejects(waiting, reason)
  t.equal(await waits(), 0)
  await t.rejects(local.waitForGtids(far, 0, ctx), { code: 'INTERNAL' }, 'for MySQL 0 would be for ever')
})

forEachServer(t, 'semi-sync is turned on and off on both sides, and a running receiver takes it up', async (t, server) => {
  await using pair = await startPair(server)
  const { atSource, atReplica, channel } = pair
  await atReplica.setReplicationSource(channel, ctx)
  await atReplica.startReplication(ctx)
  await connected(atReplica)
  t.match((await atReplica.observe(ctx)).semiSync, { sourceEnabled: false, replicaEnabled: false, replicaActive: false })
  await atSource.setSemiSync('source', true, ctx)
  await atReplica.setSemiSync('replica', true, ctx)
  await waitFor('the source counts it', async () => (await atSource.observe(ctx)).semiSync.acknowledgingReplicas === 1)
  t.match((await atReplica.observe(ctx)).semiSync, { replicaEnabled: true, replicaActive: true })
  t.match((await atSource.observe(ctx)).semiSync, { sourceEnabled: true, waitingCommits: 0 })
  await atReplica.setSemiSync('replica', false, ctx)
  await waitFor('the source counts none', async () => (await atSource.observe(ctx)).semiSync.acknowledgingReplicas === 0)
  await atSource.setSemiSync('source', false, ctx)
  t.equal((await atSource.observe(ctx)).semiSync.sourceEnabled, false)
})

forEachServer(t, 'a server without the semi-sync plugins says so', async (t, server) => {
  await using mysqld = await startMysqld({ server })
  await using local = openMysqld({ socket: () => mysqld.socket, user: 'root', password: '' })
  t.match((await local.observe(ctx)).semiSync, { sourceEnabled: undefined, replicaEnabled: undefined, acknowledgingReplicas: 0 })
  await t.rejects(local.setSemiSync('replica', true, ctx), { code: 'SEMI_SYNC_UNAVAILABLE' })
  await local.setSemiSync('replica', false, ctx)
}, { server: 'mysql', why: 'MariaDB has semi-sync built in' })

forEachServer(t, 'a demoted MariaDB primary takes its own writes into its position and follows the new one', async (t, server) => {
  await using pair = await startPair(server)
  const { source, replica, atSource, atReplica, channel } = pair
  await atReplica.setReplicationSource(channel, ctx)
  await atReplica.startReplication(ctx)
  await source.run('CREATE DATABASE app; CREATE TABLE app.t (i INT PRIMARY KEY); INSERT INTO app.t VALUES (1)')
  await atReplica.waitForGtids(await atSource.executedGtids(ctx), 10, ctx)
  await atSource.setReadOnly('on', ctx)
  await atSource.adoptPositionAsReplica(ctx)
  await atSource.adoptPositionAsReplica(ctx)
  await atReplica.removeReplicationChannel(ctx)
  await replica.run(`SET SESSION sql_log_bin = 0; CREATE USER repl@'%' IDENTIFIED BY 'pa\\'s\\\\s"w0rd'; GRANT REPLICATION SLAVE ON *.* TO repl@'%'`)
  await replica.run('INSERT INTO app.t VALUES (2)')
  await atSource.setReplicationSource({ ...channel, address: { host: '127.0.0.1', port: replica.port } }, ctx)
  await atSource.startReplication(ctx)
  t.equal(await atSource.waitForGtids(await atReplica.executedGtids(ctx), 10, ctx), true)
  t.same(await source.rows('SELECT i FROM app.t'), [{ i: 1 }, { i: 2 }])
}, { server: 'mariadb', why: 'MySQL has one set for what it wrote and what it applied' })

forEachServer(t, 'a source is looked at from afar with the account of replication', async (t, server) => {
  await using pair = await startPair(server)
  const { source, atSource, channel } = pair
  await using remote = openRemoteMysqld(channel.address, { user: 'repl', password: PASSWORD, ssl: 'preferred', queryTimeoutMs: 1500 })
  await source.run('CREATE DATABASE app')
  const seen = await remote.look(ctx)
  const self = await atSource.identity(ctx)
  t.match(seen, {
    flavor: server.name, serverId: self.serverId, serverUuid: self.serverUuid, readOnly: false, encrypted: server.name === 'mysql',
    // MariaDB shows its log's events only to BINLOG MONITOR
    historyWhole: server.name === 'mysql' ? true : undefined,
  })
  t.ok(seen.executed.equals(await atSource.executedGtids(ctx)))
  if (server.name === 'mariadb') {
    await source.run('SET SESSION sql_log_bin = 0; GRANT BINLOG MONITOR ON *.* TO repl@\'%\'')
    await using allowed = openRemoteMysqld(channel.address, { user: 'repl', password: PASSWORD, ssl: 'disabled' })
    t.match(await allowed.look(ctx), { historyWhole: true, binlogState: seen.binlogState })
  }
  await atSource.setReadOnly('on', ctx)
  t.equal((await remote.look(ctx)).readOnly, true)

  await using wrong = openRemoteMysqld(channel.address, { user: 'repl', password: 'x', ssl: 'disabled' })
  await t.rejects(wrong.look(ctx), { code: 'MYSQLD_ACCESS_DENIED' })
  await using nobody = openRemoteMysqld({ host: '127.0.0.1', port: await freePort() }, { user: 'repl', password: PASSWORD, ssl: 'required' })
  await t.rejects(nobody.look(ctx), { code: 'MYSQLD_UNREACHABLE' })
  if (server.name === 'mariadb') {
    await using secure = openRemoteMysqld(channel.address, { user: 'repl', password: PASSWORD, ssl: 'required' })
    await t.rejects(secure.look(ctx), { code: 'MYSQLD_UNREACHABLE' }, 'TLS that is required is not done without')
  }
  source.freeze()
  await t.rejects(remote.look(ctx), { code: 'QUERY_TIMEOUT' })
  source.thaw()
  t.equal((await waitFor('it answers again', () => remote.look(ctx))).serverId, self.serverId)
})
