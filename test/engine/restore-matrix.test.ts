/** A cold copy of a real server, restored into every layout, starts and holds the same rows. */
import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { silentLogger } from '../../src/base/logger.ts'
import { builtinBackupEngine } from '../../src/engine/builtin-backup.ts'
import { builtinRestoreEngine } from '../../src/engine/builtin-restore.ts'
import type { EngineManifest } from '../../src/model/manifest.ts'
import { openMysqld } from '../../src/mysqld/sql-mysqld.ts'
import { fileStorage } from '../../src/storage/file-storage.ts'
import type { BackupStorage } from '../../src/storage/backup-storage.ts'
import { leavesNothingBehind } from '../support/leftovers.ts'
import { forEachServer, type TestServer } from '../support/servers.ts'
import { tempDir } from '../support/temp-dir.ts'
import { startMysqld, type ThrowawayMysqld } from '../support/throwaway-mysqld.ts'
import { NAME, SHARD, ZSTD, manifestWith } from './builtin-rig.ts'
import { LAYOUTS, initialise, openLayout, sampleSql, type Layout } from './layouts.ts'

const ctx = { signal: new AbortController().signal, log: silentLogger() }
const onProgress = (): void => undefined

for (const from of LAYOUTS) {
  forEachServer(t, `from ${from} to every layout, the rows are the same`, async (t, server) => {
    await using dir = await tempDir()
    const storage = fileStorage({ root: dir.path })
    const { manifest, rows } = await backUpSample(await openLayout(from, server), { server, storage })
    t.ok(Object.keys(rows).length > 30, 'system tables are compared as well')
    for (const to of LAYOUTS) {
      await using layout = await openLayout(to, server)
      await using mysqld = await restoreInto(layout, { server, storage, manifest })
      t.same(await contentOf(mysqld), rows, `to ${to}: every table`)
      t.match(await mysqld.rows('CALL app.proc()'), [[{ answer: 42 }]], `to ${to}: the procedure`)
      t.same(await mysqld.rows('SELECT COUNT(*) AS n FROM app.view_of'), [{ n: 900 }])
      if (server.name === 'mysql') {
        t.same(await mysqld.rows('SELECT STATE AS state FROM information_schema.INNODB_TABLESPACES WHERE NAME = \'mine\''), [{ state: 'active' }],
          `to ${to}: the user's undo tablespace`)
      }
      t.same((await mysqld.rows('SHOW DATABASES')).map((row) => row['Database']).filter((name) => /app|odd|empty/.test(String(name))),
        ['app', 'empty_schema', 'odd #name'], `to ${to}: schemas, the empty one too`)
      await mysqld.run(`CREATE TABLE empty_schema.new (id INT PRIMARY KEY); INSERT INTO app.plain VALUES (100000, 'written'); UPDATE app.parts SET v = 'x';
        INSERT INTO app.isam VALUES (100000, 'x'); CREATE USER later@localhost`)
      t.equal(await mysqld.stop(), 0, `to ${to}: it takes writes and stops cleanly`)
    }
  })
}

/** A sample server in `layout`, copied after a clean stop; and what its tables held. */
async function backUpSample(
  layout: Layout, { server, storage }: { readonly server: TestServer, readonly storage: BackupStorage },
): Promise<{ readonly manifest: EngineManifest, readonly rows: Readonly<Record<string, unknown>> }> {
  await using opened = layout
  await using mysqld = await startMysqld({ server, cnf: opened.cnf, prepare: (dataDir) => initialise(server, opened, dataDir) })
  await mysqld.run(sampleSql(server))
  const rows = await contentOf(mysqld)
  await using local = openMysqld({ socket: () => mysqld.socket, user: 'root', password: '' })
  const source = await local.copyFacts(ctx)
  const stopped = await mysqld.stop()
  if (stopped !== 0) throw new Error(`mysqld stopped with ${stopped}`)
  const into = await storage.startBackup(SHARD, NAME, ctx)
  const { manifest } = await builtinBackupEngine(ZSTD).executeBackup({ into, source, concurrency: 4, onProgress }, ctx)
  return { manifest, rows }
}

