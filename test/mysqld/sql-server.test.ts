/** Reading and switching a single server: facts, read-only, clients, positions. */
import t from 'tap'
import { silentLogger } from '../../src/base/logger.ts'
import { emptyGtidSet, parseGtidSet } from '../../src/model/position.ts'
import type { Mysqld } from '../../src/mysqld/mysqld.ts'
import { openMysqld } from '../../src/mysqld/sql-mysqld.ts'
import { isUserSchema } from '../../src/mysqld/sql-observe.ts'
import { clientsAmong } from '../../src/mysqld/sql-server.ts'
import { forEachServer } from '../support/servers.ts'
import { startMysqld, type ThrowawayMysqld } from '../support/throwaway-mysqld.ts'
import { waitFor } from '../support/wait-for.ts'

const ctx = { signal: new AbortController().signal, log: silentLogger() }
const UUID = '10f1d25e-e54f-11f1-983e-02fc00000001'
const localOf = (mysqld: ThrowawayMysqld): Mysqld => openMysqld({ socket: () => mysqld.socket, user: 'root', password: '' })

const hidden = ['mysql', 'sys', 'performance_schema', 'information_schema', '_tabletd', '#mysql50#lost+found', '#mysql50#.before-restore-1', 'SYS']
for (const [name, wanted] of [...hidden.map((one) => [one, false] as const), ['app', true] as const, ['#mysql50#a-b', true] as const]) {
  t.test(`${name} is ${wanted ? '' : 'not '}a schema of users`, (t) => {
    t.equal(isUserSchema(name), wanted)
    t.end()
  })
}

t.test('clients are told from us, from the server\'s threads and from replicas', (t) => {
  const rows = [
    ['1', 'event_scheduler', 'Daemon'], ['2', 'system user', 'Connect'], ['3', 'repl', 'Binlog Dump GTID'], ['4', 'repl', 'Binlog Dump'],
    ['5', 'app', 'Sleep'], ['6', 'dba', 'Query'], ['7', 'dba', 'Sleep'], ['8', 'app', 'Query'], ['9', 'system user', 'Slave_SQL'],
  ].map(([Id, User, Command]) => ({ Id: Id ?? '', User: User ?? '', Command: Command ?? '' }))
  t.same(clientsAmong(rows, ['6']), ['5', '7', '8'], 'somebody else with our account is a client')
  t.end()
})

forEachServer(t, 'the facts of a fresh server are complete', async (t, server) => {
  await using mysqld = await startMysqld({ server })
  await using local = localOf(mysqld)
  const facts = await local.observe(ctx)
  t.match(facts, {
    identity: { flavor: server.name, serverId: mysqld.serverId, pid: mysqld.pid, paths: { dataDir: mysqld.dataDir, socket: mysqld.socket, binlogBase: `${mysqld.dataDir}/binlog` } },
    readOnly: false, superReadOnly: false, offlineMode: false, historyWhole: true, userSchemas: [], gtidProblems: [],
  })
  t.equal(facts.replication, undefined)
  t.equal(facts.executed.isEmpty(), true)
  t.match(facts.identity.versionText, server.version)
  t.equal(facts.identity.serverUuid.length, server.name === 'mysql' ? 36 : 0)
  t.equal(facts.binlogState, server.name === 'mysql' ? undefined : '')
  t.ok((await local.accounts(ctx)).includes('root@localhost'))
  await mysqld.run('CREATE DATABASE app; CREATE DATABASE _tabletd')
  t.same((await local.observe(ctx)).userSchemas, ['app'])
  t.ok((await local.observe(ctx)).executed.contains(await local.executedGtids(ctx)))
})

forEachServer(t, 'a server without GTIDs is named as such', async (t, server) => {
  const cnf = server.name === 'mysql' ? ['gtid-mode=OFF', 'enforce-gtid-consistency=OFF'] : ['gtid-strict-mode=OFF', 'log-slave-updates=OFF']
  await using mysqld = await startMysqld({ server, cnf })
  await using local = localOf(mysqld)
  t.same((await local.observe(ctx)).gtidProblems, server.name === 'mysql'
    ? ['gtid_mode is OFF, not ON', 'enforce_gtid_consistency is OFF, not ON'] : ['gtid_strict_mode is OFF, not ON', 'log_slave_updates is OFF, not ON'])
})

