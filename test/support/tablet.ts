/**
 * One real tablet under test: a daemon process, its mysqld, and their directories.
 *
 * Promises  nothing outside the shard's temporary directory; ports of its own; the daemon dies with the test process.
 *           disposal ends the daemon and every mysqld that names the tablet's directory.
 * Leaves    removing the directory to the shard.
 */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import mysql from 'mysql2/promise'
import type { BlockerName } from '../../src/model/blocker.ts'
import type { TabletSnapshot } from '../../src/model/snapshot.ts'
import type { TabletType } from '../../src/model/tablet.ts'
import { LogFollower, logTail, readLog } from './daemon-log.ts'
import type { LogLine } from './daemon-log.ts'
import { call } from './http-client.ts'
import type { HttpAnswer, HttpCall } from './http-client.ts'
import { killUsersOf, processWith } from './processes.ts'
import { DBA, ROOT } from './shard-place.ts'
import type { TabletPlace } from './shard-place.ts'
import type { Row } from './throwaway-mysqld.ts'
import { waitFor } from './wait-for.ts'

export interface DaemonExit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** Longest wait of `becomes` and its like, unless told otherwise. */
const DEADLINE_MS = 60_000

/** The daemon as it stands here, under this Node. */
const SOURCES = [process.execPath, join(ROOT, 'src/cli/tabletd.ts')]

export class TestTablet implements AsyncDisposable {
  readonly place: TabletPlace
  readonly alias: string
  /** Flags of every start; startDaemon adds its own after these. */
  flags: readonly string[]
  readonly #command: readonly string[]
  #child: ChildProcess | undefined
  #starts = 0

  constructor(place: TabletPlace, flags: readonly string[], command: readonly string[] = SOURCES) {
    this.place = place
    this.alias = place.alias
    this.flags = flags
    this.#command = command
  }

