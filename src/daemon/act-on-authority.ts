/**
 * Makes this tablet what the shard record says it is: at most one step a turn.
 *
 * Owns      which act belongs to which role. Leaves deciding to decide-authority.ts and decide-repair.ts.
 * Promises  a tablet that is not the recorded primary is read-only before anything else is done to it.
 */
import { asTabletError } from '../base/errors.ts'
import { readWithin, type ActionContext } from '../base/action.ts'
import { blocker, type Blocker } from '../model/blocker.ts'
import type { Mysqld } from '../mysqld/mysqld.ts'
import { sameProcess } from '../mysqld/process-identity.ts'
import { addStart } from '../replication/claim-term.ts'
import { mustAddStart, type Authority } from '../replication/decide-authority.ts'
import { becomeReadOnly, demote } from '../replication/demote.ts'
import { forgetRunning } from '../replication/operator-stop.ts'
import { promote } from '../replication/promote.ts'
import { actOnSemiSync, decideSemiSync, semiSyncBlocker, watchCommits } from '../replication/semi-sync.ts'
import type { Acted, SeenServer } from './acted.ts'
import { follow, watchReplication } from './follow.ts'
import { openToClients } from './open-to-clients.ts'
import type { Parts } from './parts.ts'

const APPLY_WAIT_SECONDS = 2
/** A disk that hangs ends the turn, so that the next one reads the record: this tablet may be deposed meanwhile. */
const WRITE_DEADLINE_MS = 2_000

export async function actOnAuthority(authority: Authority, seen: SeenServer, parts: Parts, ctx: ActionContext): Promise<Acted> {
  await watchReplication(seen, parts, ctx)
  if (authority.role !== 'keep') parts.watched.quieted = undefined   // from here on the record says what it is
  switch (authority.role) {
    case 'primary': return await bePrimary(authority, seen, parts, ctx)
    case 'follow': return await beFollower(authority, seen, parts, ctx)
    case 'hold': return await hold(authority.blockers, seen, parts, ctx)
    case 'keep': return await keep(authority, seen, parts, ctx)
    case 'as-found': return { blockers: authority.blockers, sentence: authority.blockers[0]?.message ?? 'left as found', changed: false }
  }
}

async function bePrimary(authority: Authority & { role: 'primary' }, seen: SeenServer, parts: Parts, ctx: ActionContext): Promise<Acted> {
  const { manager, config, mysqld, topology, origin } = parts
  if (manager.state === 'drained') return await hold([blocker('drained', { message: 'the shard record names this tablet, but it is drained; undrain it' })], seen, parts, ctx)
  if (manager.state === 'primary' && !seen.server.readOnly) return await stayPrimary(authority, seen, parts, ctx)
  if (origin.closed && seen.server.identity.flavor === 'mariadb') return await openToClients(parts, ctx)
  forgetReplication(parts)
  const order = {
    record: authority.record, semiSync: config['semi-sync'], applyWaitSeconds: APPLY_WAIT_SECONDS,
    // before it is writable: a crash right after must find written down that this server may hold writes
    beforeWritable: () => readWithin('write down that this server becomes the primary', WRITE_DEADLINE_MS,
      () => parts.state.remember({ actedOn: { identity: seen.identity, as: 'primary' }, replicationStoppedByOperator: false }), ctx),
  }
  const promotion = await promote(order, { mysqld, topology }, ctx)
  if (!promotion.done) return { blockers: [promotion.blocker], sentence: promotion.sentence, changed: true }
  await markPromoted(origin, ctx)
  if (manager.state !== 'primary') manager.apply('promoted', promotion.sentence)
  return { blockers: [], sentence: promotion.sentence, changed: true }
}

const markPromoted = (origin: Parts['origin'], ctx: ActionContext): Promise<void> =>
  readWithin('note with the data that they were a primary\'s', WRITE_DEADLINE_MS, () => origin.markServed({ promoted: true }), ctx)

async function stayPrimary(authority: Authority & { role: 'primary' }, { server, identity }: SeenServer, parts: Parts, ctx: ActionContext): Promise<Acted> {
  const { mysqld, config, watched } = parts
  await parts.state.rememberAtLeastHere({ actedOn: { identity, as: 'primary' } }, ctx)
  await markPromoted(parts.origin, ctx)
  const steps = decideSemiSync({ setting: config['semi-sync'], role: 'primary', acknowledges: false }, server.semiSync)
  const changed = await actOnSemiSync(steps, { mysqld, replicates: false }, ctx)
  const nowMs = performance.now()
  watched.commits = watchCommits(watched.commits, server, nowMs)
  const blocked = semiSyncBlocker('primary', server.semiSync, watched.commits === undefined ? 0 : nowMs - watched.commits.sinceMs)
  return { blockers: blocked === undefined ? [] : [blocked], sentence: `primary of term ${authority.record.term}`, changed }
}

async function beFollower(authority: Authority & { role: 'follow' }, seen: SeenServer, parts: Parts, ctx: ActionContext): Promise<Acted> {
  const stepped = await stepDown(authority.record.primary, seen, parts, ctx)
  if (stepped !== undefined) return { ...stepped, blockers: authority.blockers }
  if (parts.view.latest?.kind === 'record') await parts.state.rememberAtLeastHere({ actedOn: { identity: seen.identity, as: 'replica' } }, ctx)
  const followed = await follow(authority.source, seen, parts, ctx)
  return { ...followed, blockers: [...authority.blockers, ...followed.blockers] }
}

