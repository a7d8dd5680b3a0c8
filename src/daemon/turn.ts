/**
 * One turn of the control loop: look, decide who this tablet is, do one thing, judge, publish.
 *
 * Owns      the order. Leaves every decision to pure functions, every act to one named function.
 * Promises  T1  nothing on mysqld is touched while an operation holds it, or before the shard record was read or
 *               reading it failed.
 *           T2  a turn ends with a snapshot, whatever went wrong in it.
 */
import { readWithin, withDeadline, type ActionContext } from '../base/action.ts'
import { asTabletError, type TabletError } from '../base/errors.ts'
import { blocker, type Blocker } from '../model/blocker.ts'
import type { TabletSnapshot } from '../model/snapshot.ts'
import { directoryVerdict, inspectDirectory } from '../mysqld/data-directory.ts'
import type { ServerFacts } from '../mysqld/mysqld.ts'
import type { ProcessState } from '../mysqld/mysqld-process.ts'
import { requireReadOnlyAtBoot } from '../mysqld/read-only-at-boot.ts'
import { decideAuthority } from '../replication/decide-authority.ts'
import { actOnAuthority } from './act-on-authority.ts'
import type { SeenServer } from './acted.ts'
import { authorityFacts } from './authority-facts.ts'
import { buildSnapshot } from './build-snapshot.ts'
import { restrain, unfitServer } from './fit-server.ts'
import { finishOpening } from './open-to-clients.ts'
import { watchReplication } from './follow.ts'
import { blockersOfOperation, cancelOvertakenBackup } from './held.ts'
import type { Parts } from './parts.ts'
import { settleHealth } from './settle-health.ts'

/** Longer than a healthy server ever takes; a frozen one costs the loop this much a turn. */
const LOOK_DEADLINE_MS = 4_000
/** A disk that hangs is no reason to stay writable. */
const MARK_DEADLINE_MS = 2_000

interface TurnResult {
  readonly blockers: readonly Blocker[]
  readonly sentence: string
  readonly server: ServerFacts | undefined
}

export async function takeTurn(parts: Parts, ctx: ActionContext): Promise<TabletSnapshot> {
  await parts.secrets.refresh(ctx)
  await parts.view.read(ctx)
  // a term remembered from before tells nothing of what was written since
  await readWithin('write the newest term', MARK_DEADLINE_MS, () => parts.origin.fillNewestTerm(parts.view.certainTerm), ctx).catch((error: unknown) => {
    ctx.signal.throwIfAborted()
    ctx.log.warn({ err: error }, 'the newest term could not be noted with the data; until then no record makes them primary')
  })
  // what an operation starts and stops is not an end to remember
  const process = isHeld(parts) ? await parts.process.state() : await parts.keeper.look(Date.now())
  const result = await turnOn(process, parts, ctx).catch((error: unknown): TurnResult => {
    ctx.signal.throwIfAborted()
    const { code, message } = asTabletError(error)
    return { blockers: [blocker('operation-failed', { code, message })], sentence: message, server: undefined }
  })
  if (result.blockers.some(({ name }) => name !== 'recovering')) parts.watched.healthySinceMs = undefined
  sayOnce(result.sentence, parts, ctx)
  return snapshotOf(result, process, parts)
}

async function turnOn(process: ProcessState, parts: Parts, ctx: ActionContext): Promise<TurnResult> {
  if (isHeld(parts)) {
    cancelOvertakenBackup(parts)
    const blockers = blockersOfOperation(parts)
    return { blockers, sentence: blockers[0]?.message ?? 'starting', server: undefined }
  }
  if (process.kind !== 'running' || parts.keeper.isStarting) return await notRunning(process, parts, ctx)
  const seen = await look(parts, ctx)
  if ('why' in seen) return silent(seen.why, parts)
  const unfit = unfitServer(seen.server, parts.config['semi-sync'])
  const authority = restrain(decideAuthority(authorityFacts(seen.server, process.identity, parts)), unfit, parts.manager.state === 'primary')
  const before = { server: seen.server, identity: process.identity }
  const acted = await actOnAuthority(authority, before, parts, ctx)
  const server = acted.changed ? await lookAgain(before, parts, ctx) : seen.server
  const found = [...parts.watched.waiting, ...unfit === undefined ? [] : [unfit], ...parts.diskWatch.blockers(), ...acted.blockers]
  const blockers = await settleHealth({ authority, server, blockers: found }, parts, ctx)
  return { blockers, sentence: acted.sentence, server }
}

const isHeld = ({ manager }: Pick<Parts, 'manager'>): boolean =>
  manager.state === 'starting' || manager.state === 'backup' || manager.state === 'restore'

async function look(parts: Pick<Parts, 'mysqld'>, ctx: ActionContext): Promise<{ readonly server: ServerFacts } | { readonly why: TabletError }> {
  try {
    return { server: await withDeadline('look at mysqld', LOOK_DEADLINE_MS, (bounded) => parts.mysqld.observe(bounded), ctx) }
  } catch (error) {
    ctx.signal.throwIfAborted()
    return { why: asTabletError(error) }
  }
}

