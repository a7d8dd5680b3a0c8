import { mkdirSync, rmSync, symlinkSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32, gzipSync, zstdCompressSync } from 'node:zlib'
import t from 'tap'
import { planRestore } from '../../src/engine/restore-plan.ts'
import type { BackupManifest, FileEntry, ManifestChunk } from '../../src/model/manifest.ts'
import { leavesNothingBehind } from '../support/leftovers.ts'
import { readTree } from './fake-server.ts'
import { NAME, SHARD, manifestWith, rig, type Rig } from './builtin-rig.ts'

const entry = (Name: string, more: Partial<FileEntry> = {}): FileEntry => ({ Base: 'Data', Name, Hash: '00000000', ParentPath: '', ...more })
const planned = (entries: readonly FileEntry[], more: Partial<BackupManifest> = {}): readonly string[] =>
  planRestore(manifestWith({ FileEntries: entries, ...more })).files.map(({ root, name }) => `${root}/${name}`)
const refused = (entries: readonly FileEntry[], more: Partial<BackupManifest> = {}) => (): void => { planned(entries, more) }

t.test('each base goes to its directory, and undo files to the undo directory from wherever they were taken', (t) => {
  t.same(planned([entry('ibdata1', { Base: 'InnoDBData' }), entry('#innodb_redo/#ib_redo9', { Base: 'InnoDBLog' }), entry('ib_logfile0', { Base: 'InnoDBLog' }),
    entry('mysql.ibd'), entry('a/b#p#p0.ibd'), entry('undo_001'), entry('undo002', { Base: 'InnoDBData' }), entry('mine.ibu'), entry('a/undo_001')]),
  ['innodbDataHome/ibdata1', 'innodbLogHome/#innodb_redo/#ib_redo9', 'innodbLogHome/ib_logfile0', 'dataDir/mysql.ibd', 'dataDir/a/b#p#p0.ibd',
    'undoDir/undo_001', 'undoDir/undo002', 'undoDir/mine.ibu', 'dataDir/a/undo_001'])
  t.end()
})

t.test('files that belong to one server are left out, the rest keeps its object names', (t) => {
  const private_ = ['auto.cnf', 'mysqld-auto.cnf', 'my.cnf', 'server-key.pem', 'ibtmp1', '#ib_16384_0.dblwr', '#innodb_temp/temp_1.ibt', 'lost+found/x',
    '.tabletd.json', '.restore_in_progress', 'a/.hidden', '.x/y', 'binlog.index', 'logs/relay.index', 'binlog.state', 'binlog.000001', 'master.info']
  const { files } = planRestore(manifestWith({ FileEntries: [...private_.map((name) => entry(name, { Base: 'InnoDBData' })), entry('a/t.ibd')] }))
  t.same(files.map(({ index, name, objects }) => [index, name, objects[0]?.object]), [[private_.length, 'a/t.ibd', String(private_.length)]])
  t.end()
})

t.test('paths that could leave their directory are refused', (t) => {
  for (const name of ['', '/etc/passwd', '..', '../x', 'a/../../x', 'a/..', './x', 'a//b', 'a/', 'a\\..\\x', 'a\0b', 'a\nb', `a/${'x'.repeat(256)}`, 'x/'.repeat(600) + 'y']) {
    t.throws(refused([entry('a/t.ibd'), entry(name)]), { code: 'MANIFEST_INVALID' }, JSON.stringify(name).slice(0, 30))
  }
  for (const directory of ['', 'Data', 'Data/', 'Data/../x', 'Data//x', '/x', 'InnoDBData/x', 'BinLog/x', 'Data/.x']) {
    t.throws(refused([entry('a/t.ibd')], { Directories: [directory] }), { code: 'MANIFEST_INVALID' }, `directory ${JSON.stringify(directory)}`)
  }
  t.end()
})

