/** A mysqld that ends by itself: told to restart, and ending again and again. */
import t from 'tap'
import { readFileSync, writeFileSync } from 'node:fs'
import { beginToServe } from '../support/app.ts'
import { leavesNothingBehind } from '../support/leftovers.ts'
import { endMysqld } from '../support/mishaps.ts'
import { forEachServer } from '../support/servers.ts'
import { startShard } from '../support/shard.ts'

const MOST_MS = 120_000

forEachServer(t, 'a mysqld that ends soon after each start is tried more slowly, and says when', async (t, server) => {
  await using shard = await startShard({ server, tablets: 1 })
  const tablet = shard.tablet(0)
  await beginToServe(shard)
  const good = readFileSync(tablet.place.cnfPath, 'utf8')
  tablet.addCnf('no-such-option=1')
  await endMysqld(tablet)
  const first = await tablet.waitFor('why it is down, and the next try', async () =>
    (await tablet.snapshot()).blockers.find(({ name, nextTry }) => name === 'mysqld-down' && nextTry !== undefined), MOST_MS)
  t.match(first.code, /^MYSQLD_/)
  const loop = await tablet.waitFor('it says that it ends again and again', async () =>
    (await tablet.snapshot()).blockers.find(({ code }) => code === 'MYSQLD_CRASH_LOOP'), MOST_MS)
  t.match(loop.message, /soon after its start: .*no-such-option/, 'with the last words of the server')
  const pauseMs = Date.parse(loop.nextTry ?? '') - Date.now()
  t.ok(pauseMs > 5_000 && pauseMs <= 300_000, `the next try is in ${Math.round(pauseMs / 1000)} s`)
  const seen = await tablet.snapshot()
  t.equal(seen.type, 'SPARE')
  const probe = await tablet.http('GET', '/primary')
  t.equal(probe.status, 503)
  t.match(probe.text, 'MYSQLD_CRASH_LOOP')

  writeFileSync(tablet.place.cnfPath, good)
  await tablet.killDaemon('SIGTERM')
  await tablet.startDaemon()   // it forgets, and tries at once
  await tablet.becomes('PRIMARY', { healthy: true, deadlineMs: MOST_MS })
})

forEachServer(t, 'RESTART of MySQL ends it with 16: it is started again at once, and is what it was', async (t, server) => {
  await using shard = await startShard({ server, tablets: 2 })
  await beginToServe(shard)
  for (const [tablet, type] of [[shard.tablet(1), 'REPLICA'], [shard.tablet(0), 'PRIMARY']] as const) {
    const pid = tablet.pidOfMysqld()
    await tablet.rows('restart').catch(() => undefined)   // the connection ends with the server
    await tablet.waitFor('another process runs', () => tablet.pidOfMysqld() !== undefined && tablet.pidOfMysqld() !== pid, MOST_MS)
    await tablet.becomes(type, { healthy: true, deadlineMs: MOST_MS })
    t.notOk(tablet.log().some(({ code }) => code === 'MYSQLD_CRASH_LOOP' || code === 'MYSQLD_START_FAILED'))
  }
  await shard.tablet(0).rows('create table commerce.after_restart (id int primary key)')
  await shard.tablet(1).waitFor('replication goes on', async () => (await shard.tablet(1).rows('show tables from commerce')).length === 1, MOST_MS)
}, { server: 'mysql', why: 'MariaDB has no RESTART' })

leavesNothingBehind(t)
