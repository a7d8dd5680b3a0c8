/**
 * A real mysqld that a test starts, hurts and throws away.
 *
 * Promises  own directory, socket and port; a copy of a template, so ready in about a second.
 *           it dies with the test process, however that ends (setpriv --pdeathsig).
 *           `await using` stops it and removes everything.
 */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { closeSync, existsSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import mysql from 'mysql2/promise'
import { freePort } from './free-port.ts'
import { serverCnf } from './my-cnf.ts'
import type { TestServer } from './servers.ts'
import { tempDir } from './temp-dir.ts'
import type { TempDir } from './temp-dir.ts'
import { copyTemplate } from './template.ts'
import { waitFor } from './wait-for.ts'

export type Row = Record<string, unknown>

export interface ThrowawayOptions {
  readonly server: TestServer
  /** Default: from the port. */
  readonly serverId?: number
  /** Lines added to the [mysqld] group of my.cnf; the last of two wins. */
  readonly cnf?: readonly string[]
  /** Arguments after --defaults-file. */
  readonly args?: readonly string[]
  /** false: the data directory is there and prepared, but no mysqld runs. Default true. */
  readonly start?: boolean
  /** Fills the data directory instead of the template. */
  readonly prepare?: (dataDir: string) => Promise<void>
}

export interface ThrowawayMysqld extends AsyncDisposable {
  readonly server: TestServer
  readonly dir: string
  readonly dataDir: string
  readonly cnfPath: string
  readonly socket: string
  readonly port: number
  readonly serverId: number
  readonly errorLog: string
  /** @throws Error while it does not run. */
  readonly pid: number
  readonly running: boolean
  /** Rows of one statement, as root over the socket, on a connection of its own. Numbers too large for JavaScript are strings. */
  rows(sql: string, values?: unknown[]): Promise<Row[]>
  /** Several statements separated by semicolons, in one session. */
  run(sql: string): Promise<void>
  /** A connection of the caller's: as root over the socket unless told otherwise. */
  connect(options?: mysql.ConnectionOptions): Promise<mysql.Connection>
  start(extraArgs?: readonly string[]): Promise<void>
  /** SIGTERM; resolves to the exit code. */
  stop(): Promise<number | null>
  kill(signal: NodeJS.Signals): Promise<void>
  /** SIGSTOP: it holds its ports and answers nothing. */
  freeze(): void
  thaw(): void
  errorLogTail(): string
}

export async function startMysqld(options: ThrowawayOptions): Promise<ThrowawayMysqld> {
  const dir = await tempDir()
  try {
    const port = await freePort()
    const place = { dir: dir.path, dataDir: join(dir.path, 'data'), port, serverId: options.serverId ?? port, socket: join(dir.path, 's') }
    await mkdir(place.dataDir)
    await (options.prepare?.(place.dataDir) ?? copyTemplate(options.server, place.dataDir))
    const cnfPath = join(dir.path, 'my.cnf')
    writeFileSync(cnfPath, serverCnf(options.server, place, options.cnf))
    const mysqld = new Throwaway(options, { ...place, cnfPath, temp: dir })
    if (options.start !== false) await mysqld.start()
    return mysqld
  } catch (error) {
    await dir[Symbol.asyncDispose]()
    throw error
  }
}

interface Place {
  readonly dir: string
  readonly dataDir: string
  readonly cnfPath: string
  readonly socket: string
  readonly port: number
  readonly serverId: number
  readonly temp: TempDir
}

class Throwaway implements ThrowawayMysqld {
  readonly server: TestServer
  readonly dir: string
  readonly dataDir: string
  readonly cnfPath: string
  readonly socket: string
  readonly port: number
  readonly serverId: number
  readonly errorLog: string
  readonly #args: readonly string[]
  readonly #temp: TempDir
  #child: ChildProcess | undefined

  constructor(options: ThrowawayOptions, place: Place) {
    this.server = options.server
    this.#args = options.args ?? []
    this.dir = place.dir
    this.dataDir = place.dataDir
    this.cnfPath = place.cnfPath
    this.socket = place.socket
    this.port = place.port
    this.serverId = place.serverId
    this.errorLog = join(place.dir, 'error.log')
    this.#temp = place.temp
  }

  get running(): boolean { return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null }

  get pid(): number {
    if (!this.running || this.#child?.pid === undefined) throw new Error('mysqld does not run')
    return this.#child.pid
  }

  async start(extraArgs: readonly string[] = []): Promise<void> {
    if (this.running) return
    const log = openSync(this.errorLog, 'a')
    const args = ['--pdeathsig', 'KILL', this.server.mysqldPath, `--defaults-file=${this.cnfPath}`, ...this.#args, ...extraArgs]
    const child = spawn('setpriv', args, { stdio: ['ignore', log, log] })
    closeSync(log)
    this.#child = child
    child.once('error', () => undefined)
    const outcome = await waitFor('mysqld accepts connections', async () => {
      if (!this.running) return 'gone'
      await (await this.connect()).end()
      return 'ready'
    }, { deadlineMs: 60_000, everyMs: 25, context: () => this.errorLogTail() }).catch(async (error: unknown) => {
      await this.kill('SIGKILL')
      throw error
    })
    if (outcome === 'gone') throw new Error(`mysqld ended with ${child.exitCode ?? child.signalCode}:\n${this.errorLogTail()}`)
  }

  connect(options: mysql.ConnectionOptions = {}): Promise<mysql.Connection> {
    const where = options.host === undefined ? { socketPath: this.socket } : { port: this.port }
    return mysql.createConnection({
      ...where, user: 'root', multipleStatements: true, supportBigNumbers: true, dateStrings: true, connectTimeout: 5000, ...options,
    })
  }

  async rows(sql: string, values: unknown[] = []): Promise<Row[]> {
    const connection = await this.connect()
    try {
      const [rows] = await connection.query(sql, values)
      return Array.isArray(rows) ? rows as Row[] : []
    } finally {
      connection.destroy()
    }
  }

  async run(sql: string): Promise<void> { await this.rows(sql) }

  async stop(): Promise<number | null> {
    if (!this.running) return this.#child?.exitCode ?? null
    this.thaw()
    await this.kill('SIGTERM')
    return this.#child?.exitCode ?? null
  }

  async kill(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child
    if (child === undefined || !this.running) return
    const gone = new Promise<void>((resolve) => { child.once('exit', () => { resolve() }) })
    child.kill(signal)
    await gone
  }

  freeze(): void { process.kill(this.pid, 'SIGSTOP') }
  thaw(): void { process.kill(this.pid, 'SIGCONT') }

  errorLogTail(): string {
    return existsSync(this.errorLog) ? readFileSync(this.errorLog, 'utf8').split('\n').slice(-25).join('\n') : '(no error log)'
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill('SIGKILL')
    await this.#temp[Symbol.asyncDispose]()
  }
}
