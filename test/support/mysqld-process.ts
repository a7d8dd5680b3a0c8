/** A server under our own process control in a directory of its own, with what tests need around it. */
import { readFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import mysql from 'mysql2/promise'
import type { ActionContext } from '../../src/base/action.ts'
import { silentLogger } from '../../src/base/logger.ts'
import type { MysqldProcess } from '../../src/mysqld/mysqld-process.ts'
import { openMysqldProcess } from '../../src/mysqld/open-mysqld-process.ts'
import type { MysqldProcessSettings } from '../../src/mysqld/process-settings.ts'
import { readServerOptions } from '../../src/mysqld/read-server-options.ts'
import type { ServerOptions } from '../../src/mysqld/server-options.ts'
import { freePort } from './free-port.ts'
import { serverCnf } from './my-cnf.ts'
import { killUsersOf } from './processes.ts'
import type { TestServer } from './servers.ts'
import { tempDir } from './temp-dir.ts'
import { copyTemplate } from './template.ts'
import type { Row } from './throwaway-mysqld.ts'

export interface ProcessBox extends AsyncDisposable {
  readonly dir: string
  readonly dataDir: string
  readonly tabletDir: string
  readonly cnfPath: string
  readonly cnfSocket: string
  readonly errorLog: string
  readonly options: ServerOptions
  readonly process: MysqldProcess
  readonly ctx: ActionContext
  /** A second daemon's view of the same server. */
  another(settings?: Partial<MysqldProcessSettings>): MysqldProcess
  rows(sql: string): Promise<Row[]>
  run(sql: string): Promise<void>
}

export interface BoxOptions {
  readonly cnf?: readonly string[]
  /** false: the data directory stays missing. */
  readonly template?: boolean
  readonly settings?: Partial<MysqldProcessSettings>
}

export async function openTestProcess(server: TestServer, box: BoxOptions = {}): Promise<ProcessBox> {
  const temp = await tempDir()
  const dir = temp.path
  const [dataDir, tabletDir, cnfPath] = ['data', 'tablet', 'my.cnf'].map((name) => join(dir, name)) as [string, string, string]
  const place = { dir, dataDir, port: await freePort(), serverId: 77, socket: join(dir, 's') }
  await mkdir(tabletDir)
  await writeFile(cnfPath, serverCnf(server, place, box.cnf))
  if (box.template !== false) await copyTemplate(server, dataDir)
  const ctx = { signal: new AbortController().signal, log: silentLogger() }
  const options = await readServerOptions({ mysqldPath: server.mysqldPath, myCnf: cnfPath }, ctx)
  const settings: MysqldProcessSettings = {
    control: 'supervised', mysqldPath: server.mysqldPath, myCnf: cnfPath, tabletDir, options, ...box.settings,
  }
  const controlled = openMysqldProcess(settings)
  const rows = (sql: string): Promise<Row[]> => rowsOver(controlled.socket, sql)
  return {
    dir, dataDir, tabletDir, cnfPath, cnfSocket: place.socket, errorLog: join(dir, 'error.log'), options, process: controlled, ctx, rows,
    another: (other) => openMysqldProcess({ ...settings, ...other }),
    run: async (sql) => { await rows(sql) },
    [Symbol.asyncDispose]: async () => {
      await killUsersOf(dir)
      await temp[Symbol.asyncDispose]()
    },
  }
}

/** Rows of one statement, as root unless told otherwise; a server that goes away under it counts as having answered. */
export async function rowsOver(socketPath: string, sql: string, account: mysql.ConnectionOptions = {}): Promise<Row[]> {
  const connection = await mysql.createConnection({ socketPath, user: 'root', multipleStatements: true, connectTimeout: 5000, ...account })
  connection.on('error', () => undefined)
  try {
    const [rows] = await connection.query(sql)
    return Array.isArray(rows) ? rows as Row[] : []
  } catch (error) {
    if (sql === 'RESTART' && error instanceof Error && 'code' in error && error.code === 'PROTOCOL_CONNECTION_LOST') return []
    throw error
  } finally {
    connection.destroy()
  }
}

export const textOf = (path: string): string => readFileSync(path, 'utf8')
