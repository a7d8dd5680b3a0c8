/**
 * An application behind a load balancer: it writes numbers through one port and reads them through another, and notes
 * what it was refused, how long, and how old what it read was.
 *
 * Promises  how stale a read was is never overstated: what counts is a row acknowledged before the read was sent and
 *           missing in it. A number is tried once, so each acknowledged one is on the server that took it.
 */
import mysql from 'mysql2/promise'
import { setTimeout as pause } from 'node:timers/promises'

export const CLIENT = { user: 'lb', password: 'lb-password', schema: 'balanced' }
const PAUSE_MS = 20
/** A read on a connection that a frozen server holds ends by then. */
const QUERY_TIMEOUT_MS = 1_000
/** A connection is used for so many statements, so that a server that comes back is chosen again. */
const REUSE = 10

export interface Sums {
  readonly done: number
  readonly errors: number
  /** Longest time between two that succeeded. */
  readonly longestGapMs: number
}

export interface ReadSums extends Sums {
  readonly stalestMs: number
  /** server_id of the servers that answered. */
  readonly servers: readonly number[]
}

export interface BalancedClient {
  /** Number and server_id of every row whose commit was acknowledged, in order. */
  readonly acknowledged: readonly { readonly number: number, readonly serverId: number }[]
  /** What happened since the last call. */
  lap(): { readonly reads: ReadSums, readonly writes: Sums }
  stop(): Promise<void>
}

/** Its schema, and the account it uses through TCP. */
export const CLIENT_SQL = `create database ${CLIENT.schema}; create table ${CLIENT.schema}.numbered (number int primary key, server_id int unsigned);
  create user '${CLIENT.user}'@'%' identified by '${CLIENT.password}'; grant all on ${CLIENT.schema}.* to '${CLIENT.user}'@'%'`

export function startBalancedClient(ports: { readonly writes: number, readonly reads: number }): BalancedClient {
  const acknowledged: { readonly number: number, readonly serverId: number, readonly atMs: number }[] = []
  let stopping = false
  const [writes, reads] = [new Lap(), new ReadLap()]

  const writing = repeat(ports.writes, writes, () => stopping, async (connection, count) => {
    await connection.query({ sql: 'insert into numbered values (?, @@server_id)', values: [count], timeout: QUERY_TIMEOUT_MS })
    const [rows] = await connection.query({ sql: 'select server_id from numbered where number = ?', values: [count], timeout: QUERY_TIMEOUT_MS })
    acknowledged.push({ number: count, serverId: Number((rows as { server_id: number }[])[0]?.server_id), atMs: performance.now() })
  })
  const reading = repeat(ports.reads, reads, () => stopping, async (connection) => {
    const sentMs = performance.now()
    const known = acknowledged.length
    const [rows] = await connection.query({ sql: 'select coalesce(max(number), 0) as newest, @@server_id as id from numbered', timeout: QUERY_TIMEOUT_MS })
    const { newest, id } = (rows as { newest: number, id: number }[])[0] ?? { newest: 0, id: 0 }
    const missed = acknowledged.slice(0, known).find(({ number }) => number > newest)
    reads.read(missed === undefined ? 0 : sentMs - missed.atMs, id)
  })
  return {
    acknowledged,
    lap: () => ({ reads: reads.end(), writes: writes.end() }),
    stop: async () => { stopping = true; await Promise.all([writing, reading]) },
  }
}

class Lap {
  protected done = 0
  protected errors = 0
  protected longestGapMs = 0
  #lastMs = performance.now()

  success(): void { this.done++; this.#measure(); this.#lastMs = performance.now() }
  failure(): void { this.errors++ }

  end(): Sums {
    this.#measure()
    const sums = { done: this.done, errors: this.errors, longestGapMs: Math.round(this.longestGapMs) }
    this.done = this.errors = this.longestGapMs = 0
    return sums
  }

  #measure(): void { this.longestGapMs = Math.max(this.longestGapMs, performance.now() - this.#lastMs) }
}

class ReadLap extends Lap {
  #stalestMs = 0
  readonly #servers = new Set<number>()

  read(staleMs: number, server: number): void {
    this.#stalestMs = Math.max(this.#stalestMs, staleMs)
    this.#servers.add(server)
  }

  override end(): ReadSums {
    const sums = { ...super.end(), stalestMs: Math.round(this.#stalestMs), servers: [...this.#servers].sort() }
    this.#stalestMs = 0
    this.#servers.clear()
    return sums
  }
}

type Work = (connection: mysql.Connection, count: number) => Promise<void>

async function repeat(port: number, lap: Lap, ended: () => boolean, work: Work): Promise<void> {
  let connection: mysql.Connection | undefined
  for (let count = 1; !ended(); count++) {
    try {
      connection ??= await open(port)
      await work(connection, count)
      lap.success()
    } catch {
      lap.failure()
      connection?.destroy()
      connection = undefined
    }
    if (count % REUSE === 0) { connection?.destroy(); connection = undefined }
    await pause(PAUSE_MS)
  }
  connection?.destroy()
}

async function open(port: number): Promise<mysql.Connection> {
  const connection = await mysql.createConnection({
    host: '127.0.0.1', port, user: CLIENT.user, password: CLIENT.password, database: CLIENT.schema, connectTimeout: QUERY_TIMEOUT_MS,
  })
  connection.on('error', () => undefined)   // the next statement says it
  return connection
}