  get dataDir(): string { return this.place.dataDir }
  get tabletDir(): string { return this.place.tabletDir }
  /** Log of the daemon that runs, or ran last. */
  get logPath(): string { return join(this.place.dir, `tabletd-${this.#starts}.log`) }
  get daemonRuns(): boolean { return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null }
  get daemonPid(): number | undefined { return this.daemonRuns ? this.#child?.pid : undefined }

  /** Starts the daemon and waits until its HTTP answers; resolves at once to its exit when it ends before. */
  async startDaemon(...extraFlags: readonly string[]): Promise<DaemonExit | undefined> {
    if (this.daemonRuns) throw new Error(`the daemon of ${this.alias} runs already`)
    this.#starts++
    mkdirSync(this.place.dir, { recursive: true })
    const log = openSync(this.logPath, 'a')
    const command = [...this.#command, ...this.flags, ...extraFlags]
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', ...command], { cwd: this.place.dir, stdio: ['ignore', log, log], env: cleanEnv() })
    closeSync(log)
    this.#child = child
    child.once('error', () => undefined)
    const outcome = await this.waitFor('the daemon answers HTTP', async () => {
      if (!this.daemonRuns) return 'ended'
      await this.http('GET', '/livez')
      return 'answers'
    })
    return outcome === 'ended' ? { code: child.exitCode, signal: child.signalCode } : undefined
  }

  /** Signals the daemon and waits for its end. */
  async killDaemon(signal: NodeJS.Signals): Promise<DaemonExit> {
    const child = this.#child
    if (child === undefined) throw new Error(`the daemon of ${this.alias} was never started`)
    if (this.daemonRuns) {
      const gone = new Promise<void>((resolve) => { child.once('exit', () => { resolve() }) })
      child.kill(signal)
      await gone
    }
    return { code: child.exitCode, signal: child.signalCode }
  }

  freezeDaemon(): void { this.#child?.kill('SIGSTOP') }
  thawDaemon(): void { this.#child?.kill('SIGCONT') }

  /** Over TCP. */
  http(method: string, path: string, more: Omit<HttpCall, 'method' | 'path'> = {}): Promise<HttpAnswer> {
    return call({ port: this.place.httpPort }, { method, path, ...more })
  }

  /** Over the admin socket, which has authority. */
  admin(method: string, path: string, body?: unknown): Promise<HttpAnswer> {
    return call({ socketPath: join(this.place.tabletDir, 'admin.sock') }, { method, path, body })
  }

  async snapshot(query = ''): Promise<TabletSnapshot> {
    const answer = await this.http('GET', `/v1/tablet${query}`, { timeoutMs: 30_000 })
    if (answer.status !== 200) throw new Error(`GET /v1/tablet answered ${answer.status}: ${answer.text.slice(0, 300)}`)
    return answer.body as TabletSnapshot
  }

  /** Of a look that began after the call. */
  freshSnapshot(): Promise<TabletSnapshot> { return this.snapshot('?fresh=1') }

  async isHealthy(): Promise<boolean> { return (await this.http('GET', '/healthz')).status === 200 }

  /** Waits until the tablet publishes `type` (and, with healthy, serves). Fails with its blockers and the end of its log. */
  async becomes(type: TabletType, options: { readonly healthy?: boolean, readonly deadlineMs?: number } = {}): Promise<TabletSnapshot> {
    return this.waitFor(`${this.alias} becomes ${options.healthy === true ? 'healthy ' : ''}${type}`, async () => {
      const seen = await this.snapshot()
      const blockers = seen.blockers.map((one) => `${one.name}: ${one.message}`).join('; ')
      if (seen.type !== type) throw new Error(`it is ${seen.type}; ${seen.sentence}; blockers: ${blockers}`)
      if (options.healthy === true && !await this.isHealthy()) throw new Error(`it is ${type} and not healthy: ${blockers}`)
      return seen
    }, options.deadlineMs)
  }

  /** Waits until its mysqld answers and all of these speak against serving. */
  blockedBy(...names: readonly BlockerName[]): Promise<TabletSnapshot> {
    return this.waitFor(`${this.alias} is blocked by ${names.join(', ')}`, async () => {
      const seen = await this.snapshot()
      const named = seen.blockers.map(({ name }) => name)
      if (seen.mysqld.answers && names.every((name) => named.includes(name))) return seen
      throw new Error(`it is ${seen.type}, blocked by ${named.join(', ')}`)
    })
  }

  /** A tablet serves before it has caught up, and whoever lags is no candidate for a planned reparent. */
  async caughtUp(): Promise<void> {
    await this.waitFor('it has caught up', async () => ((await this.freshSnapshot()).lagSeconds ?? Infinity) < 2, 120_000)
  }

  /** As waitFor of wait-for.ts, with the end of this daemon's log in the failure. */
  waitFor<T>(what: string, look: () => T | Promise<T>, deadlineMs = DEADLINE_MS): Promise<Exclude<T, false | undefined>> {
    return waitFor(what, look, { deadlineMs, context: () => `--- end of ${this.logPath}\n${logTail(this.logPath)}` })
  }

  log(): readonly LogLine[] { return readLog(this.logPath) }

  /** Waits for a line of this daemon's log, from its first line on: for doing something at an observed step. */
  async untilLog(what: string, matches: (line: LogLine) => boolean, deadlineMs = DEADLINE_MS): Promise<LogLine> {
    const follower = new LogFollower(this.logPath)
    return waitFor(`the log of ${this.alias} says ${what}`, () => follower.next().find(matches), {
      deadlineMs, everyMs: 3, context: () => logTail(this.logPath),
    })
  }

  /** As untilLog, but from the lines after this call on: ask for it before causing the line. */
  logFromNow(): (what: string, matches: (line: LogLine) => boolean, deadlineMs?: number) => Promise<LogLine> {
    const follower = new LogFollower(this.logPath)
    follower.next()
    return (what, matches, deadlineMs = DEADLINE_MS) => waitFor(`the log of ${this.alias} says ${what}`, () => follower.next().find(matches), {
      deadlineMs, everyMs: 3, context: () => logTail(this.logPath),
    })
  }

  /** Pid of the mysqld of the tablet's my.cnf, when it runs. */
  pidOfMysqld(): number | undefined {
    if (!existsSync(this.place.pidFile)) return undefined
    const pid = Number(readFileSync(this.place.pidFile, 'utf8'))
    return pid > 0 && processWith(pid) !== undefined ? pid : undefined
  }

  /** Rows of one statement, as tabletd's own account over the socket unless told otherwise. */
  async rows(sql: string, options: mysql.ConnectionOptions = {}): Promise<Row[]> {
    const connection = await mysql.createConnection({
      socketPath: this.place.socket, user: DBA.user, password: DBA.password,
      multipleStatements: true, supportBigNumbers: true, dateStrings: true, connectTimeout: 5000, ...options,
    })
    try {
      const [rows] = await connection.query(sql)
      return Array.isArray(rows) ? rows as Row[] : []
    } finally {
      connection.destroy()
    }
  }

  /** First column of the first row. */
  async value(sql: string): Promise<unknown> {
    const [row] = await this.rows(sql)
    return row === undefined ? undefined : Object.values(row)[0]
  }

  /** Appends lines to the [mysqld] group of my.cnf; the last of two wins. */
  addCnf(...lines: readonly string[]): void {
    writeFileSync(this.place.cnfPath, `${readFileSync(this.place.cnfPath, 'utf8')}${lines.join('\n')}\n`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child !== undefined) await this.killDaemon('SIGKILL')
    await killUsersOf(`${this.place.dir}/`)
  }
}

/** The environment of the tests holds nothing that is a setting. */
export function cleanEnv(more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  return { ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(TABLETD|TAP|NODE_OPTIONS)/.test(name))), ...more }
}