/** What was started is noted as running in the same turn: who stops it from now on is an operator. */
async function lookAgain({ server, identity }: SeenServer, parts: Parts, ctx: ActionContext): Promise<ServerFacts> {
  const again = await look(parts, ctx)
  if ('why' in again) return server
  await watchReplication({ server: again.server, identity }, parts, ctx)
  return again.server
}

async function notRunning(process: ProcessState, parts: Parts, ctx: ActionContext): Promise<TurnResult> {
  const { manager, watched } = parts
  await finishOpening(process, parts)
  if (watched.untouchable !== undefined) {
    return { blockers: [watched.untouchable], sentence: watched.untouchable.message, server: undefined }
  }
  if (manager.state === 'primary') manager.apply('mysqld-exited', 'mysqld ended')
  if (manager.state === 'serving') manager.apply('unhealthy', 'mysqld ended')
  const blockers = process.kind === 'stopping'
    ? [blocker('mysqld-down', { message: 'mysqld is shutting down; it is waited for' })]
    : await start(parts, ctx)
  return { blockers, sentence: blockers[0]?.message ?? 'mysqld does not run', server: undefined }
}

/** A server is never started on a directory that has lost its data: it might make a new and empty database of it. */
async function start(parts: Parts, ctx: ActionContext): Promise<readonly Blocker[]> {
  const { keeper, options, process } = parts
  if (process.canStop && !keeper.isStarting) {
    const verdict = directoryVerdict(await inspectDirectory(options.paths), options)
    if (verdict.verdict !== 'something') {
      const why = verdict.verdict === 'none' ? 'it is empty' : verdict.reason
      return [blocker('mysqld-down', { code: 'DATADIR_UNREADABLE', message: `mysqld is not started on ${options.paths.dataDir}: ${why}; restart the daemon to restore it` })]
    }
  }
  if (process.canStop && !keeper.isStarting) await requireSafeStart(parts)
  return keeper.ensureStarted(startOptionsOf(parts), Date.now(), ctx)
}

/**
 * Flags keep a server that we start ourselves from coming up writable; one that others start must be set up so.
 *
 * @throws TabletError NOT_READ_ONLY_AT_BOOT
 */
export async function requireSafeStart(parts: Pick<Parts, 'process' | 'options' | 'origin' | 'state' | 'config' | 'view'>): Promise<void> {
  if (parts.process.control !== 'supervised' && startOptionsOf(parts).readOnly) await requireReadOnlyAtBoot(parts.options)
}

/** Read-only from birth: directories that we made, and wherever a record has ever been read (design.md section 4). */
export function startOptionsOf({ origin, state, config, view }: Pick<Parts, 'origin' | 'state' | 'config' | 'view'>):
{ readOnly: boolean, closedToClients: boolean, serverId?: number } {
  const ours = origin.made !== 'found'
  const serverId = config['server-id'] ?? origin.serverId
  return {
    readOnly: ours || state.memory.shardRecord !== undefined || view.latest?.kind === 'record',
    closedToClients: origin.closed,
    ...(ours && serverId !== undefined ? { serverId } : {}),
  }
}

function silent({ code, message: why }: TabletError, parts: Parts): TurnResult {
  const blockers = [blocker('mysqld-silent', { code, message: `mysqld runs but does not answer: ${why}` })]
  if (parts.manager.state === 'serving') parts.manager.apply('unhealthy', why)
  return { blockers, sentence: blockers[0]?.message ?? '', server: undefined }
}

/** One sentence a turn: at info when it is a new one, at debug while it repeats. */
function sayOnce(sentence: string, { watched }: Pick<Parts, 'watched'>, ctx: ActionContext): void {
  if (sentence === '') return
  if (sentence === watched.sentence) ctx.log.debug(sentence)
  else ctx.log.info(sentence)
  watched.sentence = sentence
}

export function snapshotOf(result: TurnResult, process: ProcessState, parts: Parts): TabletSnapshot {
  const { state, view, watched, operations, origin, config } = parts
  const blockers = [
    ...(watched.stopping ? [blocker('daemon-stopping')] : []),
    ...(parts.manager.state === 'drained' ? [blocker('drained')] : []),
    ...result.blockers,
  ]
  return buildSnapshot(parts.tablet, parts.manager, {
    nowMs: Date.now(),
    httpPort: watched.httpPort,
    mysqlPort: parts.options.port,
    drained: state.memory.drained,
    mysqldRuns: process.kind !== 'stopped',
    pid: process.kind === 'stopped' ? undefined : process.identity.pid,
    server: result.server,
    lagSeconds: parts.manager.state === 'primary' ? 0 : watched.lagSeconds,
    lagSigns: parts.manager.state === 'primary' ? {} : watched.lagSigns,
    lagLimits: { degradedSeconds: config['degraded-threshold'] / 1000, unhealthySeconds: config['unhealthy-threshold'] / 1000 },
    record: view.latest,
    cached: state.memory.shardRecord,
    data: origin.facts,
    blockers,
    sentence: result.sentence,
    operation: operations.current,
  })
}

