/** Heartbeats on real servers: what a primary writes, what a read-only server never does, what a replica reads. */
import t from 'tap'
import { silentLogger } from '../../src/base/logger.ts'
import { openHeartbeats, type Heartbeats } from '../../src/mysqld/heartbeats.ts'
import type { Mysqld } from '../../src/mysqld/mysqld.ts'
import { openMysqld } from '../../src/mysqld/sql-mysqld.ts'
import { leavesNothingBehind } from '../support/leftovers.ts'
import { forEachServer } from '../support/servers.ts'
import { startMysqld, type ThrowawayMysqld } from '../support/throwaway-mysqld.ts'
import { waitFor } from '../support/wait-for.ts'

const ctx = { signal: new AbortController().signal, log: silentLogger() }
const SHARD = 'commerce/0'
const BEAT = { shard: SHARD, tablet: 'zone1-0000000101', term: 3 }
const account = (mysqld: ThrowawayMysqld): { socket: () => string, user: string, password: string } =>
  ({ socket: () => mysqld.socket, user: 'root', password: '' })
const beatsOf = (mysqld: ThrowawayMysqld): Heartbeats => openHeartbeats(account(mysqld))
const localOf = (mysqld: ThrowawayMysqld): Mysqld => openMysqld(account(mysqld))

forEachServer(t, 'a writable server takes heartbeats, in one row a shard', async (t, server) => {
  await using mysqld = await startMysqld({ server, cnf: ['binlog-format=STATEMENT'] })
  await using beats = beatsOf(mysqld)
  await using local = localOf(mysqld)
  t.equal((await beats.read(SHARD, ctx)).beat, undefined, 'before the first there is none')
  for (const term of [3, 3, 4]) t.equal(await beats.write({ ...BEAT, term }, ctx), true)
  await beats.write({ ...BEAT, shard: 'it\'s/-80', tablet: 'zone2-0000000001' }, ctx)
  const { beat } = await beats.read(SHARD, ctx)
  t.match(beat, { tablet: BEAT.tablet, term: 4 })
  t.ok(beat !== undefined && beat.ageSeconds >= 0 && beat.ageSeconds < 30, `it is ${beat?.ageSeconds} s old`)
  t.equal((await beats.read('commerce/1', ctx)).beat, undefined, 'another shard has none')
  t.equal((await beats.read(undefined, ctx)).beat, undefined, 'and none is read when none is wanted')
  t.match(await mysqld.rows('SELECT COUNT(*) AS n FROM _tabletd.heartbeat'), [{ n: 2 }])
  const facts = await local.observe(ctx)
  t.same(facts.userSchemas, [], 'their schema is no schema of users')
  t.notOk(facts.executed.isEmpty(), 'they are in the binary log')
})

forEachServer(t, 'a read-only server is never written to: not the table, not a row, not a GTID', async (t, server) => {
  await using mysqld = await startMysqld({ server })
  await using beats = beatsOf(mysqld)
  await using local = localOf(mysqld)
  const modes = ['SET GLOBAL read_only = ON', ...server.name === 'mysql' ? ['SET GLOBAL super_read_only = ON'] : []]
  for (const table of ['without the table', 'with the table']) {
    if (table === 'with the table') await beats.write(BEAT, ctx)
    const before = await local.executedGtids(ctx)
    for (const mode of modes) {
      await mysqld.run(mode)
      t.equal(await beats.write({ ...BEAT, term: 9 }, ctx), false, `${table}: ${mode}`)
    }
    t.equal((await local.executedGtids(ctx)).toString(), before.toString(), table)
    t.not((await beats.read(SHARD, ctx)).beat?.term, 9, table)
    await mysqld.run('SET GLOBAL read_only = OFF')
  }
})

forEachServer(t, 'a server turned read-only in the middle of heartbeats has none after that', async (t, server) => {
  await using mysqld = await startMysqld({ server })
  await using beats = beatsOf(mysqld)
  await using local = localOf(mysqld)
  const stop = new AbortController()
  const writing = (async () => {
    for (let count = 0; ; count++) if (stop.signal.aborted || !await beats.write(BEAT, ctx)) return count
  })()
  await waitFor('heartbeats are written', async () => (await beats.read(SHARD, ctx)).beat !== undefined)
  await local.setReadOnly('on', ctx)
  const first = await local.executedGtids(ctx)
  t.ok(await writing > 0, 'the writer met a read-only server')
  t.equal((await local.executedGtids(ctx)).toString(), first.toString())
  stop.abort()
})

forEachServer(t, 'a write that waits for a lock ends with its signal, and nothing is written afterwards', async (t, server) => {
  await using mysqld = await startMysqld({ server })
  await using beats = beatsOf(mysqld)
  await beats.write(BEAT, ctx)
  const holder = await mysqld.connect()
  await holder.query('FLUSH TABLES WITH READ LOCK')
  const stop = new AbortController()
  const write = beats.write({ ...BEAT, term: 9 }, { ...ctx, signal: stop.signal })
  write.catch(() => undefined)
  await waitFor('the write waits', async () => (await mysqld.rows('SHOW PROCESSLIST')).some(({ Info, State }) =>
    String(Info).includes('heartbeat') && /waiting/i.test(String(State))))
  stop.abort(new Error('enough'))
  await t.rejects(write, /enough/)
  await holder.query('UNLOCK TABLES')
  holder.destroy()
  t.equal((await beats.read(SHARD, ctx)).beat?.term, BEAT.term)
})

forEachServer(t, 'the age of the transaction that a replica has in hand is known', async (t, server) => {
  await using source = await startMysqld({ server })
  await using replica = await startMysqld({ server })
  await using local = localOf(replica)
  await using beats = beatsOf(replica)
  await source.run('CREATE DATABASE app; CREATE TABLE app.t (id INT PRIMARY KEY); '
    + 'CREATE USER repl@\'%\' IDENTIFIED BY \'x\'; GRANT REPLICATION SLAVE ON *.* TO repl@\'%\'')
  await local.setReplicationSource({
    address: { host: '127.0.0.1', port: source.port }, user: 'repl', password: 'x', connectRetrySeconds: 1, ssl: 'preferred',
  }, ctx)
  await local.startReplication(ctx)
  await waitFor('the table is there', async () => (await replica.rows('SHOW TABLES FROM app')).length === 1)
  await waitFor('nothing is in hand', async () => (await beats.read(undefined, ctx)).inHandSeconds === undefined)
  const holder = await replica.connect()
  await holder.query('LOCK TABLES app.t WRITE')
  await source.run('INSERT INTO app.t VALUES (1)')
  const seconds = await waitFor('it is more than a second old', async () => {
    const { inHandSeconds } = await beats.read(undefined, ctx)
    return inHandSeconds !== undefined && inHandSeconds > 1 ? inHandSeconds : undefined
  })
  t.ok(seconds < 60, `${seconds} s`)
  holder.destroy()
  await waitFor('nothing is in hand', async () => (await beats.read(undefined, ctx)).inHandSeconds === undefined)
}, { server: 'mysql', why: 'MariaDB keeps no commit times' })

leavesNothingBehind(t)
