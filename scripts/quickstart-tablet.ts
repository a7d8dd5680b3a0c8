/**
 * The tablets of the quickstart: my.cnf, directories, a daemon started as an operator would start it.
 *
 * Owns      processes and files under one temporary directory; ending and removing them.
 * Promises  nothing outlives the quickstart: daemons stop their mysqld on SIGTERM, and get one when we die.
 */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import mysql from 'mysql2/promise'
import type { TabletSnapshot } from '../src/model/snapshot.ts'

export const ROOT = join(import.meta.dirname, '..')
export const SHARD = 'commerce/0'

export interface Stage {
  readonly dir: string
  readonly mysqld: string
  readonly flavor: 'mysql' | 'mariadb'
  /** HTTP of the first tablet; the second has the next, and so on. MySQL's are 1000 above. */
  readonly basePort: number
  readonly passwords: { readonly dba: string, readonly repl: string, readonly token: string }
}

export interface Tablet {
  readonly alias: string
  readonly url: string
  readonly dir: string
  readonly logPath: string
  readonly process: ChildProcess
  readonly mysqlPort: number
}

/** Writes the secrets and makes the directories that all tablets share. */
export function prepareStage(found: Omit<Stage, 'passwords'>): Stage {
  const secret = (name: string): string => {
    const text = randomBytes(12).toString('hex')
    writeFileSync(join(found.dir, name), `${text}\n`, { mode: 0o600 })
    return text
  }
  for (const name of ['topology', 'backups']) mkdirSync(join(found.dir, name), { mode: 0o750 })
  return { ...found, passwords: { dba: secret('dba-password'), repl: secret('repl-password'), token: secret('api-token') } }
}

export function startTablet(stage: Stage, uid: number): Tablet {
  const dir = join(stage.dir, String(uid))
  const httpPort = stage.basePort + uid - 101
  const mysqlPort = httpPort + 1000
  mkdirSync(join(dir, 'data'), { recursive: true, mode: 0o750 })
  mkdirSync(join(dir, 'tablet'), { mode: 0o750 })
  writeFileSync(join(dir, 'my.cnf'), myCnf(stage, dir, mysqlPort))
  writeFileSync(join(dir, 'client.cnf'), `[client]\nsocket=${join(dir, 'mysql.sock')}\nuser=vt_dba\npassword=${stage.passwords.dba}\n`, { mode: 0o600 })
  const alias = `zone1-${String(uid).padStart(10, '0')}`
  const logPath = join(dir, 'tabletd.log')
  const log = openSync(logPath, 'a')
  const flags = Object.entries(settings(stage, { dir, alias, httpPort })).map(([name, value]) => `--${name}=${value}`)
  // a group of its own: Ctrl-C is for the quickstart, which ends the daemons in order
  const child = spawn('setpriv', ['--pdeathsig', 'TERM', join(ROOT, 'bin/tabletd'), ...flags], { detached: true, stdio: ['ignore', log, log], cwd: dir })
  closeSync(log)
  return { alias, url: `http://127.0.0.1:${httpPort}`, dir, logPath, process: child, mysqlPort }
}

interface TabletPlace {
  readonly dir: string
  readonly alias: string
  readonly httpPort: number
}

function settings(stage: Stage, tablet: TabletPlace): Readonly<Record<string, string | number | boolean>> {
  return {
    'tablet-path': tablet.alias,
    'init-keyspace': 'commerce',
    'init-shard': '0',
    'tablet-dir': join(tablet.dir, 'tablet'),
    'tablet-hostname': '127.0.0.1',
    'bind-address': '127.0.0.1',
    'port': tablet.httpPort,
    'my-cnf': join(tablet.dir, 'my.cnf'),
    'mysqld-path': stage.mysqld,
    'stop-mysqld-on-exit': true,
    'db-dba-password-file': join(stage.dir, 'dba-password'),
    'db-repl-password-file': join(stage.dir, 'repl-password'),
    'api-token-file': join(stage.dir, 'api-token'),
    'topo-root': join(stage.dir, 'topology'),
    'backup-storage-implementation': 'file',
    'file-backup-storage-root': join(stage.dir, 'backups'),
    'restore-from-backup': true,
    'health-check-interval': '1s',
    'replication-connect-retry': '1s',
  }
}

