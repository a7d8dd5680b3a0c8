/**
 * `planned-reparent-shard`: gives the shard to another tablet without losing a transaction.
 *
 * The command writes the new primary without `start`. The former primary goes read-only and adds its last position;
 * the candidate catches up to it, takes the term and turns writable. All of that the daemons do by themselves: a
 * command killed at any point leaves a shard that goes on.
 *
 * Promises  R1  a term that the candidate has not taken in time is given back to the former primary; of taking and
 *               giving back exactly one happens, by compare-and-set on the record.
 *           R2  412, with nothing changed, while either of the two is in BACKUP, RESTORE or DRAINED.
 */
import { pollUntil, withDeadline, type ActionContext } from '../base/action.ts'
import { TabletError, hasCode } from '../base/errors.ts'
import type { BlockerName } from '../model/blocker.ts'
import type { ShardRecord } from '../model/records.ts'
import type { TabletSnapshot } from '../model/snapshot.ts'
import { formatShardName, type ShardName, type TabletAlias } from '../model/tablet.ts'
import { awaitConvergence, wakeTablets } from './converge.ts'
import { nextTerm, refuse, tabletIn, viewShard, type Refusal, type ShardCommandDeps, type ShardView } from './shard-view.ts'

export interface PlannedReparentRequest {
  readonly shard: ShardName
  readonly primary: TabletAlias
  /** How long the candidate may take before the term is given back. */
  readonly takeoverMs: number
  /** How long the others may take to follow, after that. */
  readonly waitMs: number
  /** A candidate further behind is refused: writes would wait that long. */
  readonly maxLagSeconds: number
}

export interface PlannedReparentOutcome {
  readonly record: ShardRecord
  readonly former: TabletAlias
  /** From the writing of the record until the new primary had taken the term: for most of it no write was possible. */
  readonly tookMs: number
}

type Decision =
  | Refusal
  | { readonly do: 'nothing', readonly record: ShardRecord }
  | { readonly do: 'write', readonly record: ShardRecord, readonly former: TabletAlias }

/** Blockers that only time or an operator removes: such a candidate would not take over. */
const UNFIT: readonly BlockerName[] = [
  'errant-transactions', 'needs-backup', 'replication-error', 'replication-stopped-by-operator', 'replication-connecting',
  'source-unverified', 'lag-unknown', 'server-unfit', 'mysqld-down', 'mysqld-silent', 'snapshot-too-old',
]

/** Pure. `now` is an RFC 3339 time. */
export function decidePlannedReparent(view: ShardView, wish: Pick<PlannedReparentRequest, 'primary' | 'maxLagSeconds'>, now: string): Decision {
  const { record } = view
  if (record === undefined) return refuse('NO_SHARD_PRIMARY', `cannot reparent ${formatShardName(view.name)}: it has no primary yet`)
  // without `start` a reparent was cut short: nobody was primary since the former one
  const from = record.start === undefined ? record.former ?? record.primary : record.primary
  const candidate = tabletIn(view, wish.primary).snapshot
  const former = tabletIn(view, from).snapshot
  if (candidate === undefined) return refuse('TABLET_UNREACHABLE', `cannot reparent to ${wish.primary}: its daemon does not answer`)
  if (former === undefined) return refuse('TABLETS_UNREACHABLE', `cannot reparent from ${from}: its daemon does not answer; if it is lost, use init-shard-primary --force`)
  if (wish.primary === from && record.start !== undefined && isPrimary(former)) return { do: 'nothing', record }
  const against = judgeType(candidate) ?? judgeType(former) ?? judgeOthers(view, [wish.primary, from])
    ?? (record.start === undefined || isPrimary(former) ? undefined : notPrimary(former))
    ?? (wish.primary === from ? undefined : judgeCandidate(candidate, wish.maxLagSeconds))
  return against ?? {
    do: 'write', former: from,
    record: { ...view.name, primary: wish.primary, term: nextTerm(view), since: now, former: from },
  }
}

/** R2. */
function judgeType({ alias, type, drained }: TabletSnapshot): Refusal | undefined {
  if (type === 'BACKUP' || type === 'RESTORE') return refuse('TYPE_FORBIDS', `cannot reparent: ${alias} is in ${type}`)
  return drained ? refuse('TYPE_FORBIDS', `cannot reparent: ${alias} is DRAINED`) : undefined
}

const notPrimary = ({ alias, type }: TabletSnapshot): Refusal =>
  refuse('TYPE_FORBIDS', `cannot reparent from ${alias}: it is ${type}, not a writable PRIMARY; if it cannot recover, use init-shard-primary --force`)

const isPrimary = ({ type, mysqld }: TabletSnapshot): boolean => type === 'PRIMARY' && mysqld.writable === true

function judgeOthers(view: ShardView, both: readonly TabletAlias[]): Refusal | undefined {
  const writable = view.tablets.find(({ record, snapshot }) => !both.includes(record.alias) && snapshot?.mysqld.writable === true)
  return writable && refuse('OTHER_TABLET_WRITABLE', `cannot reparent: ${writable.record.alias} is writable`)
}

