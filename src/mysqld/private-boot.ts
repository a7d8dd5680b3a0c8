/**
 * Runs one inert private boot (private-boot-flags.ts): starts it, hands out its socket, ends it.
 *
 * Promises  Whatever happens, no process and no directory of it remain. Its server is ended by a clean shutdown; it is
 *           killed only when the signal aborts, which is allowed because it runs on data we made and will make again.
 */
import { copyFile, mkdir, rm } from 'node:fs/promises'
import type { ActionContext } from '../base/action.ts'
import { asTabletError, TabletError } from '../base/errors.ts'
import { waitUntilGreets } from './accepts.ts'
import { writeInitFile } from './accounts.ts'
import { noSchemas } from './data-layout.ts'
import { logTail, readLogEnd, saysDiskFull, unreadableReason } from './error-log.ts'
import { placeWithoutRoom, placesWrittenBy } from './full-disk.ts'
import { identityOf, isAlive, waitUntilGone } from './process-identity.ts'
import { privateBootFlags, privateLog, privateSocket, privateTmp, type PrivateBootPlan } from './private-boot-flags.ts'
import type { ProcessExit } from './mysqld-process.ts'
import { programs, type ProgramRunner, type RunningServer } from './program.ts'
import { giveTo, makePrivateDirectory, type RunAs } from './run-as.ts'

export interface PrivateBoot {
  readonly mysqldPath: string
  readonly runAs: RunAs | undefined
  /** Where its directory is made; the tablet directory. */
  readonly parent: string
  readonly plan: Omit<PrivateBootPlan, 'directory' | 'user' | 'initFile' | 'hidden'>
  /** Statements run by the server itself before it accepts anybody (accounts.ts). Written 0600, removed after the start. */
  readonly initSql?: string
  /** The error log is copied there when the boot fails. */
  readonly keepLogAs?: string
  readonly runner?: ProgramRunner
}

/** A running private server. `socket` is its only way in. */
export interface PrivateServer {
  readonly socket: string
  readonly pid: number
}

/**
 * Boots, runs `work` and shuts down cleanly; resolves with what `work` did.
 *
 * @throws TabletError PRIVATE_BOOT_FAILED with the end of its log when it did not come up or did not end cleanly
 *   (DATADIR_UNREADABLE when the log says that the data are the reason, NO_SPACE when the disk is); else what `work` threw.
 */
export async function withPrivateBoot<T>(
  boot: PrivateBoot, work: (server: PrivateServer, ctx: ActionContext) => Promise<T>, ctx: ActionContext,
): Promise<T> {
  ctx.signal.throwIfAborted()
  const directory = await makePrivateDirectory(boot.parent, 'boot', boot.runAs)
  try {
    return await bootIn(directory, boot, { work, ctx })
  } catch (error) {
    // there may be none yet
    if (boot.keepLogAs !== undefined) await copyFile(privateLog(directory), boot.keepLogAs).catch(() => undefined)
    throw error
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

interface Run<T> {
  readonly work: (server: PrivateServer, ctx: ActionContext) => Promise<T>
  readonly ctx: ActionContext
}

async function bootIn<T>(directory: string, boot: PrivateBoot, { work, ctx }: Run<T>): Promise<T> {
  await mkdir(privateTmp(directory), { mode: 0o700 })
  await giveTo(boot.runAs, privateTmp(directory))
  const initFile = boot.initSql === undefined ? undefined : await writeInitFile(directory, boot.initSql, boot.runAs)
  const plan: PrivateBootPlan = {
    ...boot.plan, directory, user: boot.runAs?.name, hidden: await noSchemas(boot.plan.dataDir),
    ...(initFile === undefined ? {} : { initFile }),
  }
  const server = await (boot.runner ?? programs).startServer({
    program: boot.mysqldPath, arguments: privateBootFlags(plan), outputFile: privateLog(directory),
  })
  const ended = endOf(server)
  try {
    await started(server, directory, { ended, ctx })
    if (initFile !== undefined) await rm(initFile, { force: true })
    const result = await work({ socket: privateSocket(directory), pid: server.pid }, ctx)
    await endCleanly(server, directory, ctx)
    return result
  } catch (error) {
    // data we made: made again after any failure, so nothing is lost by not waiting
    if (ended.exit === undefined) await end(server, 'SIGKILL')
    throw await unlessDiskFull(asTabletError(error, 'PRIVATE_BOOT_FAILED'), plan)
  }
}

/** A full disk is no fault of the data. */
async function unlessDiskFull(failed: TabletError, plan: PrivateBootPlan): Promise<TabletError> {
  if (failed.code !== 'PRIVATE_BOOT_FAILED' && failed.code !== 'DATADIR_UNREADABLE') return failed
  const path = await placeWithoutRoom(placesWrittenBy(plan, failed.code))
  return path === undefined ? failed : new TabletError('NO_SPACE', `there is no room in ${path}: ${failed.message}`, { cause: failed, details: { path } })
}

const endOf = (server: RunningServer): { exit: ProcessExit | undefined } => {
  const box: { exit: ProcessExit | undefined } = { exit: undefined }
  void server.exited.then((exit) => { box.exit = exit })
  return box
}

interface Watched {
  readonly ended: { readonly exit: ProcessExit | undefined }
  readonly ctx: ActionContext
}

async function started(server: RunningServer, directory: string, seen: Watched): Promise<void> {
  const up = await waitUntilGreets(privateSocket(directory), () => Promise.resolve(seen.ended.exit === undefined), seen.ctx)
  if (up) return
  const log = await readLogEnd(privateLog(directory))
  const exit = await server.ended()
  throw bootFailed(exit, log, 'ended')
}

async function endCleanly(server: RunningServer, directory: string, ctx: ActionContext): Promise<void> {
  const identity = await identityOf(server.pid)
  if (identity !== undefined) {
    process.kill(server.pid, 'SIGTERM')
    await waitUntilGone(identity, ctx)
  }
  const exit = await server.ended()
  if (exit.clean) return
  throw bootFailed(exit, await readLogEnd(privateLog(directory)), 'did not end cleanly')
}

/** A signal from outside is no fault of the data: `details.signal` tells it. */
function bootFailed(exit: ProcessExit, log: string, what: 'ended' | 'did not end cleanly'): TabletError {
  const code = saysDiskFull(log) ? 'NO_SPACE' : unreadableReason(log) === undefined ? 'PRIVATE_BOOT_FAILED' : 'DATADIR_UNREADABLE'
  const how = exit.signal ?? `status ${exit.code ?? 'unknown'}`
  return new TabletError(code, `mysqld ${what} on the copied data (${how}): ${logTail(log)}`, { details: { signal: exit.signal } })
}

async function end(server: RunningServer, signal: NodeJS.Signals): Promise<void> {
  const identity = await identityOf(server.pid)
  if (identity === undefined || !await isAlive(identity)) return
  process.kill(server.pid, signal)
  await server.ended()
}
