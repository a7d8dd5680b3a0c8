import t from 'tap'
import { ERRORS } from '../../src/base/error-catalogue.ts'
import { BACKUP, operation, snapshot } from '../http/fake-control.ts'
import { waitFor } from '../support/wait-for.ts'
import { startTabletctl, tabletctl, testShard } from './run-tabletctl.ts'

t.setTimeout(240_000)   // each run of tabletctl is a process of its own

t.test('a backup is followed to its end, and its name is the result', async (t) => {
  await using shard = await testShard()
  const { control } = shard.first
  const running = startTabletctl(['Backup', '-concurrency=2', '-allow_primary', 'zone1-101', ...shard.flags])
  await waitFor('a follower', () => control.asked.includes('events op-1'))
  control.change('op-1', { progress: { step: 'attaching', doneBytes: 100, totalBytes: 100 } })
  await waitFor('the step on its output', () => running.stderr().includes('attaching'))
  control.change('op-1', { state: 'succeeded', backup: BACKUP.name, endedAt: '2026-01-01T00:00:05.000Z', outOfServiceSeconds: 4 })
  t.same(await running.ended, { code: 0, stdout: `backup complete: ${BACKUP.name} (100 B, 5.0 s, out of service 4.0 s)\n`, stderr: running.stderr() })
  t.match(running.stderr(), /copying .* 50 %.*\nattaching/)
  t.ok(control.asked.includes('backup {"concurrency":2,"allowPrimary":true}'))
})

t.test('an operation that fails ends with its code, one line and the hint', async (t) => {
  await using shard = await testShard()
  const { control } = shard.first
  const running = startTabletctl(['backup', 'zone1-101', ...shard.flags])
  await waitFor('a follower', () => control.asked.includes('events op-1'))
  control.change('op-1', { state: 'failed', error: { code: 'STORAGE_NO_SPACE', message: 'cannot write x: full', hint: '' } })
  const { code, stdout, stderr } = await running.ended
  t.equal(code, ERRORS.STORAGE_NO_SPACE.exit)
  t.equal(stdout, '')
  t.match(stderr, `cannot write x: full (STORAGE_NO_SPACE). ${ERRORS.STORAGE_NO_SPACE.hint}`)
})

t.test('Ctrl-C stops watching, says so, and the backup goes on', async (t) => {
  await using shard = await testShard()
  const { control } = shard.first
  const running = startTabletctl(['backup', 'zone1-101', ...shard.flags])
  await waitFor('a follower', () => control.asked.includes('events op-1'))
  running.child.kill('SIGINT')
  const { code, stderr } = await running.ended
  t.equal(code, 130)
  t.match(stderr, /stopped watching; the backup op-1 goes on in zone1-0000000101/)
  t.notOk(control.asked.some((asked) => asked.startsWith('cancel')))
  t.equal(control.getOperation('op-1').state, 'running')
})

t.test('a watcher killed outright changes nothing', async (t) => {
  await using shard = await testShard()
  const { control } = shard.first
  const running = startTabletctl(['backup', 'zone1-101', ...shard.flags])
  await waitFor('a follower', () => control.asked.includes('events op-1'))
  running.child.kill('SIGKILL')
  await running.ended
  await waitFor('the end of the stream', () => control.asked.includes('events op-1 ended'))
  t.equal(control.getOperation('op-1').state, 'running')
})

t.test('--detach begins and returns; operations are listed, followed and cancelled', async (t) => {
  await using shard = await testShard()
  t.match(await tabletctl(['backup', 'zone1-101', '--detach', '--json', ...shard.flags]), { code: 0, stdout: /"id": "op-1"/ })
  t.match(await tabletctl(['operations', 'zone1-101', ...shard.flags]), { code: 0, stdout: /op-1 +backup +running/ })
  t.match(await tabletctl(['cancel', 'zone1-101', 'op-1', ...shard.flags]), { code: 0, stdout: /being cancelled/ })
  t.match(await tabletctl(['follow-operation', 'zone1-101', 'op-1', ...shard.flags]), { code: 75, stderr: /OPERATION_CANCELLED/ })
  t.match(await tabletctl(['follow-operation', 'zone1-101', 'none', ...shard.flags]), { code: 65, stderr: /OPERATION_NOT_FOUND/ })
})

