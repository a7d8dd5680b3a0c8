/** Deadlines, cancelling and reconnecting, on real servers. */
import { rename } from 'node:fs/promises'
import t from 'tap'
import { silentLogger } from '../../src/base/logger.ts'
import { TabletError } from '../../src/base/errors.ts'
import { SessionPool } from '../../src/mysqld/session-pool.ts'
import { openMysqld } from '../../src/mysqld/sql-mysqld.ts'
import { forEachServer } from '../support/servers.ts'
import { startMysqld, type ThrowawayMysqld } from '../support/throwaway-mysqld.ts'
import { waitFor } from '../support/wait-for.ts'

const log = silentLogger()
const ctx = { signal: new AbortController().signal, log }

const poolOf = (mysqld: ThrowawayMysqld, user = 'root', password = ''): SessionPool => new SessionPool({
  target: () => ({ kind: 'socket', path: mysqld.socket }), credentials: { user, password }, unlogged: true,
})

const sleepers = async (mysqld: ThrowawayMysqld): Promise<number> =>
  (await mysqld.rows('SHOW PROCESSLIST')).filter((row) => String(row['Info']).startsWith('SELECT SLEEP')).length

forEachServer(t, 'an aborted statement is gone on the server before the caller hears of it', async (t, server) => {
  await using mysqld = await startMysqld({ server })
  await using pool = poolOf(mysqld)
  const stop = new AbortController()
  const running = pool.run({ doing: 'sleep', timeoutMs: 60_000 }, (session) => session.query('SELECT SLEEP(50)'), { signal: stop.signal, log })
  running.catch(() => undefined)
  await waitFor('the statement runs', async () => await sleepers(mysqld) === 1)
  const reason = new TabletError('OPERATION_CANCELLED', 'enough')
  stop.abort(reason)
  await t.rejects(running, reason)
  t.equal(await sleepers(mysqld), 0)
  t.same(pool.connectionIds, [], 'its connection is not used again')
  t.match(await pool.run({ doing: 'go on', timeoutMs: 5000 }, (session) => session.query('SELECT 1 AS one'), ctx), [{ one: '1' }])
})

forEachServer(t, 'a statement that takes too long is QUERY_TIMEOUT and gone on the server', async (t, server) => {
  await using mysqld = await startMysqld({ server })
  await using pool = poolOf(mysqld)
  await t.rejects(pool.run({ doing: 'sleep', timeoutMs: 300 }, (session) => session.query('SELECT SLEEP(50)'), ctx),
    { code: 'QUERY_TIMEOUT', message: 'cannot sleep: mysqld did not answer within 0.3 s' })
  t.equal(await sleepers(mysqld), 0)
})

forEachServer(t, 'only the aborted statement is killed, not one that runs beside it', async (t, server) => {
  await using mysqld = await startMysqld({ server })
  await using pool = poolOf(mysqld)
  const beside = pool.run({ doing: 'run beside', timeoutMs: 20_000 }, (session) => session.query('SELECT SLEEP(1.5) AS slept'), ctx)
  await t.rejects(pool.run({ doing: 'sleep', timeoutMs: 200 }, (session) => session.query('SELECT SLEEP(50)'), ctx), { code: 'QUERY_TIMEOUT' })
  t.match(await beside, [{ slept: '0' }], '0 is undisturbed, 1 interrupted')
})

forEachServer(t, 'a signal that aborted before touches nothing', async (t, server) => {
  await using mysqld = await startMysqld({ server, start: false })
  await using pool = poolOf(mysqld)
  const reason = new TabletError('STOPPING', 'we go')
  await t.rejects(pool.run({ doing: 'look', timeoutMs: 1000 }, (session) => session.query('SELECT 1'), { signal: AbortSignal.abort(reason), log }), reason)
})

forEachServer(t, 'a frozen server times out, also while connecting, and answers again when it goes on', async (t, server) => {
  await using mysqld = await startMysqld({ server })
  await using local = openMysqld({ socket: () => mysqld.socket, user: 'root', password: '', queryTimeoutMs: 1000 })
  t.equal((await local.identity(ctx)).flavor, server.name)
  mysqld.freeze()
  const began = Date.now()
  await t.rejects(local.observe(ctx), { code: 'QUERY_TIMEOUT' }, 'over the connection that was there')
  await t.rejects(local.observe(ctx), { code: 'QUERY_TIMEOUT' }, 'over a new one, which gets no greeting')
  t.ok(Date.now() - began < 5000, 'both within their deadlines and one try to cancel')
  mysqld.thaw()
  const facts = await waitFor('it answers again', () => local.observe(ctx))
  t.equal(facts.identity.pid, mysqld.pid)
})

