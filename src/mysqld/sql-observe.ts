/** The verbs of `Mysqld` that look: one session, one deadline, as few statements as can be. */
import { readFile } from 'node:fs/promises'
import type { ActionContext } from '../base/action.ts'
import type { GtidSet } from '../model/gtid-set.ts'
import type { Row } from './sql-types.ts'
import { errnoOf } from './connection-errors.ts'
import { NOT_USER_SCHEMAS, accounts, schemas, showStatus, showVariables } from './dialects/common.ts'
import { gtidFactsOf, isHistoryWhole } from './gtid-facts.ts'
import type { ReplicationStatus, ServerFacts, ServerIdentity } from './mysqld.ts'
import { replicationStatusOf } from './replication-status.ts'
import { STATUS, VARIABLES, gtidProblemsOf, identityOf, isOn, semiSyncOf, variablesOf, type Variables } from './server-variables.ts'
import type { Session, SessionPool } from './session-pool.ts'

/** What the verbs share. */
export interface Sql {
  readonly pool: SessionPool
  readonly user: string
  /** Deadline of a look. */
  readonly readMs: number
  /** Deadline of a change: a stop of replication waits for the transaction in hand. */
  readonly changeMs: number
}

export async function identity(sql: Sql, ctx: ActionContext): Promise<ServerIdentity> {
  return sql.pool.run({ doing: 'read what server it is', timeoutMs: sql.readMs }, async (session) =>
    identityIn(session, await variablesIn(session)), ctx)
}

export async function observe(sql: Sql, ctx: ActionContext): Promise<ServerFacts> {
  return sql.pool.run({ doing: 'observe mysqld', timeoutMs: sql.readMs }, async (session) => {
    const { dialect } = session
    const variables = await variablesIn(session)
    const status = variablesOf(await session.query(showStatus(STATUS)))
    const replication = await replicationIn(session)
    const [gtids] = await session.query(dialect.gtids)
    const self = await identityIn(session, variables)
    return {
      identity: self,
      readOnly: isOn(variables, 'read_only'),
      superReadOnly: isOn(variables, dialect.hasSuperReadOnly ? 'super_read_only' : 'read_only'),
      offlineMode: isOn(variables, 'offline_mode'),
      ...gtidFactsOf(dialect.flavor, gtids, replication !== undefined),
      historyWhole: await historyIn(session, gtids, isOn(variables, 'log_bin')),
      replication,
      userSchemas: await userSchemasIn(session),
      gtidProblems: gtidProblemsOf(dialect.flavor, variables),
      semiSync: semiSyncOf(variables, status),
      uptimeSeconds: Number(status.get('uptime') ?? 0),
      writersDespiteReadOnly: await writersIn(session, self, sql.user),
    }
  }, ctx)
}

export async function executedGtids(sql: Sql, ctx: ActionContext): Promise<GtidSet> {
  return sql.pool.run({ doing: 'read the executed GTIDs', timeoutMs: sql.readMs }, executedIn, ctx)
}

export async function executedIn(session: Session): Promise<GtidSet> {
  // MySQL's answer does not depend on a channel
  const isReplica = session.dialect.flavor === 'mariadb' && await replicationIn(session) !== undefined
  const [gtids] = await session.query(session.dialect.gtids)
  return gtidFactsOf(session.dialect.flavor, gtids, isReplica).executed
}

export async function purgedGtids(sql: Sql, ctx: ActionContext): Promise<GtidSet> {
  return sql.pool.run({ doing: 'read the purged GTIDs', timeoutMs: sql.readMs }, async (session) => {
    const [gtids] = await session.query(session.dialect.gtids)
    return gtidFactsOf(session.dialect.flavor, gtids, false).purged
  }, ctx)
}