function judgeCandidate(snapshot: TabletSnapshot, maxLagSeconds: number): Refusal | undefined {
  const { alias, replication, lagSeconds } = snapshot
  const unfit = snapshot.blockers.find(({ name }) => UNFIT.includes(name))
  if (unfit !== undefined) return refuse('CANDIDATE_UNFIT', `cannot reparent to ${alias}: ${unfit.message}`)
  if (!snapshot.mysqld.answers || snapshot.position === undefined) return refuse('CANDIDATE_UNFIT', `cannot reparent to ${alias}: its mysqld does not answer`)
  if (replication?.io !== 'running' || replication.sql !== 'running') return refuse('CANDIDATE_UNFIT', `cannot reparent to ${alias}: it does not replicate`)
  if (lagSeconds === undefined) return refuse('CANDIDATE_UNFIT', `cannot reparent to ${alias}: its lag is not known`)
  if (lagSeconds > maxLagSeconds) return refuse('CANDIDATE_UNFIT', `cannot reparent to ${alias}: it lags ${lagSeconds} s, more than ${maxLagSeconds} s`)
  return undefined
}

/**
 * Reparents, and waits until the reachable tablets have followed.
 *
 * @throws TabletError the codes of `decidePlannedReparent` before anything is changed; SHARD_LOCKED, SHARD_LOCK_LOST, TOPOLOGY_CONFLICT;
 *   REPARENT_FAILED when the candidate did not take over in time and the former primary was named again; WAIT_TIMEOUT
 *   when it took over, but not every other tablet followed in time.
 */
export async function plannedReparent(
  request: PlannedReparentRequest, deps: ShardCommandDeps, ctx: ActionContext,
): Promise<PlannedReparentOutcome> {
  await using lock = await deps.topology.lockShard(request.shard, `planned-reparent-shard ${request.primary}`, ctx)
  const locked: ActionContext = { ...ctx, signal: AbortSignal.any([ctx.signal, lock.lost]) }
  const view = await viewShard(request.shard, { ...deps, evenCorrupt: false }, locked)
  const decision = decidePlannedReparent(view, request, new Date().toISOString())
  if (decision.do === 'refuse') throw new TabletError(decision.code, decision.message)
  if (decision.do === 'nothing') return { record: decision.record, former: decision.record.primary, tookMs: 0 }
  const startedMs = performance.now()
  const written = await deps.topology.writeShardRecord(decision.record, view.version, locked)
  const tablets = view.tablets.filter(({ snapshot }) => snapshot !== undefined)
  await wakeTablets(tablets, deps, locked)
  const taken = await awaitTaken(written.record, request.takeoverMs, deps, locked)
    ?? await giveBack(written.record, decision.former, deps, locked)
  if (taken.primary !== request.primary || taken.term !== written.record.term) {
    await wakeTablets(tablets, deps, locked)
    await awaitConvergence(taken, { ...deps, tablets: [tabletIn(view, decision.former)], waitMs: request.waitMs }, locked)
      .catch((error: unknown) => { if (!hasCode(error, 'WAIT_TIMEOUT')) throw error })   // the worse news is the one thrown below
    throw new TabletError('REPARENT_FAILED', `${request.primary} did not take over within ${request.takeoverMs / 1000} s; ${taken.primary} is named again in term ${taken.term}`)
  }
  const tookMs = Math.round(performance.now() - startedMs)
  await wakeTablets(tablets, deps, locked)
  await awaitConvergence(taken, { ...deps, tablets, waitMs: request.waitMs }, locked)
  return { record: taken, former: decision.former, tookMs }
}

/** The record once its primary has taken it; undefined when the time passed first. */
async function awaitTaken(
  written: ShardRecord, takeoverMs: number, { topology }: ShardCommandDeps, ctx: ActionContext,
): Promise<ShardRecord | undefined> {
  try {
    return await withDeadline('take over', takeoverMs, (inner) => pollUntil(50, async () => {
      const record = await currentTerm(written, topology, inner)
      return record.claimed === true ? record : undefined
    }, inner), ctx)
  } catch (error) {
    if (ctx.signal.aborted || !hasCode(error, 'DEADLINE_EXCEEDED')) throw error
    return undefined
  }
}

/** R1: names the former primary again under a further term, or answers with the record that was taken in the last moment. */
async function giveBack(
  written: ShardRecord, former: TabletAlias, { topology }: ShardCommandDeps, ctx: ActionContext,
): Promise<ShardRecord> {
  for (;;) {
    const current = await topology.readShardRecord(written, ctx)
    const record = current?.record
    if (record?.term !== written.term) throw overtaken(written, record)
    if (record.claimed === true) return record
    // nobody wrote since the former primary stopped: where it ended still holds, or it will say so itself
    const back: ShardRecord = {
      keyspace: record.keyspace, shard: record.shard, primary: former, term: record.term + 1, since: new Date().toISOString(), former,
      ...record.start !== undefined && { start: record.start },
    }
    try {
      return (await topology.writeShardRecord(back, current?.version, ctx)).record
    } catch (error) {
      if (!hasCode(error, 'TOPOLOGY_CONFLICT')) throw error   // `start` was added, or the term taken: look again
    }
  }
}

async function currentTerm(written: ShardRecord, topology: ShardCommandDeps['topology'], ctx: ActionContext): Promise<ShardRecord> {
  const record = (await topology.readShardRecord(written, ctx))?.record
  if (record?.term !== written.term) throw overtaken(written, record)
  return record
}

const overtaken = (written: ShardRecord, record: ShardRecord | undefined): TabletError => new TabletError('TOPOLOGY_CONFLICT',
  `term ${written.term} of ${formatShardName(written)} was replaced by ${record === undefined ? 'nothing' : `term ${record.term}`} in the middle of the reparent`)
