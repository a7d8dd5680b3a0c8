/** Which backup a restore takes: by time, by engine, by version; asked for or at start. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { endOf, post } from '../support/backups.ts'
import { askRestore, backupDir, startDonor, storeAgain } from '../support/donor.ts'
import { forEachServer } from '../support/servers.ts'
import { untilSameTables } from '../support/checksum.ts'

forEachServer(t, 'the backup restored is the newest that the settings and the server allow', async (t, server) => {
  await using shard = await startDonor(server)
  const primary = shard.tablet(0)
  const older = await shard.backup(primary, '--allow-primary')
  await primary.becomes('PRIMARY', { healthy: true })
  await primary.rows("insert into app.parts values (10, 'between the backups')")
  const newer = await shard.backup(primary, '--allow-primary')
  await primary.becomes('PRIMARY', { healthy: true })
  const other = await storeAgain(shard, newer, '2097-01-01.000000', (manifest) => { manifest['BackupMethod'] = 'xtrabackup' })
  const future = await storeAgain(shard, newer, '2098-01-01.000000', (manifest) => {
    manifest['MySQLVersion'] = server.name === 'mysql' ? 'Ver 99.0.0 MySQL Community Server' : 'Ver 99.1.0-MariaDB mariadb.org'
  })
  const time = (JSON.parse(await readFile(join(backupDir(shard, older), 'MANIFEST'), 'utf8')) as { BackupTime: string }).BackupTime
  const timestamp = time.replace('T', '.').replace(/[:Z]/g, '')

  const tablet = await shard.addTablet({ flags: [`--restore-from-backup-ts=${timestamp}`] })
  const seen = await tablet.becomes('REPLICA', { healthy: true, deadlineMs: 120_000 })
  t.equal(seen.data.restoredFrom, older, 'restore-from-backup-ts chooses the older one')
  await untilSameTables((sql) => primary.rows(sql), (sql) => tablet.rows(sql))
  t.pass('and it attaches and catches up as ever')

  const force = { force: true, confirm: tablet.alias, allowLastReplica: true }
  const newest = await askRestore(tablet, force)
  t.match(await endOf(tablet, `/v1/operations/${newest.id}`), { state: 'succeeded', backup: newer })
  const said = tablet.log().filter((line) => line['operation'] === newest.id && /passed over/.test(line.msg ?? ''))
  t.match(said, [{ backup: future, reason: /99/ }, { backup: other }], 'what is passed over is named with its reason')
  await tablet.becomes('REPLICA', { healthy: true, deadlineMs: 120_000 })

  const none = await askRestore(tablet, { ...force, allowedEngines: ['xtrabackup'] })
  t.match(await endOf(tablet, `/v1/operations/${none.id}`), { state: 'failed', error: { code: 'NO_COMPLETE_BACKUP', message: /builtin/ } })
  t.equal((await tablet.becomes('REPLICA', { healthy: true })).data.restoredFrom, newer, 'it serves what it had')

  const past = await askRestore(tablet, { ...force, backupTimestamp: '2001-01-01.000000' })
  t.match(await endOf(tablet, `/v1/operations/${past.id}`), { state: 'failed', error: { code: 'NO_COMPLETE_BACKUP' } })
  t.equal((await post(tablet, '/v1/restore', { ...force, backupTimestamp: 'yesterday' })).status, 400, 'a time that is none is refused')

  const back = await askRestore(tablet, { ...force, backupTimestamp: timestamp, allowedEngines: ['builtin'] })
  t.match(await endOf(tablet, `/v1/operations/${back.id}`), { state: 'succeeded', backup: older })
  await tablet.becomes('REPLICA', { healthy: true, deadlineMs: 120_000 })
  await untilSameTables((sql) => primary.rows(sql), (sql) => tablet.rows(sql))
})
