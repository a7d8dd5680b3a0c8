/** The age of the newest backup is known without anybody asking, and failing storage only makes it older. */
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { TabletError } from '../../src/base/errors.ts'
import { BackupWatch, lookForNewest } from '../../src/daemon/backup-watch.ts'
import type { BackupStorage } from '../../src/storage/backup-storage.ts'
import { countedStorage } from '../../src/storage/counted-storage.ts'
import { fileStorage } from '../../src/storage/file-storage.ts'
import { ctx } from '../replication/builders.ts'
import { tempDir } from '../support/temp-dir.ts'
import { waitFor } from '../support/wait-for.ts'

const SHARD = { keyspace: 'commerce', shard: '0' }
const NAMES = ['2026-01-01.000000.zone1-0000000101', '2026-01-02.000000.zone1-0000000102', '2026-01-03.000000.zone1-0000000101']
const MANIFEST = JSON.stringify({
  BackupMethod: 'builtin', Position: 'MySQL56/', BackupTime: '2026-01-01T00:00:00Z', FinishedTime: '2026-01-01T00:05:00Z', FileEntries: [],
  TabletAlias: 'zone1-0000000101', Keyspace: 'commerce', Shard: '0',
})

async function backup(root: string, name: string, manifest: string | undefined = MANIFEST): Promise<void> {
  await mkdir(join(root, 'commerce/0', name), { recursive: true })
  await writeFile(join(root, 'commerce/0', name, '0'), 'x')
  if (manifest !== '') await writeFile(join(root, 'commerce/0', name, 'MANIFEST'), manifest)
}

t.test('the newest complete backup is found, whatever newer ones are unfinished', async (t) => {
  await using dir = await tempDir()
  for (const [i, name] of NAMES.entries()) await backup(dir.path, name, i === 2 ? '' : MANIFEST)
  const seen = await lookForNewest(fileStorage({ root: dir.path }), SHARD, ctx)
  t.match(seen, { count: 3, newest: { name: NAMES[1], status: 'complete', time: '2026-01-02T00:00:00Z' } })
})

t.test('a shard without a complete backup has none, and one without any has 0', async (t) => {
  await using dir = await tempDir()
  const storage = fileStorage({ root: dir.path })
  const none = await lookForNewest(storage, SHARD, ctx)
  t.same([none.count, none.newest], [0, undefined])
  await backup(dir.path, NAMES[0] ?? '', '')
  const unfinished = await lookForNewest(storage, SHARD, ctx)
  t.same([unfinished.count, unfinished.newest], [1, undefined])
})

t.test('the end of an operation is followed by a look, and a storage that fails leaves what was known', { timeout: 60_000 }, async (t) => {
  await using dir = await tempDir()
  await backup(dir.path, NAMES[0] ?? '')
  const inner = fileStorage({ root: dir.path })
  let fails = false
  const storage: BackupStorage = {
    ...inner,
    listBackups: (shard, one) => fails ? Promise.reject(new TabletError('STORAGE_DENIED', 'denied')) : inner.listBackups(shard, one),
  }
  const errors: string[] = []
  let lastEnd = ''
  const watch = new BackupWatch({ storage: countedStorage(storage, (code) => { errors.push(code) }), shard: SHARD, lastEnd: () => lastEnd })
  t.same(Object.keys(watch.seen ?? {}), ['seenAtMs'], 'before the first look nothing is known but when it began')
  const stopping = new AbortController()
  const running = watch.run({ ...ctx, signal: stopping.signal })
  await waitFor('the first look', () => watch.seen?.newest?.name === NAMES[0])
  await backup(dir.path, NAMES[1] ?? '')
  lastEnd = '2026-01-02T00:10:00Z'
  await waitFor('the look after an operation', () => watch.seen?.newest?.name === NAMES[1])
  const before = watch.seen
  fails = true
  lastEnd = '2026-01-03T00:10:00Z'
  await waitFor('the storage has failed', () => errors.length > 0)
  t.same(watch.seen, before)
  t.same(errors, ['STORAGE_DENIED'])
  stopping.abort()
  await running
})

t.test('without a storage nothing is watched and nothing claimed', async (t) => {
  const watch = new BackupWatch({ storage: undefined, shard: SHARD, lastEnd: () => '' })
  await watch.run(ctx)
  t.equal(watch.seen, undefined)
})

t.test('failures of the storage are counted by code; answers and cancels are not', async (t) => {
  await using dir = await tempDir()
  await backup(dir.path, NAMES[0] ?? '', '')
  const errors: string[] = []
  const storage = countedStorage(fileStorage({ root: dir.path }), (code) => { errors.push(code) })
  await t.rejects(storage.openBackup(SHARD, NAMES[0] ?? '').readSmallFile('MANIFEST', 100, ctx), { code: 'BACKUP_NOT_FOUND' })
  const gone = new AbortController()
  gone.abort(new TabletError('OPERATION_CANCELLED', 'cancelled'))
  await t.rejects(storage.listBackups(SHARD, { ...ctx, signal: gone.signal }))
  t.same(errors, [])
  await rm(dir.path, { recursive: true })
  await writeFile(dir.path, 'a file where the directory was')
  await t.rejects(storage.startBackup(SHARD, NAMES[1] ?? '', ctx))
  t.equal(errors.length, 1)
  t.match(errors[0], /^STORAGE_/)
})
