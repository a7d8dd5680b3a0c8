/** A backup whose storage refuses, fills up or vanishes: a clear code, the tablet back in service, nothing listed as complete. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { Test } from 'tap'
import type { ErrorCode } from '../../src/base/error-catalogue.ts'
import type { Operation } from '../../src/model/operation.ts'
import { askForBackup, endOf, listBackups, post } from '../support/backups.ts'
import { startDonor } from '../support/donor.ts'
import { leavesNothingBehind } from '../support/leftovers.ts'
import { canMount, smallFileSystem } from '../support/small-file-system.ts'
import { forEachServer } from '../support/servers.ts'
import type { TestTablet } from '../support/tablet.ts'

forEachServer(t, 'a backup whose storage fails costs the tablet nothing but the time', async (t, server) => {
  await using shard = await startDonor(server, { tablets: 2 })
  const replica = shard.tablet(1)
  const root = shard.place.storage
  const mountable = await canMount()
  await replica.becomes('REPLICA', { healthy: true })

  await t.test('that is not there: refused at once', async (t) => {
    rmSync(root, { recursive: true })
    const pid = replica.pidOfMysqld()
    const answer = await post(replica, '/v1/backups')
    t.match(answer, { status: 503, body: { code: 'STORAGE_UNREACHABLE' } })
    t.match((await replica.http('GET', '/v1/operations')).text, /"operations":\[\]/, 'no operation began')
    t.equal(replica.pidOfMysqld(), pid)
    mkdirSync(root)
  })

  await t.test('that vanishes while it is copied to', async (t) => {
    const location = await askForBackup(replica)
    await untilCopying(replica, location)
    rmSync(root, { recursive: true, force: true, maxRetries: 5 })
    await replica.untilLog('the tablet is let go', (line) => line['event'] === 'backup-ended')
    await replica.becomes('REPLICA', { healthy: true, deadlineMs: 120_000 })
    mkdirSync(root, { recursive: true })   // what was written may be removed until now, and the tablet did not wait for that
    await isBackInService(t, replica, await endOf(replica, location), ['STORAGE_UNREACHABLE', 'BACKUP_NOT_PROVEN'])
    t.same(await listBackups(replica), [])
  })

  await t.test('that may be read and not written: mysqld is not even stopped', { skip: !mountable && 'mounting needs CAP_SYS_ADMIN' }, async (t) => {
    await using small = await smallFileSystem(root, '64m')
    await small.remount('ro')
    const pid = replica.pidOfMysqld()
    await isBackInService(t, replica, await endOf(replica, await askForBackup(replica)), ['STORAGE_DENIED'])
    t.equal(replica.pidOfMysqld(), pid)
    t.same(await listBackups(replica), [])
  })

  await t.test('that is full: what was written is taken back', { skip: !mountable && 'mounting needs CAP_SYS_ADMIN' }, async (t) => {
    await using small = await smallFileSystem(root, '640k')
    await isBackInService(t, replica, await endOf(replica, await askForBackup(replica)), ['STORAGE_NO_SPACE'])
    t.same(await listBackups(replica), [])
    writeFileSync(join(small.path, 'free'), Buffer.alloc(300 * 1024))   // its space is free again
  })

  await t.test('that is unmounted while it is copied to', { skip: !mountable && 'mounting needs CAP_SYS_ADMIN' }, async (t) => {
    await using small = await smallFileSystem(root, '256m')
    const location = await askForBackup(replica)
    await untilCopying(replica, location)
    await small.unmount()
    await isBackInService(t, replica, await endOf(replica, location), ['STORAGE_UNREACHABLE', 'BACKUP_NOT_PROVEN'])
    t.same(await listBackups(replica), [])
  })

  const name = await shard.backup(replica)
  t.match(await listBackups(replica), [{ name, status: 'complete' }], 'the next backup, to a storage that is well again, succeeds')
})

async function untilCopying(tablet: TestTablet, location: string): Promise<void> {
  const id = location.slice(location.lastIndexOf('/') + 1)
  await tablet.untilLog(`${id} copies`, (line) => line['step'] === 'copying' && line['operation'] === id)
}

async function isBackInService(t: Test, replica: TestTablet, ended: Operation, codes: readonly ErrorCode[]): Promise<void> {
  t.equal(ended.state, 'failed')
  t.ok(codes.some((code) => code === ended.error?.code), `${ended.error?.code}: ${ended.error?.message}`)
  const seen = await replica.becomes('REPLICA', { healthy: true, deadlineMs: 120_000 })
  t.match(seen.replication, { io: 'running', sql: 'running' })
  t.equal(await replica.value('select @@global.read_only'), 1)
}

leavesNothingBehind(t)