forEachServer(t, 'a server that restarted is connected to again by the next call', async (t, server) => {
  await using mysqld = await startMysqld({ server })
  await using local = openMysqld({ socket: () => mysqld.socket, user: 'root', password: '' })
  const before = await local.identity(ctx)
  await mysqld.kill('SIGKILL')
  await t.rejects(local.observe(ctx), { code: 'MYSQLD_UNREACHABLE' })
  await mysqld.start()
  const after = await local.identity(ctx)
  t.not(after.pid, before.pid)
  t.equal(after.pid, mysqld.pid)
})

forEachServer(t, 'a connection that was reset under a statement is not used again', async (t, server) => {
  await using mysqld = await startMysqld({ server })
  await using pool = poolOf(mysqld)
  const look = (): Promise<unknown> => pool.run({ doing: 'look', timeoutMs: 20_000 }, (session) => session.query('SELECT 1 AS one'), ctx)
  await look()
  mysqld.freeze()
  const cut = t.rejects(look(), { code: 'MYSQLD_UNREACHABLE' })
  await mysqld.kill('SIGKILL')   // with the statement unread, so the system resets the connection
  await cut
  await mysqld.start()
  t.match(await look(), [{ one: '1' }])
})

forEachServer(t, 'the socket is asked for at every use', async (t, server) => {
  await using mysqld = await startMysqld({ server })
  let socket = mysqld.socket
  await using local = openMysqld({ socket: () => socket, user: 'root', password: '' })
  await local.identity(ctx)
  await rename(mysqld.socket, `${mysqld.socket}2`)
  socket = `${mysqld.socket}2`
  t.equal((await local.identity(ctx)).pid, mysqld.pid)
  socket = `${mysqld.socket}3`
  await t.rejects(local.identity(ctx), { code: 'MYSQLD_UNREACHABLE', message: /s3: / }, 'the connection to the old place is not used')
})

forEachServer(t, 'a wrong password is MYSQLD_ACCESS_DENIED, and said without the password', async (t, server) => {
  await using mysqld = await startMysqld({ server })
  await mysqld.run('CREATE USER dba@localhost IDENTIFIED BY \'right\'; GRANT ALL ON *.* TO dba@localhost')
  await using wrong = openMysqld({ socket: () => mysqld.socket, user: 'dba', password: 'wrong-one' })
  const error = await wrong.observe(ctx).then(() => undefined, (failed: unknown) => failed)
  t.match(error, { code: 'MYSQLD_ACCESS_DENIED', message: /cannot observe mysqld: .*dba/ })
  t.notMatch(JSON.stringify(error, Object.getOwnPropertyNames(error)), /wrong-one/)
  await using right = openMysqld({ socket: () => mysqld.socket, user: 'dba', password: 'right' })
  t.equal((await right.observe(ctx)).identity.pid, mysqld.pid)
})

forEachServer(t, 'numbers beyond what JavaScript counts arrive whole', async (t, server) => {
  await using mysqld = await startMysqld({ server })
  await using pool = poolOf(mysqld)
  const rows = await pool.run({ doing: 'count', timeoutMs: 5000 }, (session) =>
    session.query('SELECT 18446744073709551615 AS big, NULL AS nothing, CAST(\'ü\' AS CHAR) AS text'), ctx)
  t.same(rows.map((row) => ({ ...row })), [{ big: '18446744073709551615', nothing: null, text: 'ü' }])
})

forEachServer(t, 'what our sessions do stays out of the binary log', async (t, server) => {
  await using mysqld = await startMysqld({ server })
  await using pool = poolOf(mysqld)
  await using local = openMysqld({ socket: () => mysqld.socket, user: 'root', password: '' })
  const before = await local.executedGtids(ctx)
  await pool.run({ doing: 'write', timeoutMs: 5000 }, (session) => session.query('CREATE DATABASE unlogged'), ctx)
  t.ok((await local.executedGtids(ctx)).equals(before))
  await mysqld.run('CREATE DATABASE logged')
  t.notOk((await local.executedGtids(ctx)).equals(before), 'another session is logged')
})

forEachServer(t, 'a closed pool connects no more and leaves no connection', async (t, server) => {
  await using mysqld = await startMysqld({ server })
  const pool = poolOf(mysqld)
  const look = (): Promise<unknown> => pool.run({ doing: 'look', timeoutMs: 5000 }, (session) => session.query('SELECT 1'), ctx)
  await Promise.all([look(), look(), look()])
  t.equal(pool.connectionIds.length, 1, 'one connection is kept')
  await pool[Symbol.asyncDispose]()
  await t.rejects(look(), { code: 'MYSQLD_UNREACHABLE' })
  await waitFor('the server sees nobody but the one who asks', async () =>
    (await mysqld.rows('SHOW PROCESSLIST')).filter((row) => row['User'] === 'root').length === 1)
})