forEachServer(t, 'read-only binds clients, and can be turned on and off again and again', async (t, server) => {
  await using mysqld = await startMysqld({ server })
  await using local = localOf(mysqld)
  await mysqld.run('CREATE DATABASE app; CREATE TABLE app.t (i INT PRIMARY KEY); CREATE USER app@localhost; GRANT INSERT, DELETE ON app.* TO app@localhost')
  const app = await mysqld.connect({ user: 'app' })
  for (const mode of ['on', 'on', 'off', 'off'] as const) {
    await local.setReadOnly(mode, ctx)
    t.match(await local.observe(ctx), { readOnly: mode === 'on', superReadOnly: mode === 'on' })
    const insert = app.query('REPLACE INTO app.t VALUES (1)')
    if (mode === 'on') await t.rejects(insert, { code: 'ER_OPTION_PREVENTS_STATEMENT' })
    else await t.resolves(insert)
  }
  app.destroy()
})

forEachServer(t, 'ending client connections leaves us and takes open transactions with it', async (t, server) => {
  await using mysqld = await startMysqld({ server })
  await using local = localOf(mysqld)
  await mysqld.run('CREATE DATABASE app; CREATE TABLE app.t (i INT PRIMARY KEY)')
  const clients = await Promise.all([mysqld.connect(), mysqld.connect()])
  for (const client of clients) client.on('error', () => undefined)
  await clients[0]?.query('BEGIN')
  await clients[0]?.query('INSERT INTO app.t VALUES (7)')
  const sleeping = clients[1]?.query('SELECT SLEEP(50)')
  sleeping?.catch(() => undefined)
  await local.endClientConnections(ctx)
  await t.rejects(clients[0]?.query('COMMIT') ?? Promise.resolve())
  await t.rejects(sleeping ?? Promise.resolve())
  t.same(await mysqld.rows('SELECT * FROM app.t'), [])
  t.ok(await local.identity(ctx), 'we are still there')
  await local.endClientConnections(ctx)
})

forEachServer(t, 'offline mode closes MySQL to clients and not to us; MariaDB has none and says so', async (t, server) => {
  await using mysqld = await startMysqld({ server })
  await using local = localOf(mysqld)
  await mysqld.run('CREATE USER app@localhost')
  const has = server.name === 'mysql'
  t.equal(await local.setOfflineMode(true, ctx), has)
  t.equal((await local.observe(ctx)).offlineMode, has)
  if (has) await t.rejects(mysqld.connect({ user: 'app' }), { code: 'ER_SERVER_OFFLINE_MODE' })
  t.equal(await local.setOfflineMode(false, ctx), has)
  await (await mysqld.connect({ user: 'app' })).end()
})

forEachServer(t, 'the history is whole until a log is purged, and again after a reset', async (t, server) => {
  await using mysqld = await startMysqld({ server })
  await using local = localOf(mysqld)
  t.equal(await local.historyIsWhole(ctx), true)
  await mysqld.run('CREATE DATABASE app; FLUSH BINARY LOGS; CREATE DATABASE app2; FLUSH BINARY LOGS')
  t.equal(await local.historyIsWhole(ctx), true, 'three logs, none lost')
  await mysqld.run('CREATE TABLE app.t (i INT AUTO_INCREMENT PRIMARY KEY)')
  await waitFor('a log is purged, which MariaDB does when InnoDB has no more use for it', async () => {
    await mysqld.run('INSERT INTO app.t VALUES (); FLUSH BINARY LOGS')
    const last = (await mysqld.rows('SHOW BINARY LOGS')).at(-1)
    await mysqld.run(`PURGE BINARY LOGS TO '${String(last?.['Log_name'])}'`)
    return !await local.historyIsWhole(ctx)
  })
  t.equal((await local.observe(ctx)).historyWhole, false)
  t.equal((await local.purgedGtids(ctx)).isEmpty(), server.name === 'mariadb')
  await mysqld.run('DROP DATABASE app; DROP DATABASE app2')
  await local.setPosition(emptyGtidSet(server.name), {}, ctx)
  t.equal(await local.historyIsWhole(ctx), true)
  t.equal((await local.executedGtids(ctx)).isEmpty(), true)
})

