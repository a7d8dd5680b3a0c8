/** What a data directory is taken for, and how room is made in it without losing what was there. */
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import t from 'tap'
import { directoryVerdict, emptyServerVerdict, inspectDirectory, type EmptinessFacts } from '../../src/mysqld/data-directory.ts'
import { dataPlaces, innerDirectories, type DataPaths } from '../../src/mysqld/data-layout.ts'
import { asideStamp, listAside, removeAside, removeData, setAside } from '../../src/mysqld/set-aside.ts'
import { tempDir } from '../support/temp-dir.ts'
import { moveBack } from './move-back.ts'

const mysql = { flavor: 'mysql', version: { product: 'MySQL', major: 8, minor: 4, patch: 3 } } as const
const mariadb = { flavor: 'mariadb', version: { product: 'MariaDB', major: 10, minor: 11, patch: 19 } } as const

const pathsIn = (dir: string, more: Partial<DataPaths> = {}): DataPaths => ({
  dataDir: join(dir, 'data'), innodbDataHome: join(dir, 'data'), innodbLogHome: join(dir, 'data'), undoDir: join(dir, 'data'),
  innodbDataFilePath: 'ibdata1:12M:autoextend', binlogBase: join(dir, 'data/binlog'), relayLogBase: join(dir, 'data/relay'), ...more,
})

function put(dir: string, ...files: readonly string[]): void {
  for (const file of files) {
    const path = join(dir, file)
    mkdirSync(file.endsWith('/') ? path : dirname(path), { recursive: true })
    if (!file.endsWith('/')) writeFileSync(path, file)
  }
}

/** Every file below, with its content. */
const tree = (dir: string): Record<string, string> => Object.fromEntries(readdirSync(dir, { recursive: true, encoding: 'utf8' }).sort()
  .map((name) => [name, statSync(join(dir, name)).isDirectory() ? '/' : readFileSync(join(dir, name), 'utf8')]))

const MYSQL_FILES = ['data/ibdata1', 'data/mysql/general_log.CSV', 'data/mysql.ibd', 'data/#innodb_redo/#ib_redo1']
const MARIA_FILES = ['data/ibdata1', 'data/mysql/db.frm', 'data/ib_logfile0', 'data/aria_log_control']

t.test('the verdict by names: none, something, or unreadable with its reason', async (t) => {
  const history = '{"upgrade_history":[{"version":"8.0.30"},{"version":"9.7.4"}]}'
  const rows = [
    ['no directory', [], mysql, 'none'],
    ['nothing', ['data/'], mysql, 'none'],
    ['lost+found and dot names', ['data/lost+found/', 'data/.restore_in_progress', 'data/.tabletd.json', 'data/.before-restore-x/ibdata1'], mysql, 'none'],
    ['the operator\'s own files', ['data/mysqld-auto.cnf', 'data/ca.pem', 'data/keyring'], mysql, 'none'],
    ['a MySQL server', MYSQL_FILES, mysql, 'something'],
    ['a MariaDB server', MARIA_FILES, mariadb, 'something'],
    ['MariaDB data under MySQL', MARIA_FILES, mysql, 'unreadable'],
    ['MySQL data under MariaDB', MYSQL_FILES, mariadb, 'unreadable'],
    ['5.7 data: left to the server', ['data/ibdata1', 'data/mysql/user.frm', 'data/ib_logfile0'], mysql, 'something'],
    ['a schema only', ['data/shop/t.ibd'], mysql, 'unreadable'],
    ['no system tablespace', MYSQL_FILES.slice(1), mysql, 'unreadable'],
    ['no redo', MYSQL_FILES.slice(0, 3), mysql, 'unreadable'],
    ['an empty redo directory', [...MYSQL_FILES.slice(0, 3), 'data/#innodb_redo/'], mysql, 'unreadable'],
    ['any other file', ['data/README'], mysql, 'unreadable'],
  ] as const
  for (const [what, files, server, verdict] of rows) {
    await using dir = await tempDir()
    put(dir.path, ...files)
    t.equal(directoryVerdict(await inspectDirectory(pathsIn(dir.path)), server).verdict, verdict, what)
  }
  await using dir = await tempDir()
  put(dir.path, ...MYSQL_FILES)
  writeFileSync(join(dir.path, 'data/mysql_upgrade_history'), history)
  t.match(directoryVerdict(await inspectDirectory(pathsIn(dir.path)), mysql), { verdict: 'unreadable', reason: /9\.7\.4/ }, 'of a newer server')
})

t.test('InnoDB\'s files elsewhere are data too; logs of replication alone are not', async (t) => {
  await using dir = await tempDir()
  const paths = pathsIn(dir.path, { innodbDataHome: join(dir.path, 'home'), innodbLogHome: join(dir.path, 'redo'), binlogBase: join(dir.path, 'logs/binlog') })
  put(dir.path, 'data/', 'logs/binlog.000001', 'logs/binlog.index', 'home/other-file')
  t.equal(directoryVerdict(await inspectDirectory(paths), mysql).verdict, 'none')
  put(dir.path, 'home/ibdata1')
  t.match(directoryVerdict(await inspectDirectory(paths), mysql), { verdict: 'unreadable' }, 'half a server is not an empty one')
})