export async function binlogState(sql: Sql, ctx: ActionContext): Promise<string | undefined> {
  return sql.pool.run({ doing: 'read the state of the binary log', timeoutMs: sql.readMs }, async (session) => {
    const [gtids] = await session.query(session.dialect.gtids)
    return gtidFactsOf(session.dialect.flavor, gtids, false).binlogState
  }, ctx)
}

export async function historyIsWhole(sql: Sql, ctx: ActionContext): Promise<boolean> {
  return sql.pool.run({ doing: 'read whether the history is whole', timeoutMs: sql.readMs }, async (session) => {
    const variables = variablesOf(await session.query(showVariables(['log_bin'])))
    const [gtids] = await session.query(session.dialect.gtids)
    return historyIn(session, gtids, isOn(variables, 'log_bin'))
  }, ctx)
}

export async function replicationStatus(sql: Sql, ctx: ActionContext): Promise<ReplicationStatus | undefined> {
  return sql.pool.run({ doing: 'read the replication status', timeoutMs: sql.readMs }, replicationIn, ctx)
}

/** As user@host. Roles of MariaDB have no host. */
export async function listAccounts(sql: Sql, ctx: ActionContext): Promise<readonly string[]> {
  return sql.pool.run({ doing: 'list the accounts', timeoutMs: sql.readMs }, async (session) =>
    (await session.query(accounts)).map((row) => `${row['user']}@${row['host']}`), ctx)
}

export async function replicationIn(session: Session): Promise<ReplicationStatus | undefined> {
  return replicationStatusOf(session.dialect.flavor, await session.query(session.dialect.replication.show))
}

export const variablesIn = async (session: Session): Promise<Variables> => variablesOf(await session.query(showVariables(VARIABLES)))

export async function userSchemasIn(session: Session): Promise<readonly string[]> {
  const rows = await session.query(schemas)
  return rows.map((row) => row['name'] ?? '').filter(isUserSchema)
}

/** Directories that a server shows as schemas and nobody made as such: lost+found, and names that begin with a dot. */
export const isUserSchema = (name: string): boolean =>
  !NOT_USER_SCHEMAS.some((known) => known === name.toLowerCase()) && name !== '#mysql50#lost+found' && !name.startsWith('#mysql50#.')

const ER_ERROR_WHEN_EXECUTING_COMMAND = 1220

export async function historyIn(session: Session, gtids: Row | undefined, hasBinaryLog: boolean): Promise<boolean> {
  const { flavor, oldestEvents } = session.dialect
  if (oldestEvents === undefined || !hasBinaryLog) return isHistoryWhole({ flavor, gtids, hasBinaryLog, oldestEvents: [] })
  const events = await session.query(oldestEvents).catch((error: unknown) => {
    // the log was purged or reset while it was read: doubt, so not whole
    if (errnoOf(error) === ER_ERROR_WHEN_EXECUTING_COMMAND) return []
    throw error
  })
  return isHistoryWhole({ flavor, gtids, hasBinaryLog, oldestEvents: events })
}

async function identityIn(session: Session, variables: Variables): Promise<ServerIdentity> {
  const known = identityOf(session.dialect.flavor, session.versionText, session.versionComment, variables)
  return { ...known, pid: await pidIn(known.paths.pidFile) }
}

/** undefined when the file is missing, unreadable to us or no number. */
async function pidIn(pidFile: string): Promise<number | undefined> {
  const text = await readFile(pidFile, 'utf8').catch(() => '')
  return /^\d+\s*$/.test(text) ? Number(text) : undefined
}

/** Accounts that write in spite of read_only, without ours and the server's own. */
async function writersIn(session: Session, self: ServerIdentity, ours: string): Promise<readonly string[]> {
  const statement = session.dialect.writersDespiteReadOnly?.(self.version)
  if (statement === undefined) return []
  const grantees = (await session.query(statement)).map((row) => row['grantee'] ?? '')
  return grantees.filter((grantee) => ![ours, 'mariadb.sys'].some((user) => grantee.startsWith(`'${user}'@`)))
}
