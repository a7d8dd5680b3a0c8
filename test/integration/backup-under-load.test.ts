/** A backup of a replica while clients write on the primary, and what is restored from it. */
import t from 'tap'
import type { Test } from 'tap'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beginToServe, holdsAll, writeNumbers } from '../support/app.ts'
import { askForBackup, endOf } from '../support/backups.ts'
import { untilSameTables } from '../support/checksum.ts'
import { backupDir } from '../support/donor.ts'
import { leavesNothingBehind } from '../support/leftovers.ts'
import { forEachServer } from '../support/servers.ts'
import { startShard } from '../support/shard.ts'
import type { TestShard } from '../support/shard.ts'
import type { Writer } from '../support/writer.ts'

forEachServer(t, 'a replica is backed up while clients write, and what is restored holds every acknowledged row', async (t, server) => {
  await using shard = await startShard({ server, tablets: 2, cnf: ['general-log=ON', 'general-log-file=general.log'] })
  await beginToServe(shard)
  const [primary, replica] = [shard.tablet(0), shard.tablet(1)]
  await primary.rows('create table commerce.blob_of_noise (id int auto_increment primary key, noise blob); insert into commerce.blob_of_noise (noise) values (random_bytes(1000))')
  const writer = await writeNumbers(shard)

  const backup = await backUp(t, shard, writer)
  const restored = await shard.addTablet()
  const before = writer.acknowledged.length
  const seen = await restored.becomes('REPLICA', { healthy: true, deadlineMs: 120_000 })
  t.equal(seen.data.restoredFrom, backup)
  t.ok(writer.acknowledged.length > before, 'clients wrote during the restore too')
  await writer.stop()
  await holdsAll([primary, replica, restored], writer)
  for (const tablet of [replica, restored]) {
    t.ok((await untilSameTables((sql) => primary.rows(sql), (sql) => tablet.rows(sql)))['commerce.numbered'], `${tablet.alias} equals the primary`)
  }
})

async function backUp(t: Test, shard: TestShard, writer: Writer): Promise<string> {
  const replica = shard.tablet(1)
  const before = writer.acknowledged.length
  const ended = await endOf(replica, await askForBackup(replica, { upgradeSafe: true }))
  t.match(ended, { state: 'succeeded' })
  t.ok(writer.acknowledged.length > before, 'clients wrote meanwhile')
  const manifest: unknown = JSON.parse(await readFile(join(backupDir(shard, ended.backup ?? ''), 'MANIFEST'), 'utf8'))
  t.match(manifest, { UpgradeSafe: true }, 'the MANIFEST says that a newer server can use it')
  const said = await readFile(join(replica.dataDir, 'general.log'), 'utf8')
  t.match(said, /set global innodb_fast_shutdown ?= ?0/i, 'the server was told to shut down slowly')
  await replica.becomes('REPLICA', { healthy: true })
  t.equal(await replica.value('select @@global.innodb_fast_shutdown'), 1, 'and has its own value again')
  return ended.backup ?? ''
}

leavesNothingBehind(t)
