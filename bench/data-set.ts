/** The data directories that are copied: tables of sysbench in a real server, stopped cleanly; or one that is given. */
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { chooseFiles, type ChosenFile } from '../src/engine/file-set.ts'
import { listDirectories } from '../src/engine/list-directories.ts'
import type { CopyFacts } from '../src/mysqld/mysqld.ts'
import type { TestServer } from '../test/support/servers.ts'
import { startMysqld } from '../test/support/throwaway-mysqld.ts'
import { run } from './programs.ts'

/** A stopped server's directory, with the files that a backup of it holds. */
export interface DataSet {
  readonly dir: string
  readonly files: readonly ChosenFile[]
  readonly bytes: number
}

export interface Shape {
  readonly tables: number
  /** In each. */
  readonly rows: number
}

/** Some 240 bytes a row, with its index. */
export const rowsFor = (bytes: number): number => Math.round(bytes / 240)

/** No binary log, little redo: neither is what is measured, and a table is loaded faster without. */
const LOADING = ['skip-log-bin', 'innodb-flush-log-at-trx-commit=0', 'innodb-buffer-pool-size=512M', 'innodb-doublewrite=OFF']

/** A server with the tables, shut down; its directory goes with the result. */
export async function makeTables(server: TestServer, shape: Shape, signal: AbortSignal): Promise<DataSet & AsyncDisposable> {
  await using made = new AsyncDisposableStack()
  const mysqld = made.use(await startMysqld({ server, cnf: LOADING }))
  await mysqld.run('create database bench; create user bench@localhost identified by \'bench\'; grant all on bench.* to bench@localhost')
  await fillTables({ socket: mysqld.socket, user: 'bench', password: 'bench' }, shape, signal)
  const code = await mysqld.stop()
  if (code !== 0) throw new Error(`the server did not stop cleanly (${code}):\n${mysqld.errorLogTail()}`)
  const set = await dataSetIn(mysqld.dataDir)
  const owned = made.move()
  return { ...set, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

/** sysbench's tables in the schema `bench`: columns of random digits, as compressible as real rows. */
export async function fillTables(
  to: { readonly socket: string, readonly user: string, readonly password: string }, { tables, rows }: Shape, signal: AbortSignal,
): Promise<void> {
  await run([
    'sysbench', 'oltp_read_write', '--db-driver=mysql', `--mysql-socket=${to.socket}`, `--mysql-user=${to.user}`, `--mysql-password=${to.password}`,
    '--mysql-db=bench', `--tables=${tables}`, `--table-size=${rows}`, `--threads=${Math.min(tables, 2)}`, 'prepare',
  ], { signal })
}

/** The directory of somebody's stopped server, everything of it in one place. @throws Error when it is none, or in use. */
export async function takeDirectory(dir: string): Promise<DataSet> {
  const path = resolve(dir)
  if (!existsSync(join(path, 'ibdata1'))) throw new Error(`${path} is no data directory: it has no ibdata1`)
  return dataSetIn(path)
}

export async function dataSetIn(dir: string): Promise<DataSet> {
  const facts = factsOf(dir)
  const { files } = chooseFiles(await listDirectories(facts), facts)
  const largestFirst = [...files].sort((a, b) => b.bytes - a.bytes)
  return { dir, files: largestFirst, bytes: files.reduce((sum, { bytes }) => sum + bytes, 0) }
}

/** What a server that keeps everything in `dir` would say of itself. */
export function factsOf(dir: string): CopyFacts {
  const innodbDataFilePath = 'ibdata1:12M:autoextend'
  return {
    paths: {
      dataDir: dir, innodbDataHome: dir, innodbLogHome: dir, undoDir: dir, tmpDir: dir, socket: join(dir, 's'), pidFile: join(dir, 'pid'),
      errorLog: join(dir, 'error.log'), binlogBase: join(dir, 'binlog'), relayLogBase: join(dir, 'relay'), pluginDir: dir,
      innodbDataFilePath, innodbPageSize: 16_384,
    },
    pageSize: 16_384, lowerCaseTableNames: 0, innodbDataFilePath, tablespaceFiles: [], encrypted: [], engines: ['InnoDB'],
  }
}
