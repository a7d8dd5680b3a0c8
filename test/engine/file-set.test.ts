import { mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { chooseFiles, parseDataFilePath } from '../../src/engine/file-set.ts'
import { listDirectories, withRealPaths, type DirectoryListings, type ListedEntry } from '../../src/engine/list-directories.ts'
import type { CopyFacts } from '../../src/mysqld/mysqld.ts'
import { tempDir } from '../support/temp-dir.ts'
import { MYSQL_FILES, factsOf, writeTree } from './fake-server.ts'

type Space = CopyFacts['tablespaceFiles'][number]
const space = (path: string, kind: Space['kind'] = 'table'): Space => ({ name: path, path, kind })

/** `dir/` is a directory, `link@` a link, `dir@/` a link to a directory; directories of files are listed as well. */
function entries(...names: readonly string[]): readonly ListedEntry[] {
  const found = new Map<string, ListedEntry>()
  for (const name of names) {
    const path = name.replace(/@?\/?$/, '')
    for (let at = path.indexOf('/'); at !== -1; at = path.indexOf('/', at + 1)) {
      found.set(path.slice(0, at), { path: path.slice(0, at), kind: 'directory', bytes: 0 })
    }
    const kind = name.endsWith('@/') ? 'linked-directory' : name.endsWith('@') ? 'link' : name.endsWith('/') ? 'directory' : 'file'
    found.set(path, { path, kind, bytes: 10 })
  }
  return [...found.values()].sort((a, b) => a.path < b.path ? -1 : 1)
}

const listings = (more: Partial<DirectoryListings> = {}): DirectoryListings => ({
  dataDir: entries('mysql.ibd', 'vt_commerce/corder.ibd'), innodbDataHome: entries('ibdata1'),
  innodbLogHome: entries('#innodb_redo/#ib_redo9'), undoDir: [], ...more,
})
const chosen = (more: Partial<DirectoryListings>, facts: Parameters<typeof factsOf>[1] = {}): readonly string[] =>
  chooseFiles(listings(more), factsOf('/db', facts)).files.map(({ base, name }) => `${base}/${name}`)
const refused = (more: Partial<DirectoryListings>, facts: Parameters<typeof factsOf>[1] = {}) => (): void => { chosen(more, facts) }

t.test('scenario 46: MySQL with #innodb_redo, and before 8.0.30 with ib_logfile*', (t) => {
  const dataDir = entries('mysql.ibd', 'sys/sys_config.ibd', 'performance_schema/accounts_145.sdi', 'vt_commerce/corder.ibd', 'rocks/t.sst',
    'undo_001', 'undo_002', 'auto.cnf', 'mysqld-auto.cnf', 'ca.pem', 'binlog.000001', 'binlog.index', 'relay.000002', 'ibtmp1', '#innodb_temp/temp_1.ibt',
    '#ib_16384_0.dblwr', '#ib_archive/', '#clone/x', 'ib_buffer_pool', 'host.pid', 's', 'error.log', 'general.log', 'lost+found/', '.tabletd.json',
    '.before-restore-1/vt_commerce/corder.ibd', 'master.info', 'gvwstate.state', 'keyring', 'unrelated-file')
  const common = ['Data/mysql.ibd', 'Data/undo_001', 'Data/undo_002', 'Data/performance_schema/accounts_145.sdi', 'Data/rocks/t.sst',
    'Data/sys/sys_config.ibd', 'Data/vt_commerce/corder.ibd']
  t.same(chosen({ dataDir, undoDir: dataDir }), ['InnoDBData/ibdata1', 'InnoDBLog/#innodb_redo/#ib_redo9', ...common])
  t.same(chosen({ dataDir, undoDir: dataDir, innodbLogHome: entries('ib_logfile0', 'ib_logfile1', 'other') }),
    ['InnoDBData/ibdata1', 'InnoDBLog/ib_logfile0', 'InnoDBLog/ib_logfile1', ...common])
  t.same(chosen({ dataDir, undoDir: dataDir, innodbLogHome: entries('#innodb_redo/#ib_redo9', '#innodb_redo/#ib_redo10_tmp', 'ib_logfile0') }).slice(1, 3),
    ['InnoDBLog/#innodb_redo/#ib_redo10_tmp', 'InnoDBLog/#innodb_redo/#ib_redo9'], 'the directory wins')
  t.end()
})

t.test('all in one directory: nothing twice, nothing of the server\'s own', (t) => {
  const all = entries('mysql.ibd', 'ibdata1', 'ibtmp1', '#innodb_redo/#ib_redo9', 'undo_001', 'a/t.ibd')
  const dirs = { innodbDataHome: '/db/data', innodbLogHome: '/db/data' }
  t.same(chosen({ dataDir: all, innodbDataHome: all, innodbLogHome: all, undoDir: all }, { dirs }),
    ['InnoDBData/ibdata1', 'InnoDBLog/#innodb_redo/#ib_redo9', 'Data/mysql.ibd', 'Data/undo_001', 'Data/a/t.ibd'])
  t.end()
})

t.test('MariaDB: undo001, the Aria log, db.opt; no binary logs and no info files', (t) => {
  const all = entries('ibdata1', 'ib_logfile0', 'undo001', 'undo002', 'aria_log_control', 'aria_log.00000001', 'aria_log.txt', 'mysql/proc.MAI',
    'mysql/proc.MAD', 'empty/db.opt', 'multi-master.info', 'mysql_upgrade_info', 'binlog.000001', 'binlog.state', 'ddl_recovery.log')
  const dirs = { innodbDataHome: '/db/data', innodbLogHome: '/db/data' }
  t.same(chosen({ dataDir: all, innodbDataHome: all, innodbLogHome: all, undoDir: all }, { dirs }), ['InnoDBData/ibdata1', 'InnoDBLog/ib_logfile0',
    'Data/aria_log.00000001', 'Data/aria_log_control', 'Data/undo001', 'Data/undo002', 'Data/empty/db.opt', 'Data/mysql/proc.MAD', 'Data/mysql/proc.MAI'])
  t.throws(refused({ dataDir: entries('mysql/proc.MAI') }), { code: 'TABLESPACE_OUTSIDE', message: /aria_log_control/ }, 'an Aria log elsewhere is refused')
  t.end()
})

t.test('undo files are Data, wherever they lie, and each is there once', (t) => {
  const undoDir = entries('undo_001', 'undo_002', 'mine.ibu', 'unrelated')
  t.same(chosen({ undoDir }, { dirs: { undoDir: '/db/undo' } }).filter((name) => /undo|ibu/.test(name)), ['Data/mine.ibu', 'Data/undo_001', 'Data/undo_002'])
  const { files } = chooseFiles(listings({ undoDir }), factsOf('/db', { dirs: { undoDir: '/db/undo' } }))
  t.equal(files.find(({ name }) => name === 'mine.ibu')?.path, '/db/undo/mine.ibu')
  t.doesNotThrow(refused({ undoDir }, { dirs: { undoDir: '/db/undo' }, tablespaceFiles: [space('/db/data/mine.ibu', 'undo')] }),
    'a new one is named in the data directory and found in the undo directory')
  t.throws(refused({ undoDir }, { dirs: { undoDir: '/db/undo' }, tablespaceFiles: [space('/db/data/other.ibu', 'undo')] }), { code: 'TABLESPACE_OUTSIDE' })
  const stale = entries('mysql.ibd', 'undo_001', 'a/t.ibd')
  t.equal(chosen({ dataDir: stale, undoDir }, { dirs: { undoDir: '/db/undo' } }).filter((name) => name === 'Data/undo_001').length, 1, 'a stale one is left out')
  t.throws(refused({ dataDir: stale, undoDir }, { dirs: { undoDir: '/db/undo' }, tablespaceFiles: [space('/db/data/undo_001', 'undo')] }),
    { code: 'TABLESPACE_OUTSIDE', message: /undo_001/ }, 'two that are in use cannot both be restored')
  t.same(chosen({ dataDir: entries('mysql.ibd', 'odd_name', 'a/t.ibd'), undoDir }, { dirs: { undoDir: '/db/undo' }, tablespaceFiles: [space('/db/data/odd_name', 'undo')] })
    .filter((name) => name.includes('odd')), ['Data/odd_name'], 'one in the data directory that the server names is copied')
  t.end()
})

t.test('tablespaces: those named in the data directory are copied, those outside are refused by name', (t) => {
  const dataDir = entries('mysql.ibd', 'gt.ibd', 'left-over.ibd', 'a/t.ibd', 'a/p#p#p0.ibd')
  const inside = [space('/db/data/gt.ibd', 'general'), space('/db/data/a/t.ibd'), space('/db/data/mysql.ibd', 'general'), space('/db/innodb/ibdata1', 'system'),
    space('/db/data/ibtmp1', 'temporary'), space('/elsewhere/temp', 'temporary')]
  t.same(chosen({ dataDir }, { tablespaceFiles: inside }).filter((name) => name.startsWith('Data/')),
    ['Data/gt.ibd', 'Data/mysql.ibd', 'Data/a/p#p#p0.ibd', 'Data/a/t.ibd'])
  for (const kind of ['table', 'general', 'undo', 'system'] as const) {
    t.throws(refused({ dataDir }, { tablespaceFiles: [...inside, space('/mnt/fast/x.ibd', kind)] }), { code: 'TABLESPACE_OUTSIDE', message: /\/mnt\/fast\/x\.ibd/ }, kind)
  }
  t.throws(refused({ dataDir }, { tablespaceFiles: [space('/db/data/a/vanished.ibd')] }), { code: 'TABLESPACE_OUTSIDE', message: /vanished/ }, 'missing')
  t.throws(refused({ dataDir }, { tablespaceFiles: [space('/db/database2/t.ibd')] }), { code: 'TABLESPACE_OUTSIDE' }, 'a directory that only begins with the same letters')
  t.end()
})

t.test('empty schemas are directories to make; directories of the server are not', (t) => {
  const dataDir = entries('mysql.ibd', 'empty/', 'a/t.ibd', 'a/sub/', 'innodb/ibdata1', 'undo/undo_001', 'tmp/', 'logs/binlog.000001')
  const dirs = { innodbDataHome: '/db/data/innodb', undoDir: '/db/data/undo', tmpDir: '/db/data/tmp', binlogBase: '/db/data/logs/binlog' }
  const set = chooseFiles(listings({ dataDir }), factsOf('/db', { dirs }))
  t.same(set.directories, ['Data/a/sub', 'Data/empty'])
  t.same(set.files.map(({ name }) => name).filter((name) => /undo|logs|tmp|innodb\//.test(name)), [], 'nothing of the server\'s own directories as a schema')
  t.end()
})

t.test('what would be lost is refused', (t) => {
  t.throws(refused({ dataDir: entries('a/t.ibd', 'b@/') }), { code: 'TABLESPACE_OUTSIDE', message: /\/db\/data\/b/ }, 'a schema that is a link')
  t.throws(refused({ dataDir: entries('a/t.MYD@') }), { code: 'TABLESPACE_OUTSIDE', message: /t\.MYD/ }, 'a MyISAM file that is a link')
  t.throws(refused({ dataDir: entries('a/t.isl') }), { code: 'TABLESPACE_OUTSIDE', message: /t\.isl/ }, 'an InnoDB link file')
  t.throws(refused({ innodbDataHome: entries('ibdata1@') }), { code: 'TABLESPACE_OUTSIDE' }, 'a system tablespace that is a link')
  t.throws(refused({}, { encrypted: ['vt_commerce.corder'] }), { code: 'ENCRYPTION_UNSUPPORTED', message: /vt_commerce\.corder/ })
  for (const engine of ['ROCKSDB', 'TokuDB', 'Columnstore']) t.throws(refused({}, { engines: ['InnoDB', engine] }), { code: 'ENGINE_NOT_COPIED', message: new RegExp(engine) })
  t.throws(refused({ innodbDataHome: [] }), { code: 'DATADIR_UNREADABLE', message: /ibdata1/ }, 'no system tablespace')
  t.throws(refused({ innodbLogHome: [] }), { code: 'DATADIR_UNREADABLE', message: /redo/ }, 'no redo log')
  t.doesNotThrow(refused({ dataDir: entries('a/t.ibd', 'mysql.sock@', 'error.log@') }), 'links beside the schemas are nobody\'s data')
  t.end()
})

t.test('innodb_data_file_path as people write it', (t) => {
  const table: readonly (readonly [string, readonly string[]])[] = [
    ['ibdata1:12M:autoextend', ['ibdata1']],
    ['ibdata1:12M;ibdata2:50M:autoextend:max:1G', ['ibdata1', 'ibdata2']],
    ['ibdata1:104857600', ['ibdata1']],
    [' ibdata1:12M ; sub/ibdata2:1G ;', ['ibdata1', 'sub/ibdata2']],
    ['/db/innodb/ibdata1:1G', ['/db/innodb/ibdata1']],
  ]
  for (const [text, names] of table) t.same(parseDataFilePath(text), names, text)
  for (const raw of ['/dev/sdb1:3Gnewraw', '/dev/sdb1:3Graw']) t.throws(() => parseDataFilePath(raw), { code: 'TABLESPACE_OUTSIDE', message: /sdb1/ }, raw)
  t.same(chosen({ innodbDataHome: entries('ibdata1', 'ibdata2', 'ib_buffer_pool') }, { innodbDataFilePath: '/db/innodb/ibdata1:1G;ibdata2:1G' }).slice(0, 2),
    ['InnoDBData/ibdata1', 'InnoDBData/ibdata2'])
  t.throws(refused({}, { innodbDataFilePath: '/other/ibdata1:1G' }), { code: 'TABLESPACE_OUTSIDE', message: /\/other\/ibdata1/ })
  t.end()
})

t.test('real directories: links in the way to them are followed, links in them are not', async (t) => {
  await using dir = await tempDir()
  const root = dir.path
  await writeTree(root, { ...MYSQL_FILES, 'data/a/t.ibd': 'x', 'data/.hidden/deep/file': '', 'data/lost+found/x': '', 'outside/o.ibd': 'y' })
  mkdirSync(join(root, 'data/empty'))
  symlinkSync(join(root, 'data'), join(root, 'link-to-data'))
  const dirs = { dataDir: join(root, 'link-to-data'), undoDir: join(root, 'link-to-data') }
  const facts = await withRealPaths(factsOf(root, { dirs, tablespaceFiles: [space(join(root, 'link-to-data/a/t.ibd')), space(join(root, 'data/mysql.ibd'), 'general')] }))
  const set = chooseFiles(await listDirectories(facts), facts)
  t.same(set.files.map(({ base, name }) => `${base}/${name}`), ['InnoDBData/ibdata1', 'InnoDBLog/#innodb_redo/#ib_redo9', 'Data/mysql.ibd', 'Data/undo_001',
    'Data/a/t.ibd', 'Data/vt_commerce/corder.ibd'])
  t.same(set.directories, ['Data/empty'])
  t.equal(set.files.find(({ name }) => name === 'mysql.ibd')?.bytes, 15)
  symlinkSync(join(root, 'outside'), join(root, 'data/linked'))
  t.throws(() => chooseFiles({ ...listings(), dataDir: entries('linked@/') }, facts), { code: 'TABLESPACE_OUTSIDE' })
  await t.rejects(async () => chooseFiles(await listDirectories(facts), facts), { code: 'TABLESPACE_OUTSIDE', message: /linked/ })
  await t.rejects(listDirectories(factsOf(join(root, 'nowhere'))), { code: 'LOCAL_IO_FAILED' })
})
