/** The verbs of `Mysqld` that move the replication channel and the position. */
import type { ActionContext } from '../base/action.ts'
import { TabletError } from '../base/errors.ts'
import type { GtidSet } from '../model/gtid-set.ts'
import { connect } from './connection.ts'
import { errnoOf } from './connection-errors.ts'
import { SEMI_SYNC_VARIABLES, isOn, variablesOf } from './server-variables.ts'
import { setGlobalFlag, showStatus, showVariables } from './dialects/common.ts'
import { binlogStateFor, standsAt } from './gtid-facts.ts'
import type { ReplicationSource } from './mysqld.ts'
import type { Session } from './session-pool.ts'
import { executedIn, replicationIn, type Sql } from './sql-observe.ts'

/**
 * The server cannot read what it remembers of its channel: 1201 (MariaDB), 1794, 1871 connection metadata,
 * 1872 applier metadata. Forgetting the channel and setting it anew is the cure, as Vitess does it.
 */
const BROKEN_METADATA: ReadonlySet<number> = new Set([1201, 1794, 1871, 1872])
const isBrokenMetadata = (error: unknown): boolean => BROKEN_METADATA.has(errnoOf(error) ?? 0)

export async function setReplicationSource(sql: Sql, source: ReplicationSource, ctx: ActionContext): Promise<void> {
  const tls = await wantsTls(sql, source, ctx)
  await sql.pool.run({ doing: 'set the replication source', timeoutMs: sql.changeMs }, async (session) => {
    const { replication } = session.dialect
    try {
      await session.query(replication.stop)
      await session.query(replication.changeSource(source, tls))
    } catch (error) {
      if (!isBrokenMetadata(error)) throw error
      ctx.log.warn({ err: error }, 'the replication metadata cannot be read; forgetting the channel and setting it anew')
      await session.query(replication.resetAll)
      await session.query(replication.changeSource(source, tls))
    }
  }, ctx)
}

/** The server's channels know TLS or none, so `preferred` asks the source which it is; a source that cannot be asked gets none. */
async function wantsTls(sql: Sql, source: ReplicationSource, ctx: ActionContext): Promise<boolean> {
  if (source.ssl !== 'preferred') return source.ssl === 'required'
  const signal = AbortSignal.any([ctx.signal, AbortSignal.timeout(sql.readMs)])
  try {
    const connection = await connect({ kind: 'tcp', address: source.address, ssl: 'preferred' }, source, signal)
    connection.destroy()
    return connection.encrypted
  } catch {
    ctx.signal.throwIfAborted()
    return false
  }
}

/** MySQL notices lost relay logs only here, not when the channel is set (tried); the source is remembered, and GTIDs say from where. */
export async function startReplication(sql: Sql, ctx: ActionContext): Promise<void> {
  await sql.pool.run({ doing: 'start replication', timeoutMs: sql.changeMs }, async (session) => {
    const { replication } = session.dialect
    try {
      await session.query(replication.start)
    } catch (error) {
      if (!isBrokenMetadata(error)) throw error
      ctx.log.warn({ err: error }, 'the relay logs cannot be used; fetching them again')
      await session.query(replication.stop)
      await session.query(replication.resetRelayLogs)
      await session.query(replication.start)
    }
  }, ctx)
}

export async function stopReplication(sql: Sql, ctx: ActionContext): Promise<void> {
  await sql.pool.run({ doing: 'stop replication', timeoutMs: sql.changeMs }, (session) =>
    session.query(session.dialect.replication.stop), ctx)
}

export async function removeReplicationChannel(sql: Sql, ctx: ActionContext): Promise<void> {
  await sql.pool.run({ doing: 'remove the replication channel', timeoutMs: sql.changeMs }, async (session) => {
    const { replication } = session.dialect
    await session.query(replication.stop).catch((error: unknown) => {
      if (!isBrokenMetadata(error)) throw error
    })
    await session.query(replication.resetAll)
  }, ctx)
}

