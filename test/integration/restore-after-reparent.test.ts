/** Scenario 4 of Vitess's backup tests: the position of a backup holds across a reparent, through the MANIFEST. */
import t from 'tap'
import { beginToServe } from '../support/app.ts'
import { untilSameTables } from '../support/checksum.ts'
import { leavesNothingBehind } from '../support/leftovers.ts'
import { emptyDirectory, losePower } from '../support/mishaps.ts'
import { forEachServer } from '../support/servers.ts'
import { startShard } from '../support/shard.ts'
import type { TestTablet } from '../support/tablet.ts'

const MOST_MS = 120_000

/** Its disk is lost, and it begins anew as a tablet with nothing. */
async function beginAnew(tablet: TestTablet): Promise<void> {
  await losePower(tablet)
  emptyDirectory(tablet.dataDir)
  emptyDirectory(tablet.tabletDir)
  await tablet.startDaemon()
}

forEachServer(t, 'a tablet restored from a backup is promoted, and backups from before and after restore the others', async (t, server) => {
  await using shard = await startShard({ server, tablets: 2 })
  const [one, two] = [shard.tablet(0), shard.tablet(1)]
  await beginToServe(shard)
  await one.rows('create table commerce.messages (id int auto_increment primary key, msg varchar(64)); insert into commerce.messages (msg) values ("one")')
  const before = await shard.backup(two)
  await one.rows('insert into commerce.messages (msg) values ("two")')

  const three = await shard.addTablet()
  const restored = await three.becomes('REPLICA', { healthy: true, deadlineMs: MOST_MS })
  t.equal(restored.data.restoredFrom, before)
  await three.caughtUp()
  await shard.mustTabletctl('planned-reparent-shard', shard.name, three.alias)
  await three.becomes('PRIMARY', { healthy: true, deadlineMs: MOST_MS })
  await three.rows('insert into commerce.messages (msg) values ("three")')

  const sameOnAll = async (rows: number): Promise<void> => {
    for (const tablet of [one, two]) {
      await tablet.becomes('REPLICA', { healthy: true, deadlineMs: MOST_MS })
      await untilSameTables((sql) => three.rows(sql), (sql) => tablet.rows(sql), MOST_MS)
    }
    t.equal(Number(await three.value('select count(*) from commerce.messages')), rows)
  }

  await beginAnew(two)
  await sameOnAll(3)
  t.equal((await two.snapshot()).data.restoredFrom, before, 'from the backup that was taken before the reparent')

  const after = await shard.backup(two)
  await three.rows('insert into commerce.messages (msg) values ("four")')
  await beginAnew(two)
  await sameOnAll(4)
  t.equal((await two.snapshot()).data.restoredFrom, after, 'from the one taken after it, on a tablet that was restored itself')

  await beginAnew(one)   // the former primary
  await sameOnAll(4)
  t.equal((await one.snapshot()).data.restoredFrom, after)
})

leavesNothingBehind(t)
