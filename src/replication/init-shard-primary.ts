/**
 * `init-shard-primary`: names the primary of a shard that has none, or whose primary is lost.
 *
 * Owns      the rules of who may be named (design.md section 7), and the one write to the shard record.
 * Leaves    becoming primary and following it to the daemons; this waits for them.
 * Promises  I1  nobody is named while a reachable tablet holds transactions the chosen one lacks, or is writable. No force overrides it.
 *           I2  the new term is above every one that the store or a reachable tablet has ever seen.
 */
import type { ActionContext } from '../base/action.ts'
import { TabletError } from '../base/errors.ts'
import type { GtidSet } from '../model/gtid-set.ts'
import { emptyGtidSet, formatPosition } from '../model/position.ts'
import type { ShardRecord } from '../model/records.ts'
import type { TabletSnapshot } from '../model/snapshot.ts'
import { formatShardName, type ShardName, type TabletAlias } from '../model/tablet.ts'
import { errantTransactions, type History } from './errant.ts'
import { awaitConvergence, wakeTablets } from './converge.ts'
import {
  aliasesOf, askTablet, newestRecord, nextTerm, positionIn, refuse, tabletIn, viewShard, waitsForFirstBackup,
  type Refusal, type ShardCommandDeps, type ShardView, type TabletView,
} from './shard-view.ts'

export interface InitShardPrimaryRequest {
  readonly shard: ShardName
  readonly primary: TabletAlias
  /** Overrides a record that exists or is remembered, unreachable tablets, and DRAINED of the one named. */
  readonly force: boolean
  readonly waitMs: number
}

export interface InitShardPrimaryOutcome {
  readonly record: ShardRecord
  /** Tablets that could not be asked and were passed over under force. */
  readonly passedOver: readonly TabletAlias[]
}

/** Each takes a turn of its daemon's loop, so the last one is seconds after the others were seen. */
const LOOKS_AT_A_WRITER = 5

type Decision = Refusal | { readonly do: 'write', readonly record: ShardRecord, readonly passedOver: readonly TabletAlias[] }

/** Who is named under which term, or why nobody. Pure. `now` is an RFC 3339 time. */
export function decideInitShardPrimary(
  view: ShardView, wish: { readonly primary: TabletAlias, readonly force: boolean }, now: string,
): Decision {
  const candidate = tabletIn(view, wish.primary)
  const others = view.tablets.filter((tablet) => tablet !== candidate)
  const known = newestRecord(view)
  if (known !== undefined && !wish.force) return hasPrimary(view, known)
  if (candidate.snapshot === undefined) return refuse('TABLET_UNREACHABLE', `cannot name ${wish.primary}: its daemon does not answer`)
  const unfit = judgeCandidate(candidate.snapshot, wish.force)
  if (unfit !== undefined) return unfit
  const position = positionIn(candidate.snapshot) ?? emptyGtidSet(flavorIn(view))
  const against = judgeOthers(wish.primary, { executed: position, binlogState: candidate.snapshot.binlogState }, others)
  if (against !== undefined) return against
  const unasked = others.filter(couldNotBeAsked)
  if (!wish.force && followsStranger(candidate.snapshot, others)) {
    return refuse('TABLETS_UNREACHABLE', `cannot name ${wish.primary}: it replicates from ${candidate.snapshot.replication?.source}, which is no tablet of this shard yet`)
  }
  if (unasked.length > 0 && !wish.force) {
    return refuse('TABLETS_UNREACHABLE', `cannot tell whether ${wish.primary} holds everything: ${aliasesOf(unasked)} could not be asked`)
  }
  const former = known?.primary
  return {
    do: 'write',
    record: {
      ...view.name, primary: wish.primary, term: nextTerm(view), since: now,
      ...former !== undefined && former !== wish.primary && { former }, start: formatPosition(position),
    },
    passedOver: unasked.map(({ record }) => record.alias),
  }
}

function hasPrimary({ name, record }: ShardView, known: ShardRecord): Refusal {
  const where = record === undefined ? ', which its tablets remember though the topology has lost it' : ''
  return refuse('SHARD_HAS_PRIMARY', `${formatShardName(name)} has a primary: ${known.primary} in term ${known.term}${where}`)
}

function judgeCandidate(snapshot: TabletSnapshot, force: boolean): Refusal | undefined {
  const { alias, type } = snapshot
  if (waitsForFirstBackup(snapshot)) return undefined   // there is no backup: it starts the shard empty, by this explicit word
  if (type === 'BACKUP' || type === 'RESTORE') return refuse('TYPE_FORBIDS', `cannot name ${alias}: it is in ${type}`)
  if (snapshot.drained && !force) return refuse('TYPE_FORBIDS', `cannot name ${alias}: it is DRAINED`)
  if (!snapshot.mysqld.answers || snapshot.position === undefined) return refuse('CANDIDATE_UNFIT', `cannot name ${alias}: its mysqld does not answer`)
  const unfit = snapshot.blockers.find(({ name }) => name === 'server-unfit')
  return unfit && refuse(unfit.code ?? 'CANDIDATE_UNFIT', `cannot name ${alias}: ${unfit.message}`)
}

