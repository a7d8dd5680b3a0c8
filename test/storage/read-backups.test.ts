/** The backups of a shard as their MANIFESTs tell, and a storage that does not answer. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { TabletError } from '../../src/base/errors.ts'
import { encodeManifest, MAX_MANIFEST_BYTES } from '../../src/model/manifest-codec.ts'
import type { BackupManifest } from '../../src/model/manifest.ts'
import { fileStorage } from '../../src/storage/file-storage.ts'
import { describeBackup, readBackup, readBackups } from '../../src/storage/read-backups.ts'
import { manifestWith } from '../engine/builtin-rig.ts'
import { ctx } from '../replication/builders.ts'
import { faultyStorage, type StorageFaults } from '../support/faulty-storage.ts'
import { tempDir } from '../support/temp-dir.ts'

const SHARD = { keyspace: 'commerce', shard: '0' }
const name = (day: number): string => `2026-08-${String(day).padStart(2, '0')}.101500.zone1-0000000102`

/** A storage with a MANIFEST of each text; null: a backup without one. */
async function storageWith(manifests: Readonly<Record<string, string | null>>, faults: StorageFaults = {}) {
  const dir = await tempDir()
  for (const [backup, text] of Object.entries(manifests)) {
    const directory = join(dir.path, SHARD.keyspace, SHARD.shard, backup)
    await mkdir(directory, { recursive: true })
    if (text !== null) await writeFile(join(directory, 'MANIFEST'), text)
  }
  const storage = faultyStorage(fileStorage({ root: dir.path }), faults)
  return { path: dir.path, storage, [Symbol.asyncDispose]: () => dir[Symbol.asyncDispose]() }
}
const manifest = (more: Partial<BackupManifest> = {}): string => encodeManifest(manifestWith({ Position: 'MySQL56/', ...more }))

t.test('a shard without a directory has no backups', async (t) => {
  await using one = await storageWith({})
  t.same(await readBackups(one.storage, SHARD, ctx), [])
})

t.test('backups are told oldest first, each as what it is', async (t) => {
  await using one = await storageWith({
    [name(3)]: manifest(), [name(1)]: manifest({ BackupName: name(1) }), [name(2)]: null, [name(4)]: '', [name(5)]: '{"BackupMethod":', [name(6)]: '[]',
    [name(7)]: manifest({ TransformHook: 'gpg' } as Partial<BackupManifest>),
  })
  const found = await readBackups(one.storage, SHARD, ctx)
  t.same(found.map(({ name: each, state }) => [each, state]), [
    [name(1), 'complete'], [name(2), 'incomplete'], [name(3), 'complete'], [name(4), 'unreadable'], [name(5), 'unreadable'], [name(6), 'unreadable'],
    [name(7), 'unreadable'],
  ])
  t.match(found.at(-1), { reason: /transform hook/ })
})

t.test('many backups are all read, in order', async (t) => {
  const names = Array.from({ length: 25 }, (_, index) => name(index + 1))
  await using one = await storageWith(Object.fromEntries(names.map((each) => [each, manifest()])))
  t.same((await readBackups(one.storage, SHARD, ctx)).map((each) => each.name), names)
})

t.test('a MANIFEST beyond any bound is unreadable, not read', async (t) => {
  await using one = await storageWith({ [name(1)]: ' '.repeat(MAX_MANIFEST_BYTES + 1) })
  t.match(await readBackup(one.storage, { shard: SHARD, name: name(1) }, ctx), { state: 'unreadable', reason: /larger/ })
})

t.test('a storage that cannot be listed is an error, never an empty list', async (t) => {
  const faults = { list: () => { throw new TabletError('STORAGE_UNREACHABLE', 'no answer') } }
  await using one = await storageWith({ [name(1)]: manifest() }, faults)
  await t.rejects(readBackups(one.storage, SHARD, ctx), { code: 'STORAGE_UNREACHABLE' })
  await t.rejects(readBackups(fileStorage({ root: join(one.path, 'unmounted') }), SHARD, ctx), { code: 'STORAGE_UNREACHABLE' })
})

t.test('a storage that fails while a MANIFEST is read is an error, never an unreadable backup', async (t) => {
  for (const code of ['STORAGE_UNREACHABLE', 'STORAGE_DENIED', 'STORAGE_FAILED'] as const) {
    await using one = await storageWith({ [name(1)]: manifest(), [name(2)]: manifest() }, { small: () => { throw new TabletError(code, 'no') } })
    await t.rejects(readBackups(one.storage, SHARD, ctx), { code })
    await t.rejects(readBackup(one.storage, { shard: SHARD, name: name(1) }, ctx), { code })
  }
})

t.test('a read that was given up is no backup without a MANIFEST', async (t) => {
  await using one = await storageWith({ [name(1)]: manifest() })
  const reason = new TabletError('OPERATION_CANCELLED', 'by hand')
  await t.rejects(readBackups(one.storage, SHARD, { ...ctx, signal: AbortSignal.abort(reason) }), { code: 'OPERATION_CANCELLED' })
})

t.test('a list shows what there is to know of each', (t) => {
  const entry = { Base: 'Data', Hash: '00000000', ParentPath: '' } as const
  const complete = manifestWith({
    Position: 'MySQL56/', MySQLVersion: 'Ver 9.1.0 x', FinishedTime: '2026-08-19T10:16:00Z',
    FileEntries: [{ ...entry, Name: 'a', Size: 10, StoredSize: 4 }, { ...entry, Name: 'b', Size: 5, StoredSize: 3 }],
  })
  const at = { name: name(1), time: '2026-08-01T10:15:00Z', tabletAlias: 'zone1-0000000102' }
  const whole = {
    ...at, status: 'complete', engine: 'builtin', position: 'MySQL56/', mysqlVersion: 'Ver 9.1.0 x', finishedTime: '2026-08-19T10:16:00Z',
    bytes: 15, storedBytes: 7,
  }
  t.same(describeBackup({ name: name(1), state: 'complete', manifest: complete }, {}), whole)
  t.same(describeBackup({ name: name(1), state: 'complete', manifest: complete }, { [name(1)]: 'its hash differs' }),
    { ...whole, status: 'corrupt', reason: 'its hash differs' })
  t.same(describeBackup({ name: name(1), state: 'incomplete' }, {}), { ...at, status: 'incomplete' })
  t.same(describeBackup({ name: 'by-hand', state: 'unreadable', reason: 'it is empty' }, {}), { name: 'by-hand', status: 'unreadable', reason: 'it is empty' })
  t.end()
})

t.test('backups of other versions tell no sizes, and those of before 2019 no engine', (t) => {
  const old = manifestWith({ BackupMethod: '', FileEntries: [{ Base: 'Data', Name: 'a', Hash: '0', ParentPath: '' }] })
  const shown = describeBackup({ name: name(1), state: 'complete', manifest: old }, {})
  t.equal(shown.engine, 'builtin')
  t.notOk('bytes' in shown)
  t.end()
})