t.test('what contradicts itself or is of another kind is refused', (t) => {
  const whole = [entry('a/t.ibd')]
  const table: readonly (readonly [string, readonly FileEntry[], Partial<BackupManifest>, string])[] = [
    ['no files', [], {}, 'MANIFEST_INVALID'],
    ['one path twice', [...whole, ...whole], {}, 'MANIFEST_INVALID'],
    ['one undo file under two bases', [entry('undo_001'), entry('undo_001', { Base: 'InnoDBData' })], {}, 'MANIFEST_INVALID'],
    ['an unknown base', [entry('x', { Base: 'constructor' as 'Data' })], {}, 'MANIFEST_INVALID'],
    ['no hash', [entry('x', { Hash: '' })], {}, 'MANIFEST_INVALID'],
    ['a hash that is none', [entry('x', { Hash: 'zzzzzzzz' })], {}, 'MANIFEST_INVALID'],
    ['a negative size', [entry('x', { Size: -1 })], {}, 'MANIFEST_INVALID'],
    ['a size that is no number of bytes', [entry('x', { StoredSize: 1.5 })], {}, 'MANIFEST_INVALID'],
    ['binary logs', [entry('binlog.000001', { Base: 'BinLog' })], {}, 'BACKUP_UNSUPPORTED'],
    ['a parent path', [entry('x', { ParentPath: '/tmp' })], {}, 'BACKUP_UNSUPPORTED'],
    ['an incremental backup', whole, { Incremental: true }, 'BACKUP_UNSUPPORTED'],
    ['a transform hook', whole, { TransformHook: 'encrypt.sh' }, 'BACKUP_UNSUPPORTED'],
    ['another engine', whole, { BackupMethod: 'xtrabackup' }, 'BACKUP_UNSUPPORTED'],
  ]
  for (const [title, entries, more, code] of table) t.throws(refused(entries, more), { code }, title)
  t.doesNotThrow(refused(whole, { BackupMethod: '' }), 'a backup of before 2019 names no method')
  t.end()
})

const chunk = (StorageName: string, Offset: number, Size: number, Hash = '00000000'): ManifestChunk => ({ StorageName, Offset, Size, Hash })

t.test('chunks cover their file from its first byte, without gaps, under their own names', (t) => {
  const of = (...Chunks: readonly ManifestChunk[]) => refused([entry('a/t.ibd', { Hash: '', Chunks })])
  t.doesNotThrow(of(chunk('0-0', 0, 10), chunk('0-1', 10, 3)))
  t.throws(of(chunk('0-0', 1, 10)), { code: 'MANIFEST_INVALID' }, 'begins late')
  t.throws(of(chunk('0-0', 0, 10), chunk('0-1', 11, 3)), { code: 'MANIFEST_INVALID' }, 'gap')
  t.throws(of(chunk('0-0', 0, 10), chunk('0-1', 9, 3)), { code: 'MANIFEST_INVALID' }, 'overlap')
  t.throws(of(chunk('0-0', 0, 0)), { code: 'MANIFEST_INVALID' }, 'empty')
  t.throws(of(chunk('0-0', 0, -5)), { code: 'MANIFEST_INVALID' }, 'negative')
  t.throws(of(chunk('0-0', 0, Number.MAX_SAFE_INTEGER), chunk('0-1', Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)), { code: 'MANIFEST_INVALID' }, 'too large')
  for (const name of ['1-0', '0-1', '../0-0', 'MANIFEST', '0', '']) t.throws(of(chunk(name, 0, 10)), { code: 'MANIFEST_INVALID' }, `stored as ${name}`)
  t.end()
})

const hashOf = (object: Uint8Array): string => crc32(object).toString(16).padStart(8, '0')

/** Objects written by hand, as Vitess of some age would have. */
async function store(it: Rig, objects: Readonly<Record<string, Buffer>>): Promise<void> {
  const backup = await it.storage.startBackup(SHARD, NAME, it.ctx)
  for (const [name, bytes] of Object.entries(objects)) {
    await backup.writeFile(name, (async function* () { yield bytes })(), { sizeHint: -1 }, it.ctx)
  }
}

t.test('a manifest of 2018 with four fields and several gzip members in an object is restored', async (t) => {
  await using it = await rig()
  const object = Buffer.concat([gzipSync('first half '), gzipSync('second half')])
  await store(it, { 0: object })
  const manifest = manifestWith({ BackupMethod: '', FileEntries: [entry('a/t.ibd', { Hash: hashOf(object) })], TransformHook: '', SkipCompress: false })
  const { CompressionEngine: _, ...old } = manifest
  await it.verify(old)
  await it.restore(old)
  t.equal((await it.restored())['data/a/t.ibd'], 'first half second half')
})