async function hold(blockers: readonly Blocker[], seen: SeenServer, parts: Parts, ctx: ActionContext): Promise<Acted> {
  const stepped = await stepDown('nobody', seen, parts, ctx)
  if (stepped !== undefined) return { ...stepped, blockers }
  return { blockers, sentence: blockers[0]?.message ?? 'waiting', changed: false }
}

/**
 * Nothing is changed, but what an operation of ours changed and did not live to put right: a backup that ended between
 * making this server quiet and stopping it.
 */
async function keep(authority: Authority & { role: 'keep' }, { server, identity }: SeenServer, parts: Parts, ctx: ActionContext): Promise<Acted> {
  const { manager, mysqld, watched } = parts
  const as = authority.as === 'primary' ? 'the primary' : 'a replica'
  const steps = watched.quieted !== undefined && sameProcess(watched.quieted, identity)
    ? afterQuiet({ as: authority.as, server, stoppedByOperator: watched.replication.stoppedByOperator }) : []
  for (const step of steps) await (step === 'writable' ? mysqld.setReadOnly('off', ctx) : mysqld.startReplication(ctx))
  watched.quieted = undefined
  const writes = !server.readOnly || steps.includes('writable')
  if (authority.as === 'primary' && writes && manager.state === 'spare') manager.apply('promoted', 'mysqld ran on as the primary, and the topology gives no record')
  const undone = steps.length === 0 ? '' : '; undid what the backup had changed'
  return { blockers: [], sentence: `${authority.why}; this tablet goes on as ${as}${undone}`, changed: steps.length > 0 }
}

/** What gives a server back its role of before a backup that did not stop it. Pure. */
export function afterQuiet({ as, server, stoppedByOperator }: {
  readonly as: 'primary' | 'replica'
  readonly server: Pick<SeenServer['server'], 'readOnly' | 'replication'>
  readonly stoppedByOperator: boolean
}): readonly ('writable' | 'start-replication')[] {
  if (as === 'primary') return server.readOnly ? ['writable'] : []
  const { replication } = server
  if (replication === undefined || stoppedByOperator) return []
  const failed = replication.ioErrorNumber !== 0 || replication.sqlErrorNumber !== 0
  return !failed && replication.io === 'stopped' && replication.sql === 'stopped' ? ['start-replication'] : []
}

/** What a tablet that is not the primary needs first. */
export type StepDown = 'nothing' | 'read-only' | 'read-only-and-end-clients' | 'demote'

/**
 * Pure. A server that wrote in this run, or has no channel, is demoted to the end, also where that was begun before: its
 * clients may still hold transactions. What only ever replicated keeps its channel, and knows no end of a term.
 */
export function decideStepDown({ server, owesStart, wrote }: {
  readonly server: Pick<SeenServer['server'], 'readOnly' | 'superReadOnly' | 'replication'>
  /** The record waits for the position at which this tablet's term ended. */
  readonly owesStart: boolean
  /** This very run of mysqld was made the primary by us. */
  readonly wrote: boolean
}): StepDown {
  if (wrote) return 'demote'
  if (server.replication === undefined) return server.superReadOnly && !owesStart ? 'nothing' : 'demote'
  if (server.superReadOnly) return 'nothing'
  // adopted with read_only alone: nobody but administrators could write, so its readers stay connected
  return server.readOnly ? 'read-only' : 'read-only-and-end-clients'
}

/** Read-only, and the end of the last term written where it is ours to write. undefined: there was nothing to do. */
async function stepDown(primary: string, { server, identity }: SeenServer, parts: Parts, ctx: ActionContext): Promise<Omit<Acted, 'blockers'> | undefined> {
  const { manager, mysqld, config, view, tablet, topology, origin, state } = parts
  const record = view.latest?.kind === 'record' ? view.latest.record : undefined
  const owesStart = record !== undefined && mustAddStart(tablet.alias, record, origin)
  const { actedOn } = state.memory
  const wrote = actedOn?.as === 'primary' && sameProcess(actedOn.identity, identity)
  if (manager.state === 'primary') manager.apply('demoted', `the shard record names ${primary}`)
  await parts.heartbeatWriter.settle()   // before read-only: a table made on the way would be nobody's transaction
  const step = decideStepDown({ server, owesStart, wrote })
  if (step === 'nothing') return undefined
  forgetReplication(parts)
  if (step !== 'demote') return await makeReadOnly(step, mysqld, ctx)
  await becomeReadOnly(mysqld, ctx)
  if (server.replication !== undefined) await mysqld.removeReplicationChannel(ctx)   // somebody's, on a primary; it is attached anew
  const final = await demote(mysqld, config['semi-sync'], ctx)
  await state.rememberAtLeastHere({ actedOn: { identity, as: 'replica' } }, ctx)
  if (!owesStart) return { sentence: 'was writable without being the recorded primary; set it read-only and ended its clients', changed: true }
  await addStart(topology, record, final, ctx).catch((error: unknown) => {
    ctx.log.warn({ err: asTabletError(error) }, 'the end of the former term could not be written yet')
  })
  return { sentence: `demoted: term ${record.term - 1} ended at ${final.toString() === '' ? 'the empty position' : final.toString()}`, changed: true }
}

async function makeReadOnly(step: StepDown, mysqld: Mysqld, ctx: ActionContext): Promise<Omit<Acted, 'blockers'>> {
  await mysqld.setReadOnly('on', ctx)
  if (step === 'read-only') return { sentence: 'a replica was read-only for clients alone; now it is for administrators too', changed: true }
  await mysqld.endClientConnections(ctx)
  return { sentence: 'a replica was writable; set it read-only and ended its clients', changed: true }
}

function forgetReplication({ watched }: Pick<Parts, 'watched'>): void {
  watched.replication = forgetRunning(watched.replication)
}
