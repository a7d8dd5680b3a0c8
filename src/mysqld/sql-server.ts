/** The verbs of `Mysqld` that change the server itself: who may write, who is connected, how it goes down. */
import { sleep, type ActionContext } from '../base/action.ts'
import { TabletError, hasCode } from '../base/errors.ts'
import type { Row } from './sql-types.ts'
import { errnoOf } from './connection-errors.ts'
import {
  fastShutdown as fastShutdownStatement, killConnection, setFastShutdown as setFastShutdownStatement, setGlobalFlag, showProcesses,
  shutdown,
} from './dialects/common.ts'
import type { Session } from './session-pool.ts'
import type { Sql } from './sql-observe.ts'

export async function setReadOnly(sql: Sql, mode: 'on' | 'off', ctx: ActionContext): Promise<void> {
  await sql.pool.run({ doing: `turn read_only ${mode}`, timeoutMs: sql.changeMs }, (session) =>
    session.query(session.dialect.readOnly[mode]), ctx)
}

export async function setOfflineMode(sql: Sql, on: boolean, ctx: ActionContext): Promise<boolean> {
  return sql.pool.run({ doing: `turn offline_mode ${on ? 'on' : 'off'}`, timeoutMs: sql.changeMs }, async (session) => {
    if (session.dialect.hasOfflineMode) await session.query(setGlobalFlag('offline_mode', on))
    return session.dialect.hasOfflineMode
  }, ctx)
}

const GONE_POLL_MS = 50

/** Resolves when they are gone, not when they were told to go: a commit in hand may still succeed until then. */
export async function endClientConnections(sql: Sql, ctx: ActionContext): Promise<void> {
  await sql.pool.run({ doing: 'end the connections of clients', timeoutMs: sql.changeMs }, async (session) => {
    const ended = clientsAmong(await session.query(showProcesses), sql.pool.connectionIds)
    for (const id of ended) await kill(session, id)
    for (;;) {
      const left = new Set((await session.query(showProcesses)).map((row) => row['Id']))
      if (!ended.some((id) => left.has(id))) return
      await sleep(GONE_POLL_MS, ctx.signal)
    }
  }, ctx)
}

/**
 * Ids of the connections that clients hold. Pure. Ours are told by id alone, so that nobody else writes through the
 * account that is ours; threads of the server have its own user names, and replicas are known by what they do.
 */
export function clientsAmong(processes: readonly Row[], ours: readonly string[]): readonly string[] {
  return processes.flatMap((row) => {
    const id = row['Id'] ?? ''
    const isServers = SERVER_USERS.has(row['User'] ?? '') || SERVER_COMMANDS.has(row['Command'] ?? '')
    return id === '' || isServers || ours.includes(id) ? [] : [id]
  })
}

const SERVER_USERS: ReadonlySet<string> = new Set(['system user', 'event_scheduler', 'mysql.session', 'unauthenticated user'])
const SERVER_COMMANDS: ReadonlySet<string> = new Set(['Binlog Dump', 'Binlog Dump GTID', 'Register Slave', 'Register Replica', 'Daemon'])

const ER_NO_SUCH_THREAD = 1094

async function kill(session: Session, id: string): Promise<void> {
  await session.query(killConnection(id)).catch((error: unknown) => {
    if (errnoOf(error) !== ER_NO_SUCH_THREAD) throw error
  })
}

export async function fastShutdown(sql: Sql, ctx: ActionContext): Promise<number> {
  return sql.pool.run({ doing: 'read innodb_fast_shutdown', timeoutMs: sql.readMs }, async (session) => {
    const [row] = await session.query(fastShutdownStatement)
    const value = Number(row?.['value'] ?? Number.NaN)
    if (!Number.isInteger(value)) throw new TabletError('QUERY_FAILED', `innodb_fast_shutdown is ${row?.['value'] ?? 'unknown'}`)
    return value
  }, ctx)
}

export async function setFastShutdown(sql: Sql, value: 0 | 1 | 2, ctx: ActionContext): Promise<void> {
  await sql.pool.run({ doing: 'set innodb_fast_shutdown', timeoutMs: sql.readMs }, (session) =>
    session.query(setFastShutdownStatement(value)), ctx)
}

export async function requestShutdown(sql: Sql, ctx: ActionContext): Promise<void> {
  await sql.pool.run({ doing: 'ask mysqld to shut down', timeoutMs: sql.readMs }, async (session) => {
    await session.query(shutdown).catch((error: unknown) => {
      // a server that goes down may close the connection before it answers
      if (!hasCode(error, 'MYSQLD_UNREACHABLE')) throw error
    })
  }, ctx)
}