const CHUNKS = ['0123456789', 'abcde', 'z'].map((text) => Buffer.from(text))

async function chunked(it: Rig, change: (objects: Record<string, Buffer>) => void = () => undefined): Promise<BackupManifest> {
  const objects = Object.fromEntries(CHUNKS.map((part, index) => [`0-${index}`, gzipSync(part)]))
  const hash = (name: string): string => hashOf(objects[name] as Buffer)
  const Chunks = [chunk('0-0', 0, 10, hash('0-0')), chunk('0-1', 10, 5, hash('0-1')), chunk('0-2', 15, 1, hash('0-2'))]
  change(objects)
  await store(it, objects)
  return manifestWith({ CompressionEngine: 'pargzip', FileEntries: [entry('a/large.ibd', { Hash: '', Chunks })] })
}

t.test('chunks of v25 are written at their offsets, also when each fails once, and also in parallel', async (t) => {
  for (const concurrency of [1, 4]) {
    await using it = await rig({ read: (_, count) => { if (count === 1) throw new Error('cut'); return undefined } })
    const manifest = await chunked(it)
    await it.verify(manifest)
    await it.restore(manifest, concurrency)
    t.equal((await it.restored())['data/a/large.ibd'], '0123456789abcdez')
    t.ok(it.messages.some((message) => /^Restoring chunk 0-1 of file/.test(message)))
  }
})

t.test('scenario 44: a chunk that is cut short, garbage, missing or of another size', async (t) => {
  const table: readonly (readonly [string, (objects: Record<string, Buffer>) => void])[] = [
    ['cut short', (objects) => { objects['0-1'] = (objects['0-1'] as Buffer).subarray(0, 12) }],
    ['garbage', (objects) => { objects['0-1'] = Buffer.from('garbage') }],
    ['missing', (objects) => { delete objects['0-1'] }],
    ['too long', (objects) => { objects['0-1'] = gzipSync('abcdef') }],
    ['too short', (objects) => { objects['0-1'] = gzipSync('abcd') }],
    ['other bytes of the same size', (objects) => { objects['0-1'] = gzipSync('abcdf') }],
  ]
  for (const [title, change] of table) {
    await using it = await rig()
    const manifest = await chunked(it, change)
    await t.rejects(it.restore(manifest), { code: 'BACKUP_CORRUPT' }, title)
    if (title === 'missing') await t.rejects(it.verify(manifest), { code: 'BACKUP_CORRUPT', message: /0-1/ })
  }
})

t.test('an object of 0 bytes, as Go writes for an empty file, is an empty file', async (t) => {
  await using it = await rig()
  await store(it, { 0: Buffer.alloc(0), 1: zstdCompressSync('full') })
  const FileEntries = [entry('a/empty.MYD'), entry('a/full.MYD', { Hash: hashOf(zstdCompressSync('full')) })]
  await it.restore(manifestWith({ FileEntries }))
  t.equal((await it.restored())['data/a/empty.MYD'], '')
  t.equal((await it.restored())['data/a/full.MYD'], 'full')
})

t.test('a link that stands in the way is not written through, neither for a file nor for a directory', async (t) => {
  await using it = await rig()
  await store(it, { 0: zstdCompressSync('hostile') })
  const manifest = manifestWith({ FileEntries: [entry('a/t.ibd', { Hash: hashOf(zstdCompressSync('hostile')) })] })
  const outside = join(it.path, 'outside')
  mkdirSync(outside)
  symlinkSync(outside, join(it.target, 'data/a'))
  await t.rejects(it.restore(manifest), { code: 'PATH_ESCAPES' })
  rmSync(join(it.target, 'data/a'))
  mkdirSync(join(it.target, 'data/a'))
  await writeFile(join(outside, 'victim'), 'untouched')
  symlinkSync(join(outside, 'victim'), join(it.target, 'data/a/t.ibd'))
  await t.rejects(it.restore(manifest), { code: 'LOCAL_IO_FAILED' })
  t.same(await readTree(outside), { victim: 'untouched' })
})

leavesNothingBehind(t)