t.test('backup-shard backs up the tablet that lags least, whoever is dead', async (t) => {
  await using shard = await testShard()
  await shard.add(105, { type: 'BACKUP' })
  const best = await shard.add(102, { lagSeconds: 1 })
  shard.first.control.snapshot = snapshot({ lagSeconds: 3 })
  await shard.add(103, { lagSeconds: 5 })
  await shard.publish({ alias: 'zone1-0000000104' })
  t.match(await tabletctl(['BackupShard', 'commerce/0', '--detach', ...shard.flags]), { code: 0, stdout: /zone1-0000000102/ })
  t.same(best.control.asked, ['backup {}'])
})

t.test('backups are listed and removed through a live tablet, or straight in the storage', async (t) => {
  await using shard = await testShard()
  await shard.publish({ alias: 'zone1-0000000100' })
  t.match(await tabletctl(['ListBackups', 'commerce/0', ...shard.flags]), { code: 0, stdout: /^NAME +STATUS.*\n2026-01-01\.000000\.zone1-0000000101 +complete +builtin +1\.0 MiB +4\.0 KiB/ })
  t.same(JSON.parse((await tabletctl(['list-backups', 'commerce/0', '--json', ...shard.flags])).stdout), { backups: [BACKUP] })
  t.match(await tabletctl(['remove-backup', 'commerce/0', BACKUP.name, ...shard.flags]), { code: 0, stdout: `removed ${BACKUP.name}\n` })
  t.match(await tabletctl(['remove-backup', 'commerce/0', BACKUP.name, ...shard.flags]), { code: 65, stderr: /BACKUP_NOT_FOUND/ })
  const direct = ['--direct', '--backup-storage-implementation', 'file', '--file-backup-storage-root', shard.storageRoot]
  t.same(await tabletctl(['list-backups', 'commerce/0', ...direct]), { code: 0, stdout: 'no backups\n', stderr: '' })
  t.match(await tabletctl(['remove-backup', 'commerce/0', BACKUP.name, ...direct]), { code: 65, stderr: /BACKUP_NOT_FOUND/ })
  t.match(await tabletctl(['list-backups', 'commerce/0', '--direct']), { code: 78, stderr: /STORAGE_NOT_CONFIGURED/ })
  t.match(await tabletctl(['list-backups', 'commerce/9', ...shard.flags]), { code: 65, stderr: /TABLET_NOT_FOUND/ })
})

t.test('a restore passes on force and the alias typed once more', async (t) => {
  await using shard = await testShard()
  const args = ['restore-from-backup', 'zone1-101', '-t', '2026-01-01.000000', '--force', '--confirm', 'zone1-101', '--allowed-backup-engines', 'builtin, clone', '--detach']
  t.match(await tabletctl([...args, ...shard.flags]), { code: 0, stdout: /^restore op-1 has begun/ })
  t.same(shard.first.control.asked, ['restore {"backupTimestamp":"2026-01-01.000000","allowedEngines":["builtin","clone"],"force":true,"confirm":"zone1-0000000101"}'])
})

t.test('an operation that ended meanwhile is found by asking again when the stream breaks', async (t) => {
  await using shard = await testShard()
  const { control } = shard.first
  control.operations = [operation({ id: 'op-9' })]
  const follow = control.operationEvents.bind(control)
  let streams = 0
  control.operationEvents = (id, signal) => {
    if (++streams > 1) return follow(id, signal)
    control.change('op-9', { state: 'succeeded', backup: BACKUP.name })
    return { async * [Symbol.asyncIterator]() { /* ends without a word */ } }
  }
  t.match(await tabletctl(['follow-operation', 'zone1-101', 'op-9', ...shard.flags]), { code: 0, stdout: new RegExp(BACKUP.name) })
})
