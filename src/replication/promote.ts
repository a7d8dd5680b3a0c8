/**
 * Makes this server the primary of a term.
 *
 * Owns      the order: apply what was received, hold `start`, remove the channel, take the term, writable, open.
 * Promises  P1  nothing is changed while this server lacks a transaction of `start`, or one it has received.
 *           P2  it is writable only after the term was taken in the record (claim-term.ts), so never in a term given back.
 *           P3  a crash between any two steps is mended by promoting again.
 *           P4  a term that was followed by another while this one turned writable is seen at once, and given up.
 */
import { undoContext, withDeadline, type ActionContext } from '../base/action.ts'
import { TabletError } from '../base/errors.ts'
import { blocker, type Blocker } from '../model/blocker.ts'
import type { GtidSet } from '../model/gtid-set.ts'
import { parsePosition } from '../model/position.ts'
import type { ShardRecord } from '../model/records.ts'
import type { Mysqld, ReplicationStatus } from '../mysqld/mysqld.ts'
import type { Topology } from '../topology/topology.ts'
import { claimTerm } from './claim-term.ts'
import { actOnSemiSync, decideSemiSync, type SemiSyncWish } from './semi-sync.ts'

const LOOK_AGAIN_MS = 2_000
const READ_ONLY_MS = 10_000

export interface PromotionOrder {
  /** The record, read in this tick, that names this tablet. */
  readonly record: ShardRecord
  readonly semiSync: SemiSyncWish['setting']
  /** How long one call waits for the applier, in whole seconds; the next tick goes on. */
  readonly applyWaitSeconds: number
  /** Called once the term is taken, before the server turns writable. */
  readonly beforeWritable?: () => Promise<void>
}

export type Promotion =
  | { readonly done: true, readonly record: ShardRecord, readonly sentence: string }
  | { readonly done: false, readonly blocker: Blocker, readonly sentence: string }

/** @throws TabletError TOPOLOGY_CONFLICT when the term was given back or followed by another: this tablet stays read-only. */
export async function promote(
  order: PromotionOrder, deps: { readonly mysqld: Mysqld, readonly topology: Topology }, ctx: ActionContext,
): Promise<Promotion> {
  const { mysqld, topology } = deps
  const { record } = order
  const start = record.start === undefined ? undefined : parsePosition(record.start, 'TOPOLOGY_CORRUPT')
  if (start === undefined) return notYet(blocker('term-without-start'))
  const applying = await applyReceived(order, mysqld, ctx)
  if (applying !== undefined) return notYet(applying)
  const executed = await mysqld.executedGtids(ctx)
  if (!holds(executed, start)) {
    const lacks = executed.flavor === start.flavor ? start.subtract(executed).toString() : `all of ${record.start ?? ''}`
    return notYet(blocker('named-primary-behind', { message: `named primary for term ${record.term}, but it lacks ${lacks}` }))
  }
  await mysqld.removeReplicationChannel(ctx)
  const seen = await mysqld.observe(ctx)
  await actOnSemiSync(decideSemiSync({ setting: order.semiSync, role: 'primary', acknowledges: false }, seen.semiSync), { mysqld, replicates: false }, ctx)
  const claimed = await claimTerm(topology, record, ctx)
  await order.beforeWritable?.()
  await mysqld.setReadOnly('off', ctx)
  await giveUpIfOvertaken(record, deps, ctx)
  await mysqld.setOfflineMode(false, ctx)
  return { done: true, record: claimed, sentence: `promoted: primary of term ${record.term}` }
}

/**
 * P4. A record that cannot be read now says nothing: the term was taken a moment ago.
 *
 * @throws TabletError TOPOLOGY_CONFLICT, read-only again; ending the clients is the demotion's, in the next turn.
 */
async function giveUpIfOvertaken(
  record: ShardRecord, { mysqld, topology }: { readonly mysqld: Mysqld, readonly topology: Topology }, ctx: ActionContext,
): Promise<void> {
  const now = await withDeadline('read the shard record', LOOK_AGAIN_MS, (bounded) => topology.readShardRecord(record, bounded), ctx).catch(() => undefined)
  if (now === undefined || now.record.term < record.term) return
  if (now.record.term === record.term && now.record.primary === record.primary) return
  using undo = undoContext('turn read-only again', READ_ONLY_MS, ctx)
  await mysqld.setReadOnly('on', undo)
  throw new TabletError('TOPOLOGY_CONFLICT', `cannot be primary of term ${record.term}: the record names ${now.record.primary} for term ${now.record.term}`)
}

/**
 * Whether `executed` holds the position that the term starts from; undefined when the record does not say it yet. Pure.
 *
 * The empty position of either flavour is held by every server: a shard may be named before any server of it ran.
 */
export function holdsStart(executed: GtidSet, record: ShardRecord): boolean | undefined {
  const start = record.start === undefined ? undefined : parsePosition(record.start, 'TOPOLOGY_CORRUPT')
  return start === undefined ? undefined : holds(executed, start)
}

const holds = (executed: GtidSet, start: GtidSet): boolean =>
  start.isEmpty() || (executed.flavor === start.flavor && executed.contains(start))

/** P1. What was received may be acknowledged already: it is applied first, or this waits with the reason. */
async function applyReceived(order: PromotionOrder, mysqld: Mysqld, ctx: ActionContext): Promise<Blocker | undefined> {
  const status = await mysqld.replicationStatus(ctx)
  if (status === undefined || status.executed.contains(status.retrieved)) return undefined
  const missing = status.retrieved.subtract(status.executed).toString()
  if (status.sql === 'stopped' && status.sqlErrorNumber !== 0) return brokenApplier(status, missing)
  if (status.sql === 'stopped') await mysqld.startReplication(ctx)
  if (await mysqld.waitForGtids(status.retrieved, order.applyWaitSeconds, ctx)) return undefined
  return blocker('named-primary-behind', { message: `named primary for term ${order.record.term}; still applying ${missing}` })
}

const brokenApplier = (status: ReplicationStatus, missing: string): Blocker => blocker('replication-error', {
  code: 'REPLICATION_BROKEN',
  message: `named primary, but it received ${missing} and cannot apply it: error ${status.sqlErrorNumber}: ${status.sqlError}`,
})

const notYet = (why: Blocker): Promotion => ({ done: false, blocker: why, sentence: why.message })
