/**
 * What a donor's copy brings along: an event, a channel, accounts with other passwords. Restored with the source down,
 * so that nothing but the boots of the restore can have changed rows or position.
 */
import { readFile, writeFile } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type mysql from 'mysql2/promise'
import t from 'tap'
import type { Test } from 'tap'
import { tableChecksums, untilSameTables } from '../support/checksum.ts'
import { backupDir, startDonor } from '../support/donor.ts'
import { losePower } from '../support/mishaps.ts'
import { forEachServer } from '../support/servers.ts'
import { DBA } from '../support/shard-place.ts'
import type { TestShard } from '../support/shard.ts'
import type { TestTablet } from '../support/tablet.ts'

/** The event's definer may not write where it is read-only: after the restore the event of a replica harms nobody. */
const EVENT = `create user 'beater'@'localhost' identified by 'b'; grant all on app.* to 'beater'@'localhost';
create table app.beats (id int auto_increment primary key, at datetime not null) engine=InnoDB;
create definer='beater'@'localhost' event app.beat on schedule every 1 second do insert into app.beats (at) values (now())`
const OTHER_PASSWORD = 'another "password"'

forEachServer(t, 'a copy of a lively donor is restored at rest: rows and position are those of the backup', async (t, server) => {
  await using shard = await startDonor(server, { tablets: 2, cnf: ['event-scheduler=ON', 'relay-log-recovery=ON'] })
  const [primary, replica] = [shard.tablet(0), shard.tablet(1)]
  await replica.becomes('REPLICA', { healthy: true })
  await primary.rows(EVENT)
  await primary.waitFor('the event inserts', async () => Number(await primary.value('select count(*) from app.beats')) >= 2)
  const ofReplica = await shard.backup(replica)
  const ofPrimary = await shard.backup(primary, '--allow-primary')
  await primary.becomes('PRIMARY', { healthy: true })
  await losePower(primary)

  await t.test('of the primary, whose event is enabled and whose accounts have other passwords', async (t) => {
    const tablet = await shard.addTablet({ start: false })
    await writeFile(join(tablet.place.dir, 'dba'), `${OTHER_PASSWORD}\n`, { mode: 0o600 })
    tablet.flags = tablet.flags.map((flag) => flag.startsWith('--db-dba-password-file=') ? `--db-dba-password-file=${join(tablet.place.dir, 'dba')}` : flag)
    await tablet.startDaemon()
    await atRest(t, shard, { tablet, backup: ofPrimary, password: OTHER_PASSWORD })
    await t.rejects(tablet.rows('select 1', { ...socketOf(tablet), password: DBA.password }), /Access denied/, 'the donor\'s password is none here')
  })

  await t.test('of a replica, whose channel was running', async (t) => {
    const { BackupTime: time } = await manifestOf(shard, ofReplica)
    const tablet = await shard.addTablet({ flags: [`--restore-from-backup-ts=${time.replace('T', '.').replace(/[:Z]/g, '')}`] })
    await atRest(t, shard, { tablet, backup: ofReplica, password: DBA.password })
  })

  await t.test('with the source back, both catch up and serve', async (t) => {
    await primary.startDaemon()
    await primary.becomes('PRIMARY', { healthy: true, deadlineMs: 120_000 })
    await primary.rows('drop event app.beat')
    for (const [index, password] of [OTHER_PASSWORD, DBA.password].entries()) {
      const tablet = shard.tablet(2 + index)
      t.strictSame((await tablet.becomes('REPLICA', { healthy: true, deadlineMs: 120_000 })).blockers, [])
      await untilSameTables((sql) => primary.rows(sql), (sql) => tablet.rows(sql, { password }))
    }
  })
})

interface Restored {
  readonly tablet: TestTablet
  readonly backup: string
  readonly password: string
}

/** The tablet has restored `backup`, waits for its source, and holds exactly what the MANIFEST says, look after look. */
async function atRest(t: Test, shard: TestShard, { tablet, backup, password }: Restored): Promise<void> {
  const seen = await tablet.waitFor('it has restored and waits for its source', async () => {
    const now = await tablet.snapshot()
    if (now.type === 'SPARE' && now.mysqld.answers && now.data.restoredFrom === backup) return now
    throw new Error(`it is ${now.type}, restored from ${now.data.restoredFrom ?? 'nothing'}: ${JSON.stringify(now.blockers)}`)
  }, 180_000)
  const { Position: position } = await manifestOf(shard, backup)
  const inside = (): Promise<unknown> => tableChecksums((sql) => tablet.rows(sql, { ...socketOf(tablet), password }))
  const before = await inside()
  t.match(before, { 'app.beats': String, 'app.orders': String })
  t.equal(spelled(seen.position), spelled(position), 'its position is the one of the backup')
  for (let look = 0; look < 3; look++) t.equal(spelled((await tablet.freshSnapshot()).position), spelled(position), 'and stays')
  t.same(await inside(), before, 'its rows are constant')
  const logged = await tablet.rows('select max(at) as last from app.beats', { ...socketOf(tablet), password })
  const { FinishedTime: finished } = await manifestOf(shard, backup)
  t.ok(new Date(`${String(logged[0]?.['last']).replace(' ', 'T')}Z`) <= new Date(finished), 'no event ran after the backup')
}

/** Until it serves, MariaDB listens only in the tablet directory. */
function socketOf(tablet: TestTablet): mysql.ConnectionOptions {
  const socketPath = join(tablet.tabletDir, 'private.sock')
  return existsSync(socketPath) ? { socketPath } : {}
}

interface Manifest {
  readonly Position: string
  readonly BackupTime: string
  readonly FinishedTime: string
}

const manifestOf = async (shard: TestShard, backup: string): Promise<Manifest> =>
  JSON.parse(await readFile(join(backupDir(shard, backup), 'MANIFEST'), 'utf8')) as Manifest

const spelled = (position: string | undefined): string => (position ?? '').replaceAll(/\s/g, '')
