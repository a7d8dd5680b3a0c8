/** The commit of a backup: complete means proven in storage, and what is not complete does not stay. */
import { readFile, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { TabletError } from '../../src/base/errors.ts'
import { silentLogger } from '../../src/base/logger.ts'
import { takeBackup, type TakeBackupRequest } from '../../src/backup/take-backup.ts'
import type { BackupEngine } from '../../src/engine/backup-engine.ts'
import { decodeManifest } from '../../src/model/manifest-codec.ts'
import { fileStorage } from '../../src/storage/file-storage.ts'
import { ctx } from '../replication/builders.ts'
import { faultyStorage, type StorageFaults } from '../support/faulty-storage.ts'
import { tempDir } from '../support/temp-dir.ts'
import { NAME, SHARD, fakeEngine, takeRequest } from './fakes.ts'

/** A request's steps, and what is in storage afterwards. */
async function rig(faults: StorageFaults = {}) {
  const dir = await tempDir()
  const steps: string[] = []
  const storage = faultyStorage(fileStorage({ root: dir.path }), {
    ...faults,
    manifest: () => {
      steps.push('MANIFEST')
      faults.manifest?.()
    },
    confirmed: (files) => {
      steps.push('confirm')
      return faults.confirmed?.(files) ?? files
    },
  })
  const directory = join(dir.path, SHARD.keyspace, SHARD.shard, NAME)
  return {
    steps, storage, directory,
    take: (more: Partial<TakeBackupRequest> = {}, engine: BackupEngine = fakeEngine(steps), signal = ctx.signal) =>
      takeBackup(takeRequest(steps, more), { engine, storage }, { signal, log: silentLogger() }),
    files: async () => (await readdir(directory).catch(() => undefined))?.sort(),
    [Symbol.asyncDispose]: () => dir[Symbol.asyncDispose](),
  }
}

t.test('a backup is complete when every object is confirmed and the MANIFEST is written last and read back', async (t) => {
  await using one = await rig()
  const { complete, bytes } = await one.take()
  t.same(one.steps, ['prepare', 'copying', 'engine', 'confirming sizes', 'confirm', 'writing MANIFEST', 'MANIFEST', 'reading MANIFEST back'])
  t.same(await one.files(), ['0', '1', '2', 'MANIFEST'])
  t.equal(bytes, 32)
  const read = decodeManifest(await readFile(join(one.directory, 'MANIFEST')))
  t.match(read, { BackupName: NAME, BackupMethod: 'builtin', FileEntries: [{ Name: 'file0', StoredSize: 15 }, {}, { StoredSize: 0 }] })
  t.equal(read.BackupName, complete.BackupName)
})

t.test('the engine gets the place in storage, the source and the concurrency', async (t) => {
  await using one = await rig()
  await one.take({}, fakeEngine(one.steps, { during: ({ into, source, concurrency }) => {
    t.same([into.name, source.paths.dataDir, concurrency], [NAME, '/srv/data', 3])
  } }))
})

t.test('a name that is taken is refused, the backup of that name untouched and the source not prepared', async (t) => {
  await using one = await rig()
  await one.take()
  const before = await one.files()
  one.steps.length = 0
  await t.rejects(one.take(), { code: 'BACKUP_EXISTS' })
  t.same(await one.files(), before)
  t.same(one.steps, [])
})

const noSpace = (): never => { throw new TabletError('STORAGE_NO_SPACE', 'no space left') }
const FAILURES: readonly (readonly [title: string, faults: StorageFaults, code: string, before: readonly string[]])[] = [
  ['an object that cannot be written', { write: noSpace }, 'STORAGE_NO_SPACE', ['engine']],
  ['sizes that cannot be confirmed', { confirmed: () => { throw new TabletError('STORAGE_UNREACHABLE', 'gone') } }, 'STORAGE_UNREACHABLE', ['confirm']],
  ['an object that storage does not hold', { confirmed: (files) => files.filter(({ file }) => file !== '1') }, 'BACKUP_NOT_PROVEN', ['confirm']],
  ['an object that is shorter in storage', { confirmed: (files) => files.map((each) => ({ ...each, bytes: Math.max(0, each.bytes - 1) })) },
    'BACKUP_NOT_PROVEN', ['confirm']],
  ['an empty object that storage does not hold', { confirmed: (files) => files.filter(({ file }) => file !== '2') }, 'BACKUP_NOT_PROVEN', ['confirm']],
  ['a MANIFEST that cannot be written', { manifest: noSpace }, 'STORAGE_NO_SPACE', ['MANIFEST']],
  ['a MANIFEST that cannot be read back', { small: () => { throw new TabletError('STORAGE_UNREACHABLE', 'gone') } }, 'STORAGE_UNREACHABLE',
    ['reading MANIFEST back']],
  ['a MANIFEST that comes back cut short', { small: (_file, bytes) => bytes.subarray(0, bytes.length - 1) }, 'BACKUP_NOT_PROVEN', ['reading MANIFEST back']],
  ['a MANIFEST that comes back changed', { small: (_file, bytes) => Buffer.from(bytes.map((byte, index) => index === 20 ? byte ^ 1 : byte)) },
    'BACKUP_NOT_PROVEN', ['reading MANIFEST back']],
  ['a MANIFEST that comes back longer', { small: (_file, bytes) => Buffer.concat([bytes, Buffer.from(' ')]) }, 'BACKUP_NOT_PROVEN',
    ['reading MANIFEST back']],
]

for (const [title, faults, code, [last]] of FAILURES) {
  t.test(`${title} ends the backup with its code, and nothing of it stays`, async (t) => {
    await using one = await rig(faults)
    await t.rejects(one.take(), { code, message: new RegExp(`cannot back up to ${NAME}`) })
    t.equal(one.steps.at(-1), last, 'it went so far and no further')
    t.equal(await one.files(), undefined)
  })
}

t.test('a source that cannot be made ready leaves nothing in storage', async (t) => {
  await using one = await rig()
  const prepare = (): Promise<never> => Promise.reject(new TabletError('MYSQLD_STOP_FAILED', 'it does not stop'))
  await t.rejects(one.take({ prepare }), { code: 'MYSQLD_STOP_FAILED' })
  t.same(one.steps, [])
  t.equal(await one.files(), undefined)
})

t.test('a cancel ends the backup at each of its steps, and nothing of it stays', async (t) => {
  for (const at of ['prepare', 'copying', 'confirming sizes', 'writing MANIFEST', 'reading MANIFEST back']) {
    await using one = await rig()
    const stop = new AbortController()
    const cancel = (step: string): void => { if (step === at) stop.abort(new TabletError('OPERATION_CANCELLED', 'by hand')) }
    const { prepare } = takeRequest(one.steps)
    const taken = one.take({
      prepare: () => { cancel('prepare'); return prepare() },
      onStep: (step) => { one.steps.push(step); cancel(step); return Promise.resolve() },
    }, fakeEngine(one.steps), stop.signal)
    await t.rejects(taken, { code: 'OPERATION_CANCELLED' }, at)
    t.equal(await one.files(), undefined, `nothing is left after a cancel while ${at}`)
  }
})

t.test('a step that cannot be journaled ends the backup', async (t) => {
  await using one = await rig()
  const onStep = (step: string): Promise<void> => step === 'writing MANIFEST' ? Promise.reject(new TabletError('LOCAL_IO_FAILED', 'disk')) : Promise.resolve()
  await t.rejects(one.take({ onStep }), { code: 'LOCAL_IO_FAILED' })
  t.equal(await one.files(), undefined)
})

t.test('what cannot be removed is told of, and the first error stays the one that counts', async (t) => {
  await using one = await rig({ write: noSpace, abort: () => { throw new TabletError('STORAGE_UNREACHABLE', 'gone') } })
  await t.rejects(one.take(), { code: 'STORAGE_NO_SPACE' })
  t.ok(!(await one.files())?.includes('MANIFEST'), 'it stays without a MANIFEST, so nobody restores it')
})

t.test('a failed backup lets its source go before what was written is removed', async (t) => {
  const order: string[] = []
  await using one = await rig({ write: noSpace, abort: () => { order.push('removed') } })
  await t.rejects(one.take({ onFailed: () => { order.push('let go') } }), { code: 'STORAGE_NO_SPACE' })
  t.same(order, ['let go', 'removed'])
})

t.test('an object that vanishes before the MANIFEST is written is found by the confirmation', async (t) => {
  await using one = await rig()
  const onStep = async (step: string): Promise<void> => { if (step === 'confirming sizes') await rm(join(one.directory, '0')) }
  await t.rejects(one.take({ onStep }), { code: 'BACKUP_NOT_PROVEN', message: /no bytes of object 0 \(file0\), 15 were written/ })
})