interface Restoring {
  readonly server: TestServer
  readonly storage: BackupStorage
  readonly manifest: EngineManifest
}

async function restoreInto(layout: Layout, { server, storage, manifest: engine }: Restoring): Promise<ThrowawayMysqld> {
  const manifest = manifestWith(engine)
  const prepare = async (dataDir: string): Promise<void> => {
    const from = storage.openBackup(SHARD, NAME)
    await builtinRestoreEngine().verify({ from, manifest }, ctx)
    await builtinRestoreEngine().executeRestore({ from, manifest, to: layout.to(dataDir), concurrency: 4, onProgress }, ctx)
  }
  return await startMysqld({ server, cnf: layout.cnf, prepare })
}

/** The checksum of every table, system tables included where they do not change by themselves. */
async function contentOf(mysqld: ThrowawayMysqld): Promise<Readonly<Record<string, unknown>>> {
  const tables = await mysqld.rows(`SELECT TABLE_SCHEMA AS db, TABLE_NAME AS name FROM information_schema.TABLES
    WHERE TABLE_TYPE = 'BASE TABLE' AND TABLE_SCHEMA NOT IN ('information_schema', 'performance_schema')
    AND TABLE_NAME NOT IN ('gtid_executed', 'general_log', 'slow_log', 'innodb_table_stats', 'innodb_index_stats', 'gtid_slave_pos', 'transaction_registry')
    ORDER BY 1, 2`)
  const names = tables.map(({ db, name }) => `\`${String(db)}\`.\`${String(name)}\``)
  const sums = await mysqld.rows(`CHECKSUM TABLE ${names.join(', ')}`)
  return Object.fromEntries(sums.map((row) => [String(row['Table']), row['Checksum']]))
}

forEachServer(t, 'a tablespace outside the directories is refused by its name', async (t, server) => {
  await using elsewhere = await tempDir()
  await using dir = await tempDir()
  await mkdir(join(elsewhere.path, 'store'))
  const cnf = server.name === 'mysql' ? [`innodb-directories=${elsewhere.path}/store`] : []
  await using mysqld = await startMysqld({ server, cnf })
  await using local = openMysqld({ socket: () => mysqld.socket, user: 'root', password: '' })
  await mysqld.run(`CREATE DATABASE app; CREATE TABLE app.far (id INT PRIMARY KEY) DATA DIRECTORY='${elsewhere.path}/store'`)
  const source = await local.copyFacts(ctx)
  await mysqld.stop()
  const into = await fileStorage({ root: dir.path }).startBackup(SHARD, NAME, ctx)
  const backup = builtinBackupEngine(ZSTD).executeBackup({ into, source, concurrency: 1, onProgress }, ctx)
  await t.rejects(backup, { code: 'TABLESPACE_OUTSIDE', message: /far/ })
  t.same(await into.confirmFiles(ctx), [], 'before anything was copied')
})

forEachServer(t, 'a MyISAM table whose files are links to elsewhere is refused', async (t, server) => {
  await using elsewhere = await tempDir()
  await using dir = await tempDir()
  await using mysqld = await startMysqld({ server, cnf: ['symbolic-links=ON'] })
  await using local = openMysqld({ socket: () => mysqld.socket, user: 'root', password: '' })
  await mysqld.run(`CREATE DATABASE app; CREATE TABLE app.far (id INT) ENGINE=MyISAM DATA DIRECTORY='${elsewhere.path}'`)
  t.ok((await readdir(elsewhere.path)).length > 0, 'the server put it there')
  const source = await local.copyFacts(ctx)
  await mysqld.stop()
  const into = await fileStorage({ root: dir.path }).startBackup(SHARD, NAME, ctx)
  await t.rejects(builtinBackupEngine(ZSTD).executeBackup({ into, source, concurrency: 1, onProgress }, ctx), { code: 'TABLESPACE_OUTSIDE', message: /far/ })
}, { server: 'mariadb', why: 'MySQL has removed DATA DIRECTORY for MyISAM' })

leavesNothingBehind(t)
