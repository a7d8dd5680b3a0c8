import { spawnSync } from 'node:child_process'
import { appendFileSync, chmodSync, chownSync, mkdirSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import t from 'tap'
import { TabletError } from '../../src/base/errors.ts'
import { builtinBackupEngine } from '../../src/engine/builtin-backup.ts'
import { leavesNothingBehind } from '../support/leftovers.ts'
import { content } from './bytes.ts'
import { NAME, SHARD, ZSTD, manifestWith, rig } from './builtin-rig.ts'
import { MYSQL_FILES } from './fake-server.ts'

const broken = (): never => { throw new TabletError('STORAGE_FAILED', 'the line was cut') }
const full = (): never => { throw new TabletError('STORAGE_NO_SPACE', 'full') }
const KEPT = { 'beside': 'untouched', 'data/.tabletd-was-here': '', 'data/performance_schema/': null }
const FILES = Object.keys(MYSQL_FILES).length

t.test('scenario 36: every file arrives and comes back, however it is compressed and however many go at once', async (t) => {
  for (const engine of ['zstd', 'pgzip', 'pargzip']) {
    for (const [enabled, concurrency] of [[true, 1], [true, 4], [false, 3]] as const) {
      await using it = await rig({}, { ...MYSQL_FILES, 'data/a/empty.ibd': '', 'data/a/large.ibd': content(5_000_001) })
      const { manifest, bytes, storedBytes } = await it.backup({ engine, enabled, level: 1 }, concurrency)
      const title = `${engine}${enabled ? '' : ', stored as it is'}, ${concurrency} at once`
      t.match(manifest, { BackupMethod: 'builtin', CompressionEngine: engine, SkipCompress: !enabled, ExternalDecompressor: '', Directories: [] }, title)
      const stored = await it.storage.openBackup(SHARD, NAME).listFiles(it.ctx)
      t.same(stored.map(({ file }) => file), manifest.FileEntries?.map((_, index) => String(index)), 'objects are named by index')
      for (const { file, bytes: size } of stored) {
        const entry = manifest.FileEntries?.[Number(file)]
        t.equal(entry?.Hash, crc32(await it.object(file)).toString(16).padStart(8, '0'), `the hash of ${entry?.Name} is of the stored bytes`)
        t.equal(entry?.StoredSize, size, 'and so is its stored size')
      }
      t.equal(storedBytes, stored.reduce((sum, file) => sum + file.bytes, 0))
      t.same(await it.verify(manifestWith(manifest)), { files: FILES + 2, bytes, fullBytes: bytes, storedBytes })
      await it.restore(manifestWith(manifest), concurrency)
      t.same(await it.restored(), { ...MYSQL_FILES, ...KEPT, 'data/a/empty.ibd': '', 'data/a/large.ibd': content(5_000_001).toString('latin1') }, title)
    }
  }
})

t.test('progress counts uncompressed bytes up to the total, on both ways', async (t) => {
  await using it = await rig()
  const { manifest, bytes } = await it.backup(ZSTD, 4)
  t.match(it.progress.at(-1), { doneBytes: bytes, totalBytes: bytes })
  await it.restore(manifestWith(manifest), 4)
  t.match(it.progress.at(-1), { doneBytes: bytes, totalBytes: bytes })
  t.ok(it.progress.length >= 2 * FILES, 'and names the file each time')
  t.ok(it.progress.every(({ file }) => file !== undefined))
})

t.test('scenario 37: storage errors end the backup', async (t) => {
  await using it = await rig({ write: broken })
  await t.rejects(it.backup(), { code: 'STORAGE_FAILED' })
})

t.test('scenario 39: a cancelled backup ends with the reason of the cancel, and says so for each file', async (t) => {
  await using it = await rig({ write: () => { it.stop.abort(new TabletError('OPERATION_CANCELLED', 'cancelled by the operator')); return undefined } })
  await t.rejects(it.backup(ZSTD, 4), { code: 'OPERATION_CANCELLED' })
  t.ok(it.messages.some((message) => /^Canceled backing up "/.test(message)))
  t.notOk(it.messages.some((message) => message.includes('attempt 2/2')), 'nothing is tried again')
})

t.test('scenario 40: a restore whose deadline has passed ends with that', async (t) => {
  await using it = await rig({ read: () => { it.stop.abort(new TabletError('DEADLINE_EXCEEDED', 'too late')); return undefined } })
  const { manifest } = await it.backup()
  await t.rejects(it.restore(manifestWith(manifest)), { code: 'DEADLINE_EXCEEDED' })
})

t.test('scenario 41: each file may fail once; one that fails twice ends the backup with the rest not tried', async (t) => {
  await using once = await rig({ write: (_, count) => count === 1 ? broken() : undefined })
  const { manifest, bytes } = await once.backup()
  for (const { Name } of manifest.FileEntries ?? []) {
    t.ok(once.messages.includes(`Backing up file: ${Name} (attempt 1/2)`), Name)
    t.ok(once.messages.includes(`Backing up file: ${Name} (attempt 2/2)`), `${Name}, again`)
    t.ok(once.messages.includes(`Completed backing up "${Name}" (attempt 2/2)`))
  }
  await once.restore(manifestWith(manifest))
  t.same(await once.restored(), { ...MYSQL_FILES, ...KEPT })
  t.match(once.progress.at(-1), { doneBytes: bytes }, 'what failed attempts passed does not count')

  await using twice = await rig({ write: broken })
  await t.rejects(twice.backup(), { code: 'STORAGE_FAILED' })
  t.equal(twice.storage.writes.length, FILES + 1, 'one attempt of each file, and one more')
})

t.test('an error that trying again cannot help ends the backup at once', async (t) => {
  for (const code of ['STORAGE_DENIED', 'STORAGE_NO_SPACE'] as const) {
    await using it = await rig({ write: () => { throw new TabletError(code, 'no') } })
    await t.rejects(it.backup(), { code })
    t.equal(it.storage.writes.length, 1, code)
  }
})

t.test('scenario 42: the hash and size of the attempt that counts reach the MANIFEST', async (t) => {
  await using it = await rig({
    write: (file, count) => file === '0' && count === 1 ? Buffer.from('torn') : undefined,
    written: (file, count) => { if (file === '0' && count === 1) broken() },
  })
  const { manifest } = await it.backup()
  const object = await it.object('0')
  t.equal(manifest.FileEntries?.[0]?.Hash, crc32(object).toString(16).padStart(8, '0'))
  t.equal(manifest.FileEntries?.[0]?.StoredSize, object.length)
  await it.restore(manifestWith(manifest))
  t.same(await it.restored(), { ...MYSQL_FILES, ...KEPT })
})

t.test('a storage that took fewer bytes than were sent has not stored the file', async (t) => {
  await using it = await rig({ write: () => Buffer.from('a few bytes') })
  await t.rejects(it.backup(), { code: 'BACKUP_NOT_PROVEN' })
})

t.test('scenario 45: the failure of the very last file is not lost', async (t) => {
  await using it = await rig({ written: (file) => { if (file === '4') broken() } })
  await t.rejects(it.backup(ZSTD, 4), { code: 'STORAGE_FAILED' })
  await using space = await rig({ written: (file) => { if (file === '4') full() } })
  await t.rejects(space.backup(ZSTD, 4), { code: 'STORAGE_NO_SPACE' })
})

t.test('a file that changes while it is copied fails its attempt, and is copied anew in the second', async (t) => {
  const corder = 'data/vt_commerce/corder.ibd'
  for (const [title, change] of [
    ['grew', (path: string) => { appendFileSync(path, 'more') }],
    ['shrank', (path: string) => { truncateSync(path, 10) }],
    ['was written to', (path: string) => { writeFileSync(path, 'd'.repeat(40_000)) }],
  ] as const) {
    const changing = (times: number) => rig({ written: (file, count) => { if (file === '4' && count <= times) change(join(it.source, corder)) } })
    let it = await changing(2)
    await t.rejects(it.backup(), { code: 'FILE_CHANGED', message: /corder\.ibd/ }, `${title} twice`)
    await it[Symbol.asyncDispose]()
    it = await changing(1)
    await it.restore(manifestWith((await it.backup()).manifest))
    t.not((await it.restored())[corder], MYSQL_FILES[corder], `${title} once: the second attempt has the file as it is now`)
    await it[Symbol.asyncDispose]()
  }
})

t.test('a file that cannot be read, and facts that do not fit, have their codes', async (t) => {
  await using it = await rig({}, { 'data/mysql.ibd': 'x', 'innodb/ibdata1': 'y' })
  writeFileSync(join(it.source, 'log'), 'a file')
  await t.rejects(it.backup(), { code: 'LOCAL_IO_FAILED', message: /log/ })
  t.throws(() => builtinBackupEngine({ engine: 'brotli', enabled: true, level: 1 }), { code: 'COMPRESSION_UNSUPPORTED', message: /brotli/ })
})

t.test('scenario 43: each read may fail once, one that fails twice ends the restore', async (t) => {
  await using once = await rig({ read: (_, count) => count === 1 ? broken() : undefined })
  const { manifest } = await once.backup()
  await once.restore(manifestWith(manifest))
  t.equal(once.storage.reads.length, 2 * FILES)
  t.same(await once.restored(), { ...MYSQL_FILES, ...KEPT })
  t.ok(once.messages.includes('Restore: copying 5 files'))
  t.ok(once.messages.includes('Copying file 4: vt_commerce/corder.ibd (attempt 1/2)'))
  t.ok(once.messages.includes('Copying file 4: vt_commerce/corder.ibd (attempt 2/2)'))

  await using twice = await rig({ read: broken })
  const { manifest: same } = await twice.backup()
  await t.rejects(twice.restore(manifestWith(same)), { code: 'STORAGE_FAILED' })
  const again = twice.storage.reads.length - FILES
  t.ok(again === 1 || again === 2, `nothing more is fetched than what was next in line: ${again}`)

  await using denied = await rig({ read: () => { throw new TabletError('STORAGE_DENIED', 'no') } })
  const { manifest: third } = await denied.backup()
  await t.rejects(denied.restore(manifestWith(third)), { code: 'STORAGE_DENIED' })
  t.equal(denied.storage.reads.length, 1, 'refused access is not tried again')
})

t.test('damaged objects: read well once is well, damaged twice is a corrupt backup', async (t) => {
  const damage: Readonly<Record<string, (object: Buffer) => Buffer>> = {
    'a flipped bit': (object) => { const copy = Buffer.from(object); copy[copy.length >> 1] = (copy[copy.length >> 1] ?? 0) ^ 1; return copy },
    'a flipped bit in the seek table': (object) => { const copy = Buffer.from(object); copy[copy.length - 12] = (copy[copy.length - 12] ?? 0) ^ 1; return copy },
    'cut short': (object) => object.subarray(0, object.length - 1),
    'emptied': () => Buffer.alloc(0),
    'another file': () => Buffer.from('28b52ffd2000010000', 'hex'),
  }
  for (const [title, change] of Object.entries(damage)) {
    for (const [enabled, times] of [[true, 1], [true, 2], [false, 1], [false, 2]] as const) {
      await using it = await rig({ read: async (file, count) => file === '4' && count <= times ? change(await it.object('4')) : undefined })
      const { manifest } = await it.backup({ ...ZSTD, enabled })
      const name = `${title}, ${enabled ? 'zstd' : 'stored as it is'}, ${times} times`
      const result = it.restore(manifestWith(manifest))
      if (times === 1) await t.resolves(result, name)
      else await t.rejects(result, { code: 'BACKUP_CORRUPT' }, name)
      t.same(it.storage.reads.filter((file) => file === '4'), ['4', '4'], 'two reads')
    }
  }
})

t.test('a file larger than the MANIFEST says is cut off before it fills the disk', async (t) => {
  await using it = await rig({}, { ...MYSQL_FILES, 'data/a/bomb.ibd': Buffer.alloc(50_000_000) })
  const { manifest } = await it.backup()
  const entries = (manifest.FileEntries ?? []).map((entry) => entry.Name === 'a/bomb.ibd' ? { ...entry, Size: 1000 } : entry)
  await t.rejects(it.restore(manifestWith({ ...manifest, FileEntries: entries })), { code: 'BACKUP_CORRUPT', message: /more than 1000/ })
  t.ok(statSync(join(it.target, 'data/a/bomb.ibd')).size <= 1000, 'nothing beyond the size was written')
})

t.test('verify sees every object with its size, and changes nothing', async (t) => {
  await using it = await rig()
  const { manifest } = await it.backup()
  const entries = manifest.FileEntries ?? []
  const wrong = entries.map((entry, index) => index === 2 ? { ...entry, StoredSize: (entry.StoredSize ?? 0) + 1 } : entry)
  await t.rejects(it.verify(manifestWith({ ...manifest, FileEntries: wrong })), { code: 'BACKUP_CORRUPT', message: /object 2/ })
  const more = [...entries, { Base: 'Data' as const, Name: 'a/t.ibd', Hash: '00000000', ParentPath: '' }]
  await t.rejects(it.verify(manifestWith({ ...manifest, FileEntries: more })), { code: 'BACKUP_CORRUPT', message: /object 5 \(a\/t\.ibd\) is missing/ })
  const old = entries.map(({ Base, Name, Hash, ParentPath }) => ({ Base, Name, Hash, ParentPath }))
  t.match(await it.verify(manifestWith({ ...manifest, FileEntries: old })), { files: FILES, bytes: undefined }, 'Vitess\'s own say no sizes')
  await t.rejects(it.verify(manifestWith({ ...manifest, CompressionEngine: 'brotli' })), { code: 'COMPRESSION_UNSUPPORTED' })
  t.same(Object.keys(await it.restored()).sort(), ['beside', 'data/.tabletd-was-here'])
})

t.test('restored files have no permissions for the world and are made again with their empty directories', async (t) => {
  await using it = await rig({}, MYSQL_FILES)
  const { manifest } = await it.backup()
  const before = process.umask(0)
  try {
    await it.restore(manifestWith({ ...manifest, Directories: ['Data/empty', 'Data/a/b'] }))
  } finally {
    process.umask(before)
  }
  const mode = (path: string): string => (statSync(join(it.target, path)).mode & 0o777).toString(8)
  t.equal(mode('data/mysql.ibd'), '660')
  for (const path of ['data/vt_commerce', 'data/empty', 'data/a', 'data/a/b', 'data/performance_schema', 'log/#innodb_redo']) t.equal(mode(path), '770', path)
  chmodSync(join(it.target, 'data'), 0o700)
})

t.test('a full disk under the restored directory is NO_SPACE, at once', { skip: process.getuid?.() === 0 ? false : 'mounting needs root' }, async (t) => {
  await using it = await rig({}, { ...MYSQL_FILES, 'data/a/large.ibd': content(3_000_000) })
  const { manifest } = await it.backup()
  const data = join(it.target, 'data')
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', data]).status !== 0) {
    t.comment('this machine does not let root mount a tmpfs')
    return
  }
  try {
    await t.rejects(it.restore(manifestWith(manifest)), { code: 'NO_SPACE', message: /large\.ibd/ })
    t.equal(it.storage.reads.length, new Set(it.storage.reads).size, 'nothing was tried twice')
  } finally {
    spawnSync('umount', [data])
  }
})

t.test('running as root, what is restored belongs to the owner of its directory', { skip: process.getuid?.() === 0 ? false : 'only root can give files away' }, async (t) => {
  await using it = await rig()
  const { manifest } = await it.backup()
  mkdirSync(join(it.target, 'log'))
  for (const root of ['data', 'log']) chownSync(join(it.target, root), 12345, 23456)
  await it.restore(manifestWith(manifest))
  for (const path of ['data/mysql.ibd', 'data/vt_commerce', 'data/vt_commerce/corder.ibd', 'data/performance_schema', 'log/#innodb_redo', 'log/#innodb_redo/#ib_redo9']) {
    const { uid, gid } = statSync(join(it.target, path))
    t.same([uid, gid], [12345, 23456], path)
  }
})

t.test('a cancel ends a backup in the middle of a large file, and a restore too', async (t) => {
  const why = new TabletError('OPERATION_CANCELLED', 'enough')
  for (const way of ['backup', 'restore'] as const) {
    let armed = way === 'backup'
    await using it = await rig({}, { ...MYSQL_FILES, 'data/a/large.ibd': content(12_000_000) }, ({ doneBytes }) => {
      if (armed && doneBytes > 1_000_000) it.stop.abort(why)
    })
    if (way === 'backup') {
      await t.rejects(it.backup(), why, way)
    } else {
      const { manifest } = await it.backup()
      armed = true
      await t.rejects(it.restore(manifestWith(manifest)), why, way)
    }
    t.ok((it.progress.at(-1)?.doneBytes ?? 0) < 12_000_000, 'it did not go on to the end')
  }
})

leavesNothingBehind(t)
