/**
 * Semi-synchronous replication, as the setting `semi-sync` wants it (design.md section 4). Pure, but for `actOnSemiSync`.
 *
 * unset  left as found.
 * off    both sides off.
 * on     a tablet that is to be a REPLICA acknowledges, others do not (RDONLY, DRAINED). The primary switches its side on
 *        once somebody acknowledges, and never off by itself: a commit that nobody acknowledged is not durable. A
 *        tablet that is no primary has that side off, or its applier would wait for acknowledgements too.
 */
import type { ActionContext } from '../base/action.ts'
import { TabletError } from '../base/errors.ts'
import { blocker, type Blocker } from '../model/blocker.ts'
import type { GtidSet } from '../model/gtid-set.ts'
import type { Mysqld, SemiSyncFacts } from '../mysqld/mysqld.ts'

export type SemiSyncSetting = 'unset' | 'off' | 'on'

export interface SemiSyncWish {
  readonly setting: SemiSyncSetting
  readonly role: 'primary' | 'follower'
  /** Its target type is REPLICA and it is not drained. */
  readonly acknowledges: boolean
}

export interface SemiSyncStep {
  readonly side: 'source' | 'replica'
  readonly on: boolean
}

/** What to set. A replica's side takes effect when its receiver is started next. */
export function decideSemiSync(wish: SemiSyncWish, seen: SemiSyncFacts): readonly SemiSyncStep[] {
  if (wish.setting === 'unset') return []
  const managed = wish.setting === 'on'
  const sourceSide = managed && wish.role === 'primary' ? seen.sourceEnabled === true || seen.acknowledgingReplicas > 0 : false
  const replicaSide = managed && wish.role === 'follower' && wish.acknowledges
  return [...step('source', seen.sourceEnabled, sourceSide), ...step('replica', seen.replicaEnabled, replicaSide)]
}

/** Nothing where the server has no such plugin: `semiSyncProblem` says so. */
const step = (side: SemiSyncStep['side'], enabled: boolean | undefined, on: boolean): readonly SemiSyncStep[] =>
  enabled === undefined || enabled === on ? [] : [{ side, on }]

/** What is missing for the setting, in words. */
export function semiSyncProblem(setting: SemiSyncSetting, seen: SemiSyncFacts): string | undefined {
  if (setting !== 'on' || (seen.sourceEnabled !== undefined && seen.replicaEnabled !== undefined)) return undefined
  return 'semi-sync is on, but the server has no semi-sync plugin; load semisync_source and semisync_replica in my.cnf'
}

/** Since when commits have waited without any getting through. */
export interface CommitWaits {
  readonly waiting: number
  readonly executed: string
  readonly sinceMs: number
}

/** A replica that vanished is still counted until the next byte is sent to it (tried: MariaDB, minutes); waits tell it sooner. */
export const STUCK_AFTER_MS = 5000

/** The memory after one look, `nowMs` on a clock that only goes forward; undefined: no commit waits. Pure. */
export function watchCommits(
  memory: CommitWaits | undefined, seen: { readonly semiSync: SemiSyncFacts, readonly executed: GtidSet }, nowMs: number,
): CommitWaits | undefined {
  const { waitingCommits: waiting } = seen.semiSync
  if (waiting === 0) return undefined
  const executed = seen.executed.toString()
  // more waiting is no progress: where a commit is logged before it waits, each one that joins moves the position
  const progress = memory === undefined || waiting < memory.waiting || (waiting === memory.waiting && executed !== memory.executed)
  return { waiting, executed, sinceMs: progress ? nowMs : memory.sinceMs }
}

/** On a primary: commits wait, and nobody is there to acknowledge them, or nobody has for `stuckForMs`. */
export function semiSyncBlocker(role: SemiSyncWish['role'], seen: SemiSyncFacts, stuckForMs = 0): Blocker | undefined {
  if (role !== 'primary' || seen.sourceEnabled !== true || seen.waitingCommits === 0) return undefined
  if (seen.acknowledgingReplicas > 0 && stuckForMs < STUCK_AFTER_MS) return undefined
  return blocker('blocked-on-semi-sync', { message: `${seen.waitingCommits} commits wait for a semi-sync acknowledgement that no replica gives` })
}

/**
 * Refuses to take the last acknowledging replica out of service.
 *
 * @param primary what the primary says; undefined when it could not be asked, and then nothing is refused: doubt about
 *   another server does not keep this one from its backup.
 * @throws TabletError LAST_SEMI_SYNC_REPLICA
 */
export function refuseLastAcknowledger(ours: SemiSyncFacts, primary: Pick<SemiSyncFacts, 'sourceEnabled' | 'acknowledgingReplicas'> | undefined): void {
  if (!ours.replicaActive || primary?.sourceEnabled !== true || primary.acknowledgingReplicas > 1) return
  throw new TabletError('LAST_SEMI_SYNC_REPLICA', 'cannot stop mysqld here: this is the last replica that acknowledges commits of the primary')
}

/** Sets what `decideSemiSync` said; restarts the receiver of a running replica so that it counts. True when anything was set. */
export async function actOnSemiSync(
  steps: readonly SemiSyncStep[], server: { readonly mysqld: Mysqld, readonly replicates: boolean }, ctx: ActionContext,
): Promise<boolean> {
  for (const { side, on } of steps) await server.mysqld.setSemiSync(side, on, ctx)
  if (server.replicates && steps.some(({ side }) => side === 'replica')) {
    await server.mysqld.stopReplication(ctx)
    await server.mysqld.startReplication(ctx)
  }
  return steps.length > 0
}
