/**
 * Points this server at a source and waits until it is really connected.
 *
 * Owns      the order: look, judge, read-only, position, semi-sync, source, start.
 * Promises  nothing is changed when the source may not be followed; a crash between any two steps is mended by
 *           doing it all again.
 */
import { pollUntil, type ActionContext } from '../base/action.ts'
import { TabletError, messageOf } from '../base/errors.ts'
import type { Mysqld, ReplicationSource, ReplicationStatus, ServerFacts } from '../mysqld/mysqld.ts'
import { judgeSource, type FollowerFacts, type LookAtSource } from './judge-source.ts'
import { decideSemiSync, actOnSemiSync, type SemiSyncWish } from './semi-sync.ts'

export interface AttachOrder {
  readonly source: ReplicationSource
  readonly semiSync: Pick<SemiSyncWish, 'setting' | 'acknowledges'>
  /** How long to wait for the connection; replication goes on trying after that. */
  readonly connectWaitMs: number
}

export interface AttachDeps {
  readonly mysqld: Mysqld
  readonly lookAtSource: LookAtSource
}

/**
 * Follows `order.source`: 'connected' once both threads run, 'connecting' when the time to wait passed first.
 *
 * @throws TabletError SOURCE_UNVERIFIED, ERRANT_TRANSACTIONS, NEEDS_BACKUP, SERVER_ID_CLASH before anything is changed;
 *   REPLICATION_BROKEN when replication stops with an error of its own.
 */
export async function attach(order: AttachOrder, deps: AttachDeps, ctx: ActionContext): Promise<'connected' | 'connecting'> {
  const { mysqld } = deps
  const seen = await mysqld.observe(ctx)   // before the source: what arrives in between is then no errant transaction
  await verify(order, seen, deps, ctx)
  await mysqld.setReadOnly('on', ctx)
  if (seen.replication === undefined) await mysqld.adoptPositionAsReplica(ctx)
  else await mysqld.stopReplication(ctx)
  await actOnSemiSync(decideSemiSync({ ...order.semiSync, role: 'follower' }, seen.semiSync), { mysqld, replicates: false }, ctx)
  await mysqld.setReplicationSource(order.source, ctx)
  return await startAndConnect(mysqld, order.connectWaitMs, ctx)
}

/** Starts replication and waits like `attach`. */
export async function startAndConnect(mysqld: Mysqld, connectWaitMs: number, ctx: ActionContext): Promise<'connected' | 'connecting'> {
  await mysqld.startReplication(ctx)
  const endMs = performance.now() + connectWaitMs
  return await pollUntil(100, async () => {
    const status = await mysqld.replicationStatus(ctx)
    if (status === undefined) throw new TabletError('REPLICATION_BROKEN', 'cannot wait for replication: the channel was removed')
    refuseBroken(status)
    if (status.io === 'running' && status.sql === 'running') return 'connected'
    return performance.now() >= endMs ? 'connecting' : undefined
  }, ctx)
}

async function verify(order: AttachOrder, seen: ServerFacts, deps: AttachDeps, ctx: ActionContext): Promise<void> {
  const { host, port } = order.source.address
  const source = await deps.lookAtSource(order.source.address, ctx).catch((error: unknown) => {
    ctx.signal.throwIfAborted()
    throw new TabletError('SOURCE_UNVERIFIED', `cannot attach to ${host}:${port}: ${messageOf(error)}`, { cause: error })
  })
  const against = judgeSource(followerFacts(seen), source)
  if (against !== undefined) {
    throw new TabletError(against.code ?? 'SOURCE_UNVERIFIED', `cannot attach to ${host}:${port}: ${against.message}`)
  }
}

/** What `judgeSource` needs of this server, from one look at it. */
export function followerFacts(seen: ServerFacts): FollowerFacts {
  const { flavor, serverUuid, serverId } = seen.identity
  const { executed, binlogState, userSchemas } = seen
  return { flavor, serverUuid, serverId, executed, binlogState, userSchemas, hasChannel: seen.replication !== undefined }
}

function refuseBroken(status: ReplicationStatus): void {
  const error = status.io === 'stopped' && status.ioErrorNumber !== 0 ? `${status.ioErrorNumber} ${status.ioError}`
    : status.sql === 'stopped' && status.sqlErrorNumber !== 0 ? `${status.sqlErrorNumber} ${status.sqlError}` : undefined
  if (error !== undefined) throw new TabletError('REPLICATION_BROKEN', `replication stopped with an error: ${error}`)
}
