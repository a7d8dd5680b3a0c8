/** Where a restore finds no room, or loses the storage half-way: it says so, keeps what was there, and goes on when it can. */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, statfsSync } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { endOf, listBackups } from '../support/backups.ts'
import { untilSameTables } from '../support/checksum.ts'
import { askRestore, startDonor } from '../support/donor.ts'
import { forEachServer } from '../support/servers.ts'
import type { TestTablet } from '../support/tablet.ts'
import { waitFor } from '../support/wait-for.ts'

forEachServer(t, 'a restore without room, or without storage, goes on when there is some', async (t, server) => {
  await using shard = await startDonor(server)
  const primary = shard.tablet(0)
  const backup = await shard.backup(primary, '--allow-primary')
  await primary.becomes('PRIMARY', { healthy: true })
  const same = (tablet: TestTablet): Promise<unknown> => untilSameTables((sql) => primary.rows(sql), (sql) => tablet.rows(sql))

  await t.test('the storage goes away while it is copied, and comes back', async (t) => {
    // no repetition of requests, which storage-requests.test.ts is about: the whole restore is what is tried again
    const tablet = await shard.addTablet({ flags: ['--backup-storage-retry-timeout=0s'] })
    await tablet.untilLog('it copies', (line) => line['step'] === 'copying', 120_000)
    await rename(shard.place.storage, `${shard.place.storage}-away`)
    await tablet.untilLog('the try failed', ({ msg }) => msg?.startsWith('restore failed') === true, 120_000)
    t.ok(existsSync(join(tablet.tabletDir, 'restore_in_progress')), 'the sentinel stays')
    const { type, blockers } = await tablet.freshSnapshot()
    t.equal(type, 'RESTORE')
    t.ok(blockers.some(({ code, nextTry }) => code !== undefined && code !== 'NO_BACKUP' && nextTry !== undefined), `it says why, and when it tries again: ${JSON.stringify(blockers)}`)
    t.equal(tablet.pidOfMysqld(), undefined, 'no server runs on half a directory')
    await rename(`${shard.place.storage}-away`, shard.place.storage)
    t.equal((await tablet.becomes('REPLICA', { healthy: true, deadlineMs: 180_000 })).data.restoredFrom, backup)
    await same(tablet)
  })

  await t.test('a data directory without room, and one that fills up while it is copied', async (t) => {
    const tablet = await shard.addTablet({ start: false })
    if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=320m,mode=750', 'tmpfs', tablet.dataDir]).status !== 0) {
      t.comment('this machine does not let root mount a tmpfs')
      return
    }
    try {
      fillUp(tablet)
      await tablet.startDaemon()
      await saysNoSpace(tablet)
      t.same(readdirSync(tablet.dataDir).filter((name) => !name.startsWith('.')), [], 'nothing was written')
      t.notOk(existsSync(join(tablet.tabletDir, 'restore_in_progress')), 'nor begun')
      await makeRoom(tablet)
      t.equal((await tablet.becomes('REPLICA', { healthy: true, deadlineMs: 180_000 })).data.restoredFrom, backup)
      await same(tablet)

      const { id } = await askRestore(tablet, { force: true, confirm: tablet.alias, allowLastReplica: true })
      await tablet.untilLog('it copies', (line) => line['operation'] === id && line['step'] === 'copying', 120_000)
      fillUp(tablet)
      t.match(await endOf(tablet, `/v1/operations/${id}`), { state: 'failed', error: { code: 'NO_SPACE' } })
      await saysNoSpace(tablet)
      t.ok(existsSync(join(tablet.tabletDir, 'restore_in_progress')), 'the sentinel says that the directory is no database')
      t.ok(aside(tablet).length > 0, 'the old data lie aside')
      t.same((await listBackups(tablet)).map(({ status }) => status), ['complete'], 'the backup is not blamed')
      await makeRoom(tablet)
      await tablet.becomes('REPLICA', { healthy: true, deadlineMs: 180_000 })
      await same(tablet)
      await tablet.waitFor('the old data are removed', () => aside(tablet).length === 0)
    } finally {
      await tablet[Symbol.asyncDispose]()
      // a killed server holds its files until its last thread is gone
      await waitFor('the file system is free', () => spawnSync('umount', [tablet.dataDir]).status === 0)
    }
  })
})

const aside = (tablet: TestTablet): readonly string[] => readdirSync(tablet.dataDir).filter((name) => name.startsWith('.before-restore'))

/** Takes all room but a few megabytes, at once; tried again where somebody else took some meanwhile. */
function fillUp(tablet: TestTablet): void {
  let said = ''
  for (let spareMb = 2; spareMb <= 16; spareMb++) {
    const { bavail, bsize } = statfsSync(tablet.dataDir)
    const bytes = String(bavail * bsize - spareMb * 1024 * 1024)
    const { status, stderr } = spawnSync('fallocate', ['-l', bytes, join(tablet.dataDir, '.ballast')], { encoding: 'utf8' })
    if (status === 0) return
    said = stderr
  }
  throw new Error(`the room was not to be had: ${said}`)
}

const makeRoom = (tablet: TestTablet): Promise<void> => rm(join(tablet.dataDir, '.ballast'))

const saysNoSpace = (tablet: TestTablet): Promise<unknown> => tablet.waitFor('it says NO_SPACE and when it tries again', async () => {
  const { type, blockers } = await tablet.snapshot()
  if (type === 'RESTORE' && blockers.some(({ code, nextTry }) => code === 'NO_SPACE' && nextTry !== undefined)) return true
  throw new Error(`it is ${type}: ${JSON.stringify(blockers)}`)
}, 180_000)
