/** The backup to restore now; no answer of a storage is ever read as "there is none". */
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { TabletError } from '../../src/base/errors.ts'
import { encodeManifest } from '../../src/model/manifest-codec.ts'
import type { BackupManifest } from '../../src/model/manifest.ts'
import { builtinRestoreEngine } from '../../src/engine/builtin-restore.ts'
import { findBackup } from '../../src/restore/find-backup.ts'
import { fileStorage } from '../../src/storage/file-storage.ts'
import { manifestWith } from '../engine/builtin-rig.ts'
import { ctx } from '../replication/builders.ts'
import { faultyStorage, type StorageFaults } from '../support/faulty-storage.ts'
import { tempDir } from '../support/temp-dir.ts'

const SHARD = { keyspace: 'commerce', shard: '0' }
const RULES = { running: { product: 'MySQL', major: 9, minor: 1, patch: 0 }, allowedEngines: [], quarantined: new Map<string, string>() } as const
const name = (day: number): string => `2026-08-0${day}.101500.zone1-0000000102`
const OLDER = name(1)
const NEWER = name(2)

async function rig(backups: Readonly<Record<string, Partial<BackupManifest> | 'incomplete'>>, faults: StorageFaults = {}) {
  const dir = await tempDir()
  for (const [backup, manifest] of Object.entries(backups)) {
    const directory = join(dir.path, SHARD.keyspace, SHARD.shard, backup)
    await mkdir(directory, { recursive: true })
    if (manifest !== 'incomplete') await writeFile(join(directory, 'MANIFEST'), encodeManifest(manifestWith({ Position: 'MySQL56/', ...manifest })))
  }
  const storage = faultyStorage(fileStorage({ root: dir.path }), faults)
  return {
    path: dir.path,
    find: (rules: Partial<Parameters<typeof findBackup>[1]> = {}) =>
      findBackup({ storage, shard: SHARD, engines: [builtinRestoreEngine()] }, { ...RULES, ...rules }, ctx),
    [Symbol.asyncDispose]: () => dir[Symbol.asyncDispose](),
  }
}

t.test('the newest usable backup is found, with its MANIFEST and the engine that restores it', async (t) => {
  await using one = await rig({ [OLDER]: {}, [NEWER]: { Hostname: 'db7' } })
  const { from, manifest, engine } = await one.find()
  t.same([from.name, manifest.Hostname, engine.name], [NEWER, 'db7', 'builtin'])
})

t.test('a backup of before 2019, which names no engine, is builtin\'s', async (t) => {
  await using one = await rig({ [OLDER]: { BackupMethod: '' } })
  t.equal((await one.find()).engine.name, 'builtin')
})

t.test('newer ones that cannot be used are passed over', async (t) => {
  await using one = await rig({ [OLDER]: {}, [NEWER]: 'incomplete', [name(3)]: { BackupMethod: 'mysqlshell' } })
  t.equal((await one.find()).from.name, OLDER)
  t.equal((await one.find({ quarantined: new Map([[NEWER, 'its hash differs']]) })).from.name, OLDER)
})

t.test('a shard without any backup has NO_BACKUP', async (t) => {
  await using one = await rig({})
  await t.rejects(one.find(), { code: 'NO_BACKUP', message: /no available backup of commerce\/0/ })
  await using emptied = await rig({ [OLDER]: {} })
  await rm(join(emptied.path, SHARD.keyspace, SHARD.shard, OLDER), { recursive: true })
  await t.rejects(emptied.find(), { code: 'NO_BACKUP' })
})

t.test('a shard whose backups are all unusable has NO_COMPLETE_BACKUP, each with its reason', async (t) => {
  await using one = await rig({ [OLDER]: 'incomplete', [NEWER]: { Incremental: true } })
  await t.rejects(one.find(), { code: 'NO_COMPLETE_BACKUP', message: new RegExp(`${NEWER}: .*incremental.*; ${OLDER}: .*no MANIFEST`) })
  await using corrupt = await rig({ [OLDER]: {} })
  await t.rejects(corrupt.find({ quarantined: new Map([[OLDER, 'file 7 is missing']]) }), { code: 'NO_COMPLETE_BACKUP', message: /file 7/ })
})

t.test('a storage that does not answer is neither of them', async (t) => {
  const fails: readonly (readonly [TabletError, StorageFaults])[] = (['STORAGE_UNREACHABLE', 'STORAGE_DENIED', 'STORAGE_FAILED'] as const).flatMap((code) => {
    const error = new TabletError(code, 'no answer')
    const fail = (): never => { throw error }
    return [[error, { list: fail }], [error, { small: fail }]] as const
  })
  for (const [error, faults] of fails) {
    await using one = await rig({ [OLDER]: {} }, faults)
    await t.rejects(one.find(), { code: error.code })
  }
})

t.test('a root that is not mounted is no shard without backups', async (t) => {
  await using one = await rig({})
  await rm(one.path, { recursive: true })
  await t.rejects(one.find(), { code: 'STORAGE_UNREACHABLE' })
})

t.test('allowed engines and a time narrow the choice', async (t) => {
  await using one = await rig({ [OLDER]: { BackupTime: '2026-08-01T10:15:00Z' }, [NEWER]: { BackupTime: '2026-08-02T10:15:00Z' } })
  t.equal((await one.find({ notAfterMs: Date.parse('2026-08-02T00:00:00Z') })).from.name, OLDER)
  await t.rejects(one.find({ allowedEngines: ['xtrabackup'] }), { code: 'NO_COMPLETE_BACKUP' })
})
