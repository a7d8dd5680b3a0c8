/**
 * Ending a mysqld: asked once, waited for as long as it takes, never killed; and whether it ended cleanly.
 *
 * innodb_fast_shutdown=0 may take an hour. A server that stops already is only waited for.
 */
import { access } from 'node:fs/promises'
import type { ActionContext } from '../base/action.ts'
import { asTabletError, isErrno, messageOf, TabletError } from '../base/errors.ts'
import { logPhase, logPhaseOf, logTail, readLogEnd } from './error-log.ts'
import { findMysqldOf, type FoundMysqld, type WhereToLook } from './find-mysqld.ts'
import { isAlive, waitUntilGone } from './process-identity.ts'
import type { ProcessExit, ProcessIdentity, ProcessState } from './mysqld-process.ts'
import type { RunningServer } from './program.ts'

/** Where the traces of one server are. */
export interface Traces {
  readonly where: WhereToLook
  readonly errorLog: string | undefined
  readonly pidFile: string
}

/** What the process table and the error log say now. `lastExit` is what we know of our own child. */
export async function stateOf(traces: Traces, lastExit: () => ProcessExit | undefined): Promise<ProcessState> {
  const found = await findMysqldOf(traces.where)
  if (found === undefined) return { kind: 'stopped', exit: lastExit() }
  return { kind: await isStopping(found, traces) ? 'stopping' : 'running', identity: found.identity }
}

/** A private boot that outlived its daemon counts as stopping: it is nobody's to serve from, and both start and stop end it. */
export async function isStopping(found: FoundMysqld, traces: Traces): Promise<boolean> {
  if (found.isPrivate) return true
  const phase = logPhaseOf(await readLogEnd(traces.errorLog), found.identity.pid)
  return phase === 'shutting-down' || phase === 'shut-down'
}

export interface StopRequest {
  readonly traces: Traces
  /** A child of ours: seen by nobody else before its first step into the data directory and after its last. */
  readonly child?: ProcessIdentity | undefined
  /** How to ask it to end; called once. */
  readonly ask: (identity: ProcessIdentity) => Promise<void>
  /** The process as a child of ours, whose exit status we get. */
  readonly childWith: (identity: ProcessIdentity) => Pick<RunningServer, 'ended'> | undefined
}

/**
 * Ends the mysqld of these traces, whichever it is, and resolves with how it ended; undefined when none ran.
 *
 * @throws TabletError MYSQLD_STOP_FAILED when the signal aborted first (the shutdown goes on), or it could not be asked.
 */
export async function stopMysqld(request: StopRequest, ctx: ActionContext): Promise<ProcessExit | undefined> {
  ctx.signal.throwIfAborted()
  const found = await findMysqldOf(request.traces.where)
  const identity = found?.identity ?? request.child
  if (identity === undefined) return undefined
  const ours = request.childWith(identity)
  try {
    if (found?.isPrivate === true) await terminate(identity)
    else if (found === undefined || !await isStopping(found, request.traces)) await request.ask(identity)
    await waitUntilGone(identity, ctx)
  } catch (error) {
    if (!ctx.signal.aborted) throw asTabletError(error, 'MYSQLD_STOP_FAILED')
    throw new TabletError('MYSQLD_STOP_FAILED', `cannot wait for mysqld (pid ${identity.pid}) to end: ${messageOf(error)}`, { cause: error })
  }
  if (found?.isPrivate === true) return { code: undefined, signal: undefined, clean: true }   // its data are judged by who booted it
  return await ours?.ended() ?? { code: undefined, signal: undefined, clean: await endedCleanly(request.traces) }
}

/** Judged from what a server leaves behind: its log's last word, else the pid file, which a clean shutdown removes. */
export async function endedCleanly(traces: Traces): Promise<boolean> {
  const phase = logPhase(await readLogEnd(traces.errorLog))
  if (phase !== 'silent') return phase === 'shut-down'
  try {
    await access(traces.pidFile)
    return false
  } catch (error) {
    return isErrno(error, 'ENOENT', 'ENOTDIR')   // any other trouble is doubt
  }
}

/** SIGTERM; a process that is gone already is as good as asked. @throws the system's error, EPERM for another user's. */
export async function terminate(identity: ProcessIdentity): Promise<void> {
  if (!await isAlive(identity)) return   // its pid may be somebody else's by now
  try {
    process.kill(identity.pid, 'SIGTERM')
  } catch (error) {
    if (!isErrno(error, 'ESRCH')) throw error
  }
}

/** SIGTERM, and where that is not ours to send, SHUTDOWN by SQL. */
export async function askToEnd(
  identity: ProcessIdentity, requestShutdown: ((ctx: ActionContext) => Promise<void>) | undefined, ctx: ActionContext,
): Promise<void> {
  try {
    await terminate(identity)
  } catch (error) {
    if (!isErrno(error, 'EPERM') || requestShutdown === undefined) throw error
    await requestShutdown(ctx)
  }
}

/** @throws TabletError MYSQLD_UNCLEAN_STOP; with no exit known, what the server left behind decides. */
export async function requireClean(exit: ProcessExit | undefined, traces: Traces): Promise<void> {
  if (exit === undefined ? await endedCleanly(traces) : exit.clean) return
  const how = exit?.signal !== undefined ? `signal ${exit.signal}` : exit?.code !== undefined ? `exit status ${exit.code}` : 'its error log tells of no shutdown'
  throw new TabletError('MYSQLD_UNCLEAN_STOP', `mysqld ended without a clean shutdown (${how}): ${logTail(await readLogEnd(traces.errorLog), 2)}`)
}
