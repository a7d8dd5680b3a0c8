/** A primary that is lost is replaced by init-shard-primary --force, and one that comes back is no primary any more. */
import t from 'tap'
import { beginToServe, holdTable, holdsAll, writeNumbers } from '../support/app.ts'
import { untilSameTables } from '../support/checksum.ts'
import { leavesNothingBehind } from '../support/leftovers.ts'
import { losePower } from '../support/mishaps.ts'
import { forEachServer } from '../support/servers.ts'
import { startShard } from '../support/shard.ts'
import type { TestTablet } from '../support/tablet.ts'
import { waitFor } from '../support/wait-for.ts'
import { watchWritable } from '../support/writable-watch.ts'

const MOST_MS = 120_000

forEachServer(t, 'a dead primary is replaced by the tablet that holds everything', async (t, server) => {
  await using shard = await startShard({ server, tablets: 3 })
  await beginToServe(shard)
  const [lost, ahead, behind] = [shard.tablet(0), shard.tablet(1), shard.tablet(2)]
  const name = (tablet: TestTablet, ...flags: readonly string[]) => shard.tabletctl('init-shard-primary', ...flags, shard.name, tablet.alias)
  await using opened = new AsyncDisposableStack()
  const watch = watchWritable(shard.tablets)
  opened.defer(async () => { await watch.stop() })

  await t.test('refused without --force, and on a tablet that lacks transactions; done on the one that has them', async (t) => {
    const writer = await writeNumbers(shard)
    const table = await holdTable(behind, writer)
    await writer.stop()
    await holdsAll([ahead], writer)
    await losePower(lost)

    const unforced = await name(ahead)
    t.match(unforced.stderr, /SHARD_HAS_PRIMARY/)
    t.equal(unforced.code, 65)
    const lacking = await name(behind, '--force')
    t.match(lacking.stderr, new RegExp(`${ahead.alias} holds [^]*OTHER_TABLET_AHEAD`), 'force does not override the transactions of another')
    t.equal(lacking.code, 65)

    const naming = name(ahead, '--force')
    await ahead.becomes('PRIMARY', { healthy: true, deadlineMs: MOST_MS })
    await table.release()   // a replica changes its source between two transactions, and the command waits for it
    const done = await naming
    t.equal(done.code, 0, done.stderr)
    t.match(done.stdout + done.stderr, lost.alias, 'it names the tablet that it could not ask')
    await behind.becomes('REPLICA', { healthy: true, deadlineMs: MOST_MS })
    await holdsAll([ahead, behind], writer)
  })

  await t.test('the old primary comes back read-only, and follows the new one', async (t) => {
    await ahead.rows('insert into commerce.numbered values (1000001)')
    await lost.startDaemon()
    await lost.becomes('REPLICA', { healthy: true, deadlineMs: MOST_MS })
    t.equal((await lost.snapshot()).replication?.source, `127.0.0.1:${ahead.place.mysqlPort}`)
    for (const tablet of [lost, behind]) await untilSameTables((sql) => ahead.rows(sql), (sql) => tablet.rows(sql))
  })

  await t.test('one that had more than its replicas comes back read-only, with its transactions named, and does not replicate', async (t) => {
    const io = server.name === 'mysql' ? 'replica io_thread' : 'slave io_thread'
    for (const tablet of [lost, behind]) await tablet.rows(`stop ${io}`)
    await ahead.rows('insert into commerce.numbered values (1000002)')
    await losePower(ahead)
    const done = await name(lost, '--force')
    t.equal(done.code, 0, done.stderr)
    await lost.becomes('PRIMARY', { healthy: true, deadlineMs: MOST_MS })
    await behind.rows(`start ${io}`)
    await behind.becomes('REPLICA', { healthy: true, deadlineMs: MOST_MS })
    await lost.rows('insert into commerce.numbered values (1000003)')

    await ahead.startDaemon()
    const seen = await waitFor('it names its errant transactions', async () => {
      const snapshot = await ahead.snapshot()
      return snapshot.blockers.some(({ name }) => name === 'errant-transactions') ? snapshot : undefined
    }, { deadlineMs: MOST_MS })
    const [why] = seen.blockers.filter(({ name }) => name === 'errant-transactions')
    t.equal(why?.code, 'ERRANT_TRANSACTIONS')
    const errant = server.name === 'mysql' ? String(await ahead.value('select @@server_uuid')) : String(await ahead.value('select @@server_id'))
    t.match(why?.message, errant, 'by the server that wrote them')
    t.equal(seen.type, 'SPARE')
    t.equal(seen.mysqld.writable, false)
    t.not(seen.replication?.io, 'running')
    t.match(await ahead.rows('select number from commerce.numbered where number > 1000001'), [{ number: 1_000_002 }], 'its row is there, and no other')
  })

  t.strictSame(await watch.stop(), [], 'never two writable')
})

leavesNothingBehind(t)
