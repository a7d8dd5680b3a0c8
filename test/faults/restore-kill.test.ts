/** kill -9 of the daemon, and of the private mysqld, at each step of a restore at start: the next one restores, or goes on. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { Test } from 'tap'
import { askRestore, startDonor, storeAgain } from '../support/donor.ts'
import { untilSameTables } from '../support/checksum.ts'
import { killAtStep } from '../support/kill-at-step.ts'
import { listBackups } from '../support/backups.ts'
import { usersOf } from '../support/processes.ts'
import { forEachServer } from '../support/servers.ts'
import type { TestTablet } from '../support/tablet.ts'

/** Copying comes twice: what the first boot left looks like a database, and must not be started as one by the next daemon either. */
const STEPS = ['checking every object', 'sentinel written', 'moving aside', 'copying', 'first boot', 'copying', 'removing the sentinel'] as const

const sentinels = (tablet: TestTablet): readonly string[] =>
  [join(tablet.tabletDir, 'restore_in_progress'), join(tablet.dataDir, '.restore_in_progress')].filter((path) => existsSync(path))
/** Private boots write elsewhere: what is in my.cnf's error log was a server on the data directory as a database. */
const startsAsDatabase = (tablet: TestTablet): number =>
  existsSync(tablet.place.errorLog) ? (readFileSync(tablet.place.errorLog, 'utf8').match(/ready for connections/g) ?? []).length : 0

forEachServer(t, 'a daemon killed at any step of a restore at start is followed by one that restores', async (t, server) => {
  await using shard = await startDonor(server)
  const primary = shard.tablet(0)
  const backup = await shard.backup(primary, '--allow-primary')
  await primary.becomes('PRIMARY', { healthy: true })
  const tablet = await shard.addTablet({ start: false })

  for (const step of STEPS) {
    await tablet.startDaemon()
    if (step === 'first boot') await privateBootRuns(tablet)
    const last = await killAtStep(tablet, step)
    if (sentinels(tablet).length > 0) t.equal(startsAsDatabase(tablet), 0, `${step}: half a directory was not started as a database`)
    else t.match(last, /^(checking every object|stopping mysqld|removing the sentinel)$/, `${step}: a sentinel says that the directory is none`)
  }

  t.ok(await tablet.startDaemon() === undefined)
  const seen = await tablet.becomes('REPLICA', { healthy: true, deadlineMs: 120_000 })
  t.equal(seen.data.restoredFrom, backup)
  t.same(sentinels(tablet), [], 'the sentinels are gone')
  t.ok(startsAsDatabase(tablet) >= 1)
  await untilSameTables((sql) => primary.rows(sql), (sql) => tablet.rows(sql))
  noLeftovers(t, tablet)

  await t.test('killed while it attaches, it goes on', async (t) => {
    const other = await shard.addTablet()
    await other.untilLog('the restore succeeded', ({ msg }) => msg === 'restore succeeded', 120_000)
    await other.untilLog('mysqld started', ({ msg }) => msg === 'mysqld started', 120_000)
    await other.killDaemon('SIGKILL')
    const pid = other.pidOfMysqld()
    await other.startDaemon()
    await other.becomes('REPLICA', { healthy: true, deadlineMs: 120_000 })
    t.notOk(other.log().some(({ msg }) => msg === 'restoring a backup'), 'it does not restore again')
    // MariaDB is opened to clients by one restart
    if (server.name === 'mysql') t.equal(other.pidOfMysqld(), pid, 'mysqld ran on')
    await untilSameTables((sql) => primary.rows(sql), (sql) => other.rows(sql))
    await other[Symbol.asyncDispose]()
  })

  await t.test('killed while it replaces data in place, it restores again, and the old data go last', async (t) => {
    await tablet.killDaemon('SIGKILL')
    await tablet.startDaemon()   // a log of its own
    await tablet.becomes('REPLICA', { healthy: true })
    await askRestore(tablet, { force: true, confirm: tablet.alias, allowLastReplica: true })
    await killAtStep(tablet, 'copying')
    t.equal(sentinels(tablet).length, 2)
    t.equal(aside(tablet).length, 1, 'the old data lie aside')
    await tablet.startDaemon()
    await tablet.becomes('REPLICA', { healthy: true, deadlineMs: 120_000 })
    await untilSameTables((sql) => primary.rows(sql), (sql) => tablet.rows(sql))
    await tablet.waitFor('the old data are removed', () => aside(tablet).length === 0)
    noLeftovers(t, tablet)
  })

  await t.test('a private mysqld that is killed is no fault of the backup', async (t) => {
    await storeAgain(shard, backup, '2020-02-20.202020')   // an older one, which must not be fallen back to
    const other = await shard.addTablet()
    const boot = await privateBootRuns(other)
    process.kill(boot, 'SIGKILL')
    const restored = await other.becomes('REPLICA', { healthy: true, deadlineMs: 120_000 })
    t.equal(restored.data.restoredFrom, backup)
    const failures = other.log().filter(({ msg }) => msg?.startsWith('restore failed') === true)
    t.ok(failures.length >= 1, 'the try failed, and says so')
    t.same((await listBackups(other)).map(({ status }) => status), ['complete', 'complete'], 'the backup is not blamed')
    await untilSameTables((sql) => primary.rows(sql), (sql) => other.rows(sql))
    noLeftovers(t, other)
  })
})

const aside = (tablet: TestTablet): readonly string[] => readdirSync(tablet.dataDir).filter((name) => name.startsWith('.before-restore'))

/** Pid of the private mysqld on the tablet's data. */
async function privateBootRuns(tablet: TestTablet): Promise<number> {
  return await tablet.waitFor('the private mysqld runs', () =>
    usersOf(`--datadir=${tablet.dataDir} `).find(({ command }) => command.includes('/tabletd-private-boot-'))?.pid, 120_000)
}

function noLeftovers(t: Test, tablet: TestTablet): void {
  t.same(readdirSync(tablet.tabletDir).filter((name) => name.startsWith('tabletd-private-')), [], 'no directory of a private boot is left')
  t.same(aside(tablet), [], 'nothing is left aside')
}
