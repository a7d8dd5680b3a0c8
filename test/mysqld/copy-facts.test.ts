import { execFile } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { silentLogger } from '../../src/base/logger.ts'
import { tablesElsewhere, tablespaceFilesOf } from '../../src/mysqld/copy-facts.ts'
import { openMysqld } from '../../src/mysqld/sql-mysqld.ts'
import { forEachServer } from '../support/servers.ts'
import { tempDir } from '../support/temp-dir.ts'
import { startMysqld } from '../support/throwaway-mysqld.ts'

const ctx = { signal: new AbortController().signal, log: silentLogger() }

t.test('tablespaces are told apart, and the system\'s files come from its own setting', (t) => {
  const rows = [
    ['innodb_system', './ibdata1', 'TABLESPACE'], ['innodb_undo_001', '/undo/undo_001', 'UNDO LOG'], ['u3', 'u3.ibu', 'UNDO LOG'],
    ['innodb_undo001', './/undo001', ''], ['innodb_temporary', './ibtmp1', ''], ['mysql', './mysql.ibd', 'TABLESPACE'],
    ['app/t', './app/t.ibd', 'TABLESPACE'], ['app/d', '/else/app/d.ibd', 'TABLESPACE'],
  ].map(([name, path, type]) => ({ name: name ?? '', path: path ?? '', type: type ?? '' }))
  const paths = { dataDir: '/data', innodbDataHome: '/home', innodbDataFilePath: 'ibdata1:12M;/raw/ibdata2:5M:autoextend:max:1G' }
  t.same(tablespaceFilesOf(rows, paths).map((file) => `${file.kind} ${file.name} ${file.path}`), [
    'system innodb_system /home/ibdata1', 'system innodb_system /raw/ibdata2', 'undo innodb_undo_001 /undo/undo_001', 'undo u3 /data/u3.ibu',
    'undo innodb_undo001 /data/undo001', 'temporary innodb_temporary /data/ibtmp1', 'general mysql /data/mysql.ibd', 'table app/t /data/app/t.ibd',
    'table app/d /else/app/d.ibd',
  ])
  t.end()
})

t.test('a table elsewhere is named once: by its tablespace, or else by its options', (t) => {
  const rows = ['d', 'm', 'plain'].map((table) => ({
    schema: 'app', table, options: table === 'plain' ? 'transactional=1' : 'max_rows=5 DATA DIRECTORY=\'/else/\'',
  }))
  const known = [{ name: 'app/d', path: '/else/app/d.ibd', kind: 'table' as const }]
  t.same(tablesElsewhere(rows, known), [{ name: 'app/m', path: '/else/m', kind: 'table' }])
  t.end()
})

