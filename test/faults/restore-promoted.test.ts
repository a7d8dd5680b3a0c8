/** A restored tablet that is promoted has binary logs from the backup on only: an empty replica of it must be refused. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { untilSameTables } from '../support/checksum.ts'
import { backupDir, startDonor } from '../support/donor.ts'
import { losePower } from '../support/mishaps.ts'
import { forEachServer } from '../support/servers.ts'

forEachServer(t, 'a restored tablet that was promoted refuses an empty replica until that restores a backup', async (t, server) => {
  await using shard = await startDonor(server)
  const lost = shard.tablet(0)
  const backup = await shard.backup(lost, '--allow-primary')
  await losePower(lost)

  const restored = await shard.addTablet()
  await restored.waitFor('it is restored', async () => {
    const seen = await restored.snapshot()
    return seen.data.restoredFrom === backup && seen.mysqld.answers
  }, 180_000)
  await shard.initPrimary(restored, '--force')
  await restored.rows("insert into app.parts values (30, 'after the promotion'); create table app.later (id int primary key) engine=InnoDB")
  if (server.name === 'mariadb') {
    const { Position } = JSON.parse(await readFile(join(backupDir(shard, backup), 'MANIFEST'), 'utf8')) as { Position: string }
    const [ours] = Position.replace('MariaDB/', '').split(',')
    t.match(String(await restored.value('select @@gtid_binlog_state')), ours?.split('-').slice(0, 2).join('-') ?? '?', 'its binary log goes on from the backup')
  }

  const empty = await shard.addTablet({ flags: ['--restore-from-backup=false'] })
  const { blockers } = await empty.blockedBy('needs-backup')
  t.match(blockers.find(({ name }) => name === 'needs-backup'), { code: 'NEEDS_BACKUP' })
  t.equal(Number(await empty.value("select count(*) from information_schema.schemata where schema_name = 'app'").catch(() => 0)), 0, 'it has none of the tables')
  t.notOk(await empty.isHealthy())

  await empty.killDaemon('SIGTERM')
  await empty.startDaemon('--restore-from-backup=true')
  t.equal((await empty.becomes('REPLICA', { healthy: true, deadlineMs: 180_000 })).data.restoredFrom, backup, 'allowed to, it restores')
  await untilSameTables((sql) => restored.rows(sql), (sql) => empty.rows(sql))
})