t.test('an empty server is one that was initialised and never used; every doubt is data', (t) => {
  const empty: EmptinessFacts = {
    userSchemas: [], accounts: ['root@localhost', 'mysql.sys@localhost', 'our_dba@localhost', 'our_repl@%', 'root@::1', 'mariadb.sys@localhost'],
    hasTransactions: false, hasChannel: false, origin: { kind: 'none' }, ourUsers: ['our_dba', 'our_repl'],
  }
  const mark = (more: object): EmptinessFacts['origin'] => ({ kind: 'mark', mark: { made: 'bootstrap', since: '', ...more } })
  const rows: readonly (readonly [string, Partial<EmptinessFacts>, string])[] = [
    ['as initialised', {}, 'initialised-only'],
    ['made by us', { origin: mark({}) }, 'initialised-only'],
    ['a schema', { userSchemas: ['shop'] }, 'present'],
    ['an account', { accounts: ['app@%'] }, 'present'],
    ['root from anywhere', { accounts: ['root@%'] }, 'present'],
    ['transactions', { hasTransactions: true }, 'present'],
    ['a channel', { hasChannel: true }, 'present'],
    ['was attached', { origin: mark({ everAttached: true }) }, 'present'],
    ['was primary', { origin: mark({ everPromoted: true }) }, 'present'],
    ['a mark nobody can read', { origin: { kind: 'unreadable', reason: 'x' } }, 'present'],
  ]
  for (const [what, more, verdict] of rows) t.equal(emptyServerVerdict({ ...empty, ...more }).verdict, verdict, what)
  t.end()
})

const VITESS_LIKE = (dir: string): DataPaths => pathsIn(dir, {
  innodbDataHome: join(dir, 'innodb/data'), innodbLogHome: join(dir, 'innodb/logs'), undoDir: join(dir, 'data/undo'),
  binlogBase: join(dir, 'logs/binlog'), relayLogBase: join(dir, 'logs/relay'),
})
const OLD = ['data/mysql.ibd', 'data/mysql/x', 'data/shop/t.ibd', 'data/undo/undo_001', 'innodb/data/ibdata1', 'innodb/logs/#innodb_redo/r',
  'logs/binlog.000001', 'logs/binlog.index', 'logs/relay.000002']
const STAYS = ['data/mysqld-auto.cnf', 'data/ca.pem', 'data/lost+found/', 'data/.tabletd.json', 'data/.other/', 'innodb/data/note', 'logs/mysqld.err', 'logs/binlog.notes']

t.test('old data are set aside, directories and the operator\'s files stay, and all of it comes back', async (t) => {
  await using dir = await tempDir()
  const paths = VITESS_LIKE(dir.path)
  put(dir.path, ...OLD, ...STAYS)
  const before = tree(dir.path)
  await setAside(paths, 'S')
  for (const path of ['data', 'data/undo', 'innodb/data', 'innodb/logs', 'logs']) t.ok(statSync(join(dir.path, path)).isDirectory(), `${path} stays`)
  for (const file of OLD) t.notOk(tree(dir.path)[file], `${file} is out of the way`)
  for (const file of STAYS) t.ok(tree(dir.path)[file.replace(/\/$/, '')], `${file} stays`)
  t.equal(directoryVerdict(await inspectDirectory(paths), mysql).verdict, 'none')
  t.same(await listAside(paths), ['S'])
  put(dir.path, 'data/new.ibd', 'data/undo/undo_001', 'innodb/data/ibdata1')   // a restore that failed
  await moveBack(paths, 'S')
  t.same(tree(dir.path), before)
  t.same(await listAside(paths), [])
})

t.test('setting aside again with the same stamp removes what a broken-off restore made, and never the old data', async (t) => {
  await using dir = await tempDir()
  const paths = VITESS_LIKE(dir.path)
  put(dir.path, ...OLD)
  const before = tree(dir.path)
  await setAside(paths, 'S')
  put(dir.path, 'data/mysql.ibd', 'data/half/t.ibd')
  await setAside(paths, 'S')
  t.notOk(tree(dir.path)['data/half/t.ibd'])
  await moveBack(paths, 'S')
  t.same(tree(dir.path), before)
})

t.test('a move that was broken off in the middle goes on to its end, and nothing of the old data is lost', async (t) => {
  await using dir = await tempDir()
  const paths = VITESS_LIKE(dir.path)
  put(dir.path, ...OLD)
  const before = tree(dir.path)
  await setAside(paths, 'S')
  await rm(join(dir.path, 'data/.before-restore-S/.all-moved'))
  put(dir.path, 'data/shop2/t.ibd')   // not moved yet
  await setAside(paths, 'S')
  t.notOk(tree(dir.path)['data/shop2/t.ibd'], 'it is out of the way, too')
  await moveBack(paths, 'S')
  t.same(tree(dir.path), { ...before, 'data/shop2': '/', 'data/shop2/t.ibd': 'data/shop2/t.ibd' })
})

t.test('what was set aside is deleted when the new data are healthy, and data are removed only where they are data', async (t) => {
  await using dir = await tempDir()
  const paths = VITESS_LIKE(dir.path)
  put(dir.path, ...OLD, ...STAYS)
  await setAside(paths, 'S')
  put(dir.path, 'data/new.ibd')
  await removeAside(paths, 'S')
  t.same(await listAside(paths), [])
  t.ok(tree(dir.path)['data/new.ibd'])
  await removeData(paths)
  for (const file of STAYS) t.ok(tree(dir.path)[file.replace(/\/$/, '')], `${file} stays`)
  t.notOk(tree(dir.path)['data/new.ibd'])
})

t.test('directories are listed once, those inside the data directory as a part of it', (t) => {
  t.same(dataPlaces(pathsIn('/x')).map((place) => place.path), ['/x/data'])
  t.same(innerDirectories(pathsIn('/x')), [])
  t.same(dataPlaces(VITESS_LIKE('/x')).map((place) => place.path), ['/x/data', '/x/innodb/data', '/x/innodb/logs', '/x/logs'])
  t.same(innerDirectories(VITESS_LIKE('/x')), ['/x/data/undo'])
  t.equal(asideStamp(Date.UTC(2026, 10, 20, 10, 11, 12, 345)), '2026-11-20T10-11-12Z')
  t.end()
})