forEachServer(t, 'every file of a table is named, wherever it lies, after a restart too', async (t, server) => {
  await using elsewhere = await tempDir()
  const dirs = ['home', 'undo', 'tables'].map((name) => join(elsewhere.path, name))
  for (const dir of dirs) await mkdir(dir)
  const [, undo = '', tables = ''] = dirs
  const cnf = server.name === 'mysql' ? [`innodb-directories=${undo};${tables}`] : []
  await using mysqld = await startMysqld({ server, cnf })
  await using local = openMysqld({ socket: () => mysqld.socket, user: 'root', password: '' })
  await mysqld.run(`CREATE DATABASE app; USE app; CREATE TABLE inside (i INT); CREATE TABLE aside (i INT) DATA DIRECTORY='${tables}';
    CREATE TABLE parts (i INT) PARTITION BY HASH (i) PARTITIONS 2; CREATE TABLE old (i INT) ENGINE=MyISAM`)
  if (server.name === 'mysql') {
    await mysqld.run(`CREATE TABLESPACE ours ADD DATAFILE 'ours.ibd'; CREATE TABLE app.ing (i INT) TABLESPACE ours;
      CREATE UNDO TABLESPACE near ADD DATAFILE 'near.ibu'; CREATE UNDO TABLESPACE far ADD DATAFILE '${undo}/far.ibu'`)
  } else {
    await mysqld.run(`CREATE TABLE app.oldaside (i INT) ENGINE=MyISAM DATA DIRECTORY='${tables}'`)
  }
  await mysqld.stop()
  await mysqld.start()
  const facts = await local.copyFacts(ctx)
  const has = (kind: string, name: string, path: string): void => {
    t.ok(facts.tablespaceFiles.some((file) => file.kind === kind && file.name === name && file.path === path), `${kind} ${name} at ${path}`)
  }
  has('system', 'innodb_system', join(mysqld.dataDir, 'ibdata1'))
  has('table', 'app/inside', join(mysqld.dataDir, 'app/inside.ibd'))
  has('table', 'app/aside', join(tables, 'app/aside.ibd'))
  for (const part of ['p0', 'p1']) {
    const file = server.name === 'mysql' ? `parts#p#${part}` : `parts#P#${part}`
    has('table', `app/${file}`, join(mysqld.dataDir, `app/${file}.ibd`))
  }
  if (server.name === 'mysql') {
    has('general', 'ours', join(mysqld.dataDir, 'ours.ibd'))
    has('general', 'mysql', join(mysqld.dataDir, 'mysql.ibd'))
    has('undo', 'near', join(mysqld.dataDir, 'near.ibu'))
    has('undo', 'far', join(undo, 'far.ibu'))
  } else {
    has('table', 'app/oldaside', join(tables, 'oldaside'))
  }
  t.same(facts.engines, ['InnoDB', 'MyISAM'])
  t.same(facts.encrypted, [])
  t.match(facts, { pageSize: 16384, lowerCaseTableNames: 0, innodbDataFilePath: 'ibdata1:12M:autoextend', paths: { dataDir: mysqld.dataDir } })
})

forEachServer(t, 'undo tablespaces of MariaDB are named', async (t, server) => {
  const init = async (dataDir: string): Promise<void> => {
    await promisify(execFile)(server.installDbPath ?? '', ['--no-defaults', `--datadir=${dataDir}`, '--skip-test-db',
      '--auth-root-authentication-method=normal', '--innodb-undo-tablespaces=3', '--innodb-log-file-size=16M',
      ...process.getuid?.() === 0 ? ['--user=root'] : []])
  }
  await using mysqld = await startMysqld({ server, cnf: ['innodb-undo-tablespaces=3'], prepare: init })
  await using local = openMysqld({ socket: () => mysqld.socket, user: 'root', password: '' })
  const undo = (await local.copyFacts(ctx)).tablespaceFiles.filter((file) => file.kind === 'undo')
  t.same(undo.map((file) => file.path).sort(), ['undo001', 'undo002', 'undo003'].map((name) => join(mysqld.dataDir, name)))
}, { server: 'mariadb', why: 'MySQL always has its own, which the test above names' })

forEachServer(t, 'encrypted schemas, tablespaces and logs are named', async (t, server) => {
  await using mysqld = await startMysqld({ server, cnf: ['aria-encrypt-tables=ON'] })
  await using local = openMysqld({ socket: () => mysqld.socket, user: 'root', password: '' })
  t.same((await local.copyFacts(ctx)).encrypted, ['Aria tables'])
}, { server: 'mariadb', why: 'MySQL encrypts nothing without a keyring component' })

forEachServer(t, 'a schema that is encrypted by default is named', async (t, server) => {
  await using mysqld = await startMysqld({ server })
  await using local = openMysqld({ socket: () => mysqld.socket, user: 'root', password: '' })
  await mysqld.run('CREATE DATABASE secret DEFAULT ENCRYPTION=\'Y\'')
  t.same((await local.copyFacts(ctx)).encrypted, ['secret'])
}, { server: 'mysql', why: 'MariaDB has no encryption by schema' })