function myCnf(stage: Stage, dir: string, port: number): string {
  const common = [
    ...process.getuid?.() === 0 ? ['user=root'] : [],
    `datadir=${join(dir, 'data')}`, `socket=${join(dir, 'mysql.sock')}`, `pid-file=${join(dir, 'mysqld.pid')}`, `log-error=${join(dir, 'mysqld.log')}`,
    `port=${port}`, 'bind-address=127.0.0.1', 'skip-name-resolve', 'log-bin=binlog', 'relay-log=relay', 'innodb-buffer-pool-size=64M',
  ]
  const own = stage.flavor === 'mysql'
    ? ['gtid-mode=ON', 'enforce-gtid-consistency=ON', 'mysqlx=OFF', 'secure-file-priv=NULL', 'innodb-redo-log-capacity=32M', 'table-open-cache=400']
    : ['gtid-strict-mode=ON', 'log-slave-updates=ON', 'binlog-format=ROW', 'innodb-log-file-size=32M']
  return ['[mysqld]', ...common, ...own, ''].join('\n')
}

/** SIGTERM to every daemon, which stops its mysqld; whatever still runs after half a minute is killed. */
export async function endTablets(stage: Stage, tablets: readonly Tablet[]): Promise<void> {
  for (const tablet of tablets) tablet.process.kill('SIGTERM')
  const end = Date.now() + 30_000
  while (Date.now() < end && processesIn(stage.dir).length > 0) await pause(100)
  for (const pid of processesIn(stage.dir)) {
    try { process.kill(pid, 'SIGKILL') } catch { /* it went by itself */ }
  }
}

/** Pids of processes whose command line names our directory: daemons and servers. */
function processesIn(dir: string): readonly number[] {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid).flatMap((name) => {
    try {
      return readFileSync(`/proc/${name}/cmdline`, 'utf8').includes(`${dir}/`) ? [Number(name)] : []
    } catch { return [] }
  })
}

export async function snapshotOf(tablet: Tablet): Promise<TabletSnapshot> {
  const answer = await fetch(`${tablet.url}/v1/tablet`, { signal: AbortSignal.timeout(5000) })
  if (!answer.ok) throw new Error(`${tablet.url}/v1/tablet answered ${answer.status}`)
  return await answer.json() as TabletSnapshot
}

/** Rows of one statement on a tablet's server, as tabletd's own account over the socket. */
export async function query(stage: Stage, tablet: Tablet, sql: string): Promise<Record<string, unknown>[]> {
  const connection = await mysql.createConnection({
    socketPath: join(tablet.dir, 'mysql.sock'), user: 'vt_dba', password: stage.passwords.dba, multipleStatements: true, connectTimeout: 5000,
  })
  try {
    const [rows] = await connection.query(sql)
    return Array.isArray(rows) ? rows as Record<string, unknown>[] : []
  } finally {
    connection.destroy()
  }
}

export const logTail = (tablet: Tablet): string =>
  existsSync(tablet.logPath) ? readFileSync(tablet.logPath, 'utf8').trimEnd().split('\n').slice(-15).join('\n') : '(no log)'

export const pause = (ms: number): Promise<void> => new Promise((resolve) => { setTimeout(resolve, ms) })

/** The first of 15101, 15111 … from which three ports for HTTP, and those for MySQL 1000 above, are free. */
export async function findPorts(): Promise<number> {
  for (let base = 15101; base < 16000; base += 10) {
    const ports = [0, 1, 2].flatMap((n) => [base + n, base + 1000 + n])
    if ((await Promise.all(ports.map(isFree))).every((free) => free)) return base
  }
  throw new Error('no free ports between 15101 and 17000')
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => { resolve(false) })
    server.listen({ port, host: '127.0.0.1' }, () => { server.close(() => { resolve(true) }) })
  })
}