/** I1. */
function judgeOthers(alias: TabletAlias, ours: History, others: readonly TabletView[]): Refusal | undefined {
  for (const { record, snapshot } of others) {
    if (snapshot?.mysqld.writable === true) return refuse('OTHER_TABLET_WRITABLE', `cannot name ${alias}: ${record.alias} is writable`)
  }
  for (const { record, snapshot } of others) {
    const theirs = positionIn(snapshot)
    if (theirs === undefined || theirs.isEmpty()) continue
    if (theirs.flavor !== ours.executed.flavor) return refuse('OTHER_TABLET_AHEAD', `cannot name ${alias}: ${record.alias} is a ${theirs.flavor} server`)
    const ahead = errantTransactions({ executed: theirs, binlogState: snapshot?.binlogState }, ours)
    if (ahead !== '') return refuse('OTHER_TABLET_AHEAD', `cannot name ${alias}: ${record.alias} holds ${ahead}, which it lacks`)
  }
  return undefined
}

/** A shard half adopted: the server that is written to has no daemon yet, and would go on being written to. */
const followsStranger = ({ replication }: TabletSnapshot, others: readonly TabletView[]): boolean =>
  replication?.io === 'running' && !others.some(({ record }) => `${record.hostname}:${record.mysqlPort}` === replication.source)

/** Nobody knows what it holds. What is being restored comes from a backup, and holds nothing of its own. */
const couldNotBeAsked = ({ snapshot }: TabletView): boolean =>
  snapshot === undefined || (snapshot.position === undefined && snapshot.type !== 'RESTORE')

/** Of a tablet without a server yet; the empty position of either flavour is held by every server. */
const flavorIn = (view: ShardView): GtidSet['flavor'] =>
  view.tablets.map(({ snapshot }) => snapshot?.mysqld.flavor).find((flavor) => flavor !== undefined) ?? 'mysql'

/**
 * Names the primary and waits until the reachable tablets have followed.
 *
 * @throws TabletError the codes of `decideInitShardPrimary` before anything is changed; SHARD_LOCKED, SHARD_LOCK_LOST, TOPOLOGY_CONFLICT;
 *   WAIT_TIMEOUT when the record is written but not every tablet followed in time.
 */
export async function initShardPrimary(
  request: InitShardPrimaryRequest, deps: ShardCommandDeps, ctx: ActionContext,
): Promise<InitShardPrimaryOutcome> {
  await using lock = await deps.topology.lockShard(request.shard, `init-shard-primary ${request.primary}`, ctx)
  const locked: ActionContext = { ...ctx, signal: AbortSignal.any([ctx.signal, lock.lost]) }
  const view = await viewShard(request.shard, { ...deps, evenCorrupt: request.force }, locked)
  const decision = await decideWithCandidateSeenLast(view, request, deps, locked)
  if (decision.do === 'refuse') throw new TabletError(decision.code, decision.message)
  const candidate = tabletIn(view, request.primary)
  if (candidate.snapshot?.drained === true) await deps.client.setType(candidate.record, 'target', locked)
  const { record } = await deps.topology.writeShardRecord(decision.record, view.version, locked)
  const tablets = view.tablets.filter(({ snapshot }) => snapshot !== undefined)
  await wakeTablets(tablets, deps, locked)
  await awaitConvergence(record, { ...deps, tablets, waitMs: request.waitMs }, locked)
  return { record, passedOver: decision.passedOver }
}

/** Clients write to a shard that is adopted, and a replica may hold for a moment what its primary's position does not show yet. */
async function decideWithCandidateSeenLast(
  view: ShardView, request: InitShardPrimaryRequest, { client }: ShardCommandDeps, ctx: ActionContext,
): Promise<Decision> {
  for (let looks = 0; ; looks++) {
    const decision = decideInitShardPrimary(view, request, new Date().toISOString())
    const writes = tabletIn(view, request.primary).snapshot?.mysqld.writable === true
    if (decision.do !== 'refuse' || decision.code !== 'OTHER_TABLET_AHEAD' || !writes || looks === LOOKS_AT_A_WRITER) return decision
    const { record } = tabletIn(view, request.primary)
    const seenLast = { record, snapshot: await askTablet(record, client, ctx) }
    view = { ...view, tablets: view.tablets.map((tablet) => tablet.record === record ? seenLast : tablet) }
  }
}