forEachServer(t, 'a position that was set stands, twice, over restarts, and is no whole history', async (t, server) => {
  await using mysqld = await startMysqld({ server })
  await using local = localOf(mysqld)
  await mysqld.run('CREATE DATABASE restored')
  const executed = parseGtidSet(server.name, server.name === 'mysql' ? `${UUID}:1-8` : '0-1-8,5-1-3')
  const options = server.name === 'mysql' ? {} : { binlogState: '0-1-8,0-2-7' }
  await local.setPosition(executed, options, ctx)
  await local.setPosition(executed, options, ctx)
  for (const again of [false, true]) {
    if (again) { await mysqld.stop(); await mysqld.start() }
    const facts = await local.observe(ctx)
    t.equal(facts.executed.toString(), executed.toString(), again ? 'after a restart' : 'at once')
    t.equal(facts.historyWhole, false)
    if (server.name === 'mariadb') {
      t.same(facts.binlogState?.split(',').sort(), ['0-1-8', '0-2-7', '5-1-3'])
      t.match(await mysqld.rows('SELECT @@gtid_slave_pos AS pos'), [{ pos: '0-1-8,5-1-3' }])
    } else {
      t.equal(facts.purged.toString(), executed.toString())
    }
  }
  await local.setPosition(parseGtidSet(server.name, ''), {}, ctx)
  t.equal((await local.executedGtids(ctx)).isEmpty(), true, 'an empty position is an empty history')
  const foreign = server.name === 'mysql' ? parseGtidSet('mariadb', '0-1-1') : parseGtidSet('mysql', `${UUID}:1`)
  await t.rejects(local.setPosition(foreign, {}, ctx), { code: 'BACKUP_INCOMPATIBLE' })
})

forEachServer(t, 'MariaDB without a binary log cannot hold a position, and says so', async (t, server) => {
  await using mysqld = await startMysqld({ server, cnf: ['skip-log-bin'] })
  await using local = localOf(mysqld)
  const error = { code: 'QUERY_FAILED', details: { errno: 1186 } }
  await t.rejects(local.setPosition(parseGtidSet('mariadb', '0-1-8'), {}, ctx), error)
  t.equal(await local.historyIsWhole(ctx), false)
}, { server: 'mariadb', why: 'MySQL keeps its GTIDs in a table' })

forEachServer(t, 'MySQL takes a position in an inert boot without a binary log', async (t, server) => {
  await using mysqld = await startMysqld({ server, cnf: ['skip-log-bin', 'super-read-only=ON'] })
  await using local = localOf(mysqld)
  const executed = parseGtidSet('mysql', `${UUID}:1-8`)
  await local.setPosition(executed, {}, ctx)
  await mysqld.stop()
  await mysqld.start()
  t.equal((await local.executedGtids(ctx)).toString(), executed.toString())
}, { server: 'mysql', why: 'MariaDB refuses (1186), which has a test of its own' })

forEachServer(t, 'innodb_fast_shutdown is read and set, and the server goes down when asked', async (t, server) => {
  await using mysqld = await startMysqld({ server })
  await using local = localOf(mysqld)
  t.equal(await local.fastShutdown(ctx), 1)
  await local.setFastShutdown(0, ctx)
  t.equal(await local.fastShutdown(ctx), 0)
  await local.setFastShutdown(2, ctx)
  await local.requestShutdown(ctx)
  t.equal(await mysqld.stop(), 0)
  await t.rejects(local.requestShutdown(ctx), { code: 'MYSQLD_UNREACHABLE' })
})

forEachServer(t, 'accounts that write in spite of read_only are named, ours and the server\'s own are not', async (t, server) => {
  await using mysqld = await startMysqld({ server })
  await using local = localOf(mysqld)
  t.same((await local.observe(ctx)).writersDespiteReadOnly, [])
  await mysqld.run('CREATE USER etl@localhost; GRANT READ_ONLY ADMIN ON *.* TO etl@localhost')
  t.same((await local.observe(ctx)).writersDespiteReadOnly, ['\'etl\'@\'localhost\''])
}, { server: 'mariadb', why: 'super_read_only of MySQL binds everybody' })