export async function waitForGtids(
  sql: Sql, wait: { readonly set: GtidSet, readonly timeoutSeconds: number }, ctx: ActionContext,
): Promise<boolean> {
  const { set, timeoutSeconds } = wait
  // MySQL takes 0 as "for ever"
  if (!Number.isInteger(timeoutSeconds) || timeoutSeconds < 1) {
    throw new TabletError('INTERNAL', `waiting for GTIDs takes whole seconds from 1 on, not ${timeoutSeconds}`)
  }
  return sql.pool.run({ doing: 'wait for GTIDs', timeoutMs: timeoutSeconds * 1000 + sql.readMs }, async (session) => {
    if ((await executedIn(session)).contains(set)) return true
    const [row] = await session.query(session.dialect.waitForGtids(set.toString(), timeoutSeconds))
    return row?.['outcome'] === '0'
  }, ctx)
}

export async function setPosition(
  sql: Sql, position: { readonly executed: GtidSet, readonly binlogState?: string | undefined }, ctx: ActionContext,
): Promise<void> {
  const { executed } = position
  await sql.pool.run({ doing: 'set the position', timeoutMs: sql.changeMs }, async (session) => {
    const { flavor, gtids, resetGtids, declareGtids } = session.dialect
    if (flavor !== executed.flavor) throw new TabletError('BACKUP_INCOMPATIBLE', `a position of ${executed.flavor} means nothing to this server`)
    const binlogState = flavor === 'mariadb' ? binlogStateFor(executed, position.binlogState) : ''
    const stands = async (): Promise<boolean> => standsAt(flavor, (await session.query(gtids))[0], { executed, binlogState })
    if (await stands()) return
    for (const statement of resetGtids) await session.query(statement)
    if (!executed.isEmpty()) for (const statement of declareGtids(executed.toString(), binlogState)) await session.query(statement)
    if (!await stands()) throw new TabletError('QUERY_FAILED', `mysqld did not take the position ${executed.toString()}`)
  }, ctx)
}

export async function adoptPositionAsReplica(sql: Sql, ctx: ActionContext): Promise<void> {
  await sql.pool.run({ doing: 'take over the position of a primary', timeoutMs: sql.changeMs }, async (session) => {
    if (session.dialect.adoptPosition !== undefined) await session.query(session.dialect.adoptPosition)
  }, ctx)
}

export interface SemiSyncWish {
  readonly side: 'source' | 'replica'
  readonly on: boolean
}

/** A replica's receiver reads its side only when it connects, so a running one is started again where it differs. */
export async function setSemiSync(sql: Sql, wish: SemiSyncWish, ctx: ActionContext): Promise<void> {
  const { side, on } = wish
  await sql.pool.run({ doing: `turn semi-sync of the ${side} ${on ? 'on' : 'off'}`, timeoutMs: sql.changeMs }, async (session) => {
    const variables = variablesOf(await session.query(showVariables(SEMI_SYNC_VARIABLES[side])))
    const name = SEMI_SYNC_VARIABLES[side].find((one) => variables.has(one))
    if (name === undefined) {
      if (!on) return
      throw new TabletError('SEMI_SYNC_UNAVAILABLE', `this server has no variable ${SEMI_SYNC_VARIABLES[side].join(' or ')}`)
    }
    if (isOn(variables, name) !== on) await session.query(setGlobalFlag(name, on))
    if (side === 'replica') await reconnectReceiver(session, on)
  }, ctx)
}

async function reconnectReceiver(session: Session, on: boolean): Promise<void> {
  const status = variablesOf(await session.query(showStatus(['Rpl_semi_sync_replica_status', 'Rpl_semi_sync_slave_status'])))
  const active = isOn(status, 'rpl_semi_sync_replica_status') || isOn(status, 'rpl_semi_sync_slave_status')
  if (active === on || (await replicationIn(session))?.io !== 'running') return
  await session.query(session.dialect.replication.stopReceiver)
  await session.query(session.dialect.replication.startReceiver)
}
