/**
 * Keeps the channel of a follower: watches it, looks at the source when that is needed, does one repair a turn.
 *
 * Leaves    the decision to decide-repair.ts, doing it to repair.ts.
 */
import { readWithin, type ActionContext } from '../base/action.ts'
import { TabletError, asTabletError, messageOf } from '../base/errors.ts'
import { outlastsConnecting } from '../health/verdict.ts'
import { blocker, type Blocker, type BlockerName } from '../model/blocker.ts'
import type { MysqlAddress } from '../model/records.ts'
import type { TabletAlias } from '../model/tablet.ts'
import type { ServerFacts } from '../mysqld/mysqld.ts'
import { followerFacts } from '../replication/attach.ts'
import { decideRepair, type Repair, type RepairFacts, type SourceLook } from '../replication/decide-repair.ts'
import { forgetRunning, noticeOperatorStop } from '../replication/operator-stop.ts'
import { doRepair } from '../replication/repair.ts'
import { actOnSemiSync, decideSemiSync } from '../replication/semi-sync.ts'
import type { Acted, SeenServer } from './acted.ts'
import type { Parts } from './parts.ts'
import { forgetOtherRuns, forgetProofs, watchLag } from './watch-lag.ts'

const CONNECT_WAIT_MS = 2_000
/** A serving replica is compared with its source this often; one that does not serve yet, at every turn. */
const LOOK_EVERY_MS = 10_000
/** One that seems to lag is compared more often: what nothing is missing of lags no further back than that look. */
const LAGS_SECONDS = 2
const LOOK_AT_LAG_MS = 2_000
const LOOK_DEADLINE_MS = 3_000
const MARK_DEADLINE_MS = 2_000

/** Notes lag, connecting and an operator's stop, whatever the role. */
export async function watchReplication(
  { server, identity }: SeenServer, parts: Pick<Parts, 'watched' | 'state' | 'config' | 'shard' | 'heartbeats'>, ctx: ActionContext,
): Promise<void> {
  const { watched, state } = parts
  const nowMs = performance.now()
  const status = server.replication
  watched.connectingSinceMs = status?.io === 'connecting' ? watched.connectingSinceMs ?? nowMs : undefined
  const run = `${identity.pid}:${identity.startTicks}`
  forgetOtherRuns(watched, run)
  watched.replication = noticeOperatorStop(watched.replication, run, status)
  await state.rememberAtLeastHere({ replicationStoppedByOperator: watched.replication.stoppedByOperator }, ctx)
  await watchLag(server, parts, ctx)
}

export async function follow(source: TabletAlias, { server }: SeenServer, parts: Parts, ctx: ActionContext): Promise<Acted> {
  const { manager, watched, view, config } = parts
  const address = view.addressOf(source) ?? server.replication?.source
  const facts: RepairFacts = {
    source: address,
    ours: followerFacts(server),
    replication: server.replication,
    look: await lookWhenDue(address, parts, ctx),
    drained: manager.state === 'drained',
    stoppedByOperator: watched.replication.stoppedByOperator,
    connectingForMs: watched.connectingSinceMs === undefined ? 0 : performance.now() - watched.connectingSinceMs,
  }
  let repair = decideRepair(facts)
  if (repair.do === 'look') repair = decideRepair({ ...facts, look: await look(address, parts, ctx) })
  if (repair.do === 'wait') {
    const endures = isOutage(repair.blocker.name, { served: manager.state === 'serving', connectingForMs: facts.connectingForMs })
    return { blockers: endures ? [] : [repair.blocker], sentence: repair.sentence, changed: false }
  }
  if (repair.do === 'nothing' || repair.do === 'look') {
    const steps = server.replication === undefined ? []
      : decideSemiSync({ setting: config['semi-sync'], role: 'follower', acknowledges: acknowledges(parts) }, server.semiSync)
    if (steps.length > 0) watched.replication = forgetRunning(watched.replication)   // it is stopped and started by us
    const changed = await actOnSemiSync(steps, { mysqld: parts.mysqld, replicates: true }, ctx)
    const unseen = manager.state !== 'serving' && facts.look.kind === 'unreachable' ? unverified(facts.look.why) : []
    return { blockers: unseen, sentence: `following ${source}: ${repair.sentence}`, changed }
  }
  return await act(repair, server, parts, ctx)
}

async function act(repair: Repair, server: ServerFacts, parts: Parts, ctx: ActionContext): Promise<Acted> {
  const { mysqld, lookAtSource, config, watched, replicationAccount } = parts
  watched.replication = forgetRunning(watched.replication)
  watched.connectingSinceMs = undefined
  forgetProofs(watched)
  try {
    const sentence = await doRepair(repair, {
      account: replicationAccount, connectWaitMs: CONNECT_WAIT_MS,
      semiSync: { setting: config['semi-sync'], acknowledges: acknowledges(parts) },
    }, { mysqld, lookAtSource }, ctx)
    if (repair.do === 'attach') await readWithin('note with the data that they were attached', MARK_DEADLINE_MS, () => parts.origin.markServed({ attached: true }), ctx)
    return { blockers: repair.do === 'stop' ? [repair.blocker] : [], sentence, changed: true }
  } catch (error) {
    ctx.signal.throwIfAborted()
    const { code, message } = asTabletError(error)
    const name = code === 'NEEDS_BACKUP' ? 'needs-backup' : code === 'ERRANT_TRANSACTIONS' ? 'errant-transactions'
      : code === 'REPLICATION_BROKEN' ? 'replication-error' : 'source-unverified'
    return { blockers: [blocker(name, { code, message })], sentence: message, changed: server.replication !== undefined }
  }
}

/** What has served stays healthy through a short outage of its source, see verdict.ts. */
const isOutage = (name: BlockerName, facts: { readonly served: boolean, readonly connectingForMs: number }): boolean =>
  name === 'replication-connecting' && outlastsConnecting(facts)

/** Nobody can say that it holds nothing of its own. */
const unverified = (why: string): readonly Blocker[] =>
  [blocker('source-unverified', { code: 'SOURCE_UNVERIFIED', message: `the primary cannot be compared with before this tablet serves: ${why}` })]

const acknowledges = ({ manager }: Pick<Parts, 'manager'>): boolean => manager.targetType === 'REPLICA' && manager.state !== 'drained'

async function lookWhenDue(address: MysqlAddress | undefined, parts: Parts, ctx: ActionContext): Promise<SourceLook> {
  const { manager, watched } = parts
  const lags = watched.lagSeconds === undefined || watched.lagSeconds >= LAGS_SECONDS
  const due = performance.now() - watched.lookTriedMs >= (lags ? LOOK_AT_LAG_MS : LOOK_EVERY_MS)
  return manager.state !== 'serving' || due ? await look(address, parts, ctx) : { kind: 'not-looked' }
}

async function look(address: MysqlAddress | undefined, { lookAtSource, watched }: Pick<Parts, 'lookAtSource' | 'watched'>, ctx: ActionContext): Promise<SourceLook> {
  if (address === undefined) return { kind: 'not-looked' }
  const atMs = performance.now()
  watched.lookTriedMs = atMs
  try {
    const late = AbortSignal.timeout(LOOK_DEADLINE_MS)
    const facts = await lookAtSource(address, { ...ctx, signal: AbortSignal.any([ctx.signal, late]) })
    watched.sourceLook = { facts, atMs }
    return { kind: 'seen', facts }
  } catch (error) {
    ctx.signal.throwIfAborted()
    return { kind: 'unreachable', why: error instanceof TabletError ? error.message : `no answer within ${LOOK_DEADLINE_MS / 1000} s (${messageOf(error)})` }
  }
}
