/**
 * mysqld-control supervised: tabletd starts mysqld itself and adopts one that runs.
 *
 * Promises  One server a data directory: a running one is adopted, one that stops is waited for, a private boot that
 *           outlived its daemon is ended, before another is started.
 *           The daemon may end at any time: mysqld is in a session of its own, writes to a file, and is never killed.
 */
import type { ActionContext } from '../base/action.ts'
import { TabletError } from '../base/errors.ts'
import { waitUntilGreets } from './accepts.ts'
import { noSchemas } from './data-layout.ts'
import { logSize, logTail, readLogEnd } from './error-log.ts'
import { findMysqldOf } from './find-mysqld.ts'
import type { MysqldProcess, ProcessExit, ProcessIdentity, ProcessState, StartOptions } from './mysqld-process.ts'
import { identityOf, isAlive, sameProcess, waitUntilGone } from './process-identity.ts'
import { outputFileOf, type MysqldProcessSettings } from './process-settings.ts'
import { programs, type RunningServer } from './program.ts'
import { privateSocketPath, resolveRunAs } from './run-as.ts'
import { startFlags } from './start-flags.ts'
import { askToEnd, isStopping, requireClean, stateOf, stopMysqld, terminate, type Traces } from './stop-mysqld.ts'

interface Child {
  readonly identity: ProcessIdentity
  readonly server: RunningServer
}

export class SupervisedMysqld implements MysqldProcess {
  readonly control = 'supervised'
  readonly canStop = true
  readonly #settings: MysqldProcessSettings
  readonly #traces: Traces
  readonly #outputFile: string
  #child: Child | undefined
  #lastExit: ProcessExit | undefined
  #socket: string

  constructor(settings: MysqldProcessSettings, traces: Traces) {
    this.#settings = settings
    this.#outputFile = outputFileOf(settings.tabletDir)
    this.#traces = traces
    this.#socket = settings.socket ?? settings.options.paths.socket
  }

  get socket(): string { return this.#socket }

  async state(): Promise<ProcessState> {
    const found = await findMysqldOf(this.#traces.where)
    if (found !== undefined && !found.isPrivate) this.#socket = this.#socketOf(found.socketArgument)
    // a child between its start and its first step into the data directory is seen by nobody else
    const child = found === undefined ? await this.#livingChild() : undefined
    if (child !== undefined) return { kind: 'running', identity: child }
    return await stateOf(this.#traces, () => this.#lastExit)
  }

  async start(options: StartOptions, ctx: ActionContext): Promise<ProcessIdentity> {
    ctx.signal.throwIfAborted()
    const running = await this.#adoptable(ctx)
    // one that ends while it is waited for (a crash just now) leaves the place free
    if (running !== undefined && await waitUntilGreets(this.#socket, () => isAlive(running), ctx)) return running
    return await this.#startNew(options, ctx)
  }

  async stop(ctx: ActionContext): Promise<void> {
    const exit = await stopMysqld({
      traces: this.#traces,
      child: await this.#livingChild(),
      ask: (identity) => askToEnd(identity, this.#settings.requestShutdown, ctx),
      childWith: (identity) => this.#child !== undefined && sameProcess(this.#child.identity, identity) ? this.#child.server : undefined,
    }, ctx)
    if (exit !== undefined) this.#lastExit = exit
    await requireClean(exit, this.#traces)
  }

  /** The running server to leave alone; one that stops, or is private, is ended and waited for first. */
  async #adoptable(ctx: ActionContext): Promise<ProcessIdentity | undefined> {
    const found = await findMysqldOf(this.#traces.where)
    if (found === undefined) return await this.#livingChild()
    if (!await isStopping(found, this.#traces)) {
      this.#socket = this.#socketOf(found.socketArgument)
      return found.identity
    }
    ctx.log.info({ mysqldPid: found.identity.pid }, 'waiting for a mysqld that is ending')
    if (found.isPrivate) await terminate(found.identity)
    await waitUntilGone(found.identity, ctx)
    return undefined
  }

  async #startNew(options: StartOptions, ctx: ActionContext): Promise<ProcessIdentity> {
    const { settings, traces } = { settings: this.#settings, traces: this.#traces }
    const { flavor, version, paths } = settings.options
    const runAs = await resolveRunAs({ dataDir: paths.dataDir, mysqldUser: settings.mysqldUser })
    const closedElsewhere = options.closedToClients && flavor === 'mariadb'
    const privateSocket = closedElsewhere ? await privateSocketPath(settings.tabletDir, runAs) : ''
    const hidden = await noSchemas(paths.dataDir)
    const flags = startFlags({ flavor, version, myCnf: settings.myCnf, user: runAs?.name, privateSocket, hidden }, options)
    const logFrom = await logSize(traces.errorLog)
    const server = await (settings.runner ?? programs).startServer({
      program: settings.mysqldPath, arguments: flags, outputFile: this.#outputFile,
      environment: { MYSQLD_PARENT_PID: String(process.pid) },   // lets the server take RESTART, and end with 16 (vio's is_mysqld_managed)
    })
    this.#socket = closedElsewhere ? privateSocket : this.#socketOf(undefined)
    const identity = await this.#keep(server)
    let ended = identity === undefined
    void server.exited.then(() => { ended = true })
    if (await waitUntilGreets(this.#socket, () => Promise.resolve(!ended), ctx) && identity !== undefined) {
      ctx.log.info({ mysqldPid: identity.pid, readOnly: options.readOnly, closed: options.closedToClients }, 'mysqld started')
      return identity
    }
    const exit = await server.ended()
    throw new TabletError('MYSQLD_START_FAILED', `cannot start mysqld: it ended with ${exit.signal ?? `status ${exit.code ?? 'unknown'}`}: ${await this.#lastWords(logFrom)}`, { details: { exit: exit.code } })
  }

  async #keep(server: RunningServer): Promise<ProcessIdentity | undefined> {
    const identity = await identityOf(server.pid)
    this.#lastExit = undefined
    this.#child = identity === undefined ? undefined : { identity, server }
    const child = this.#child
    void server.exited.then((exit) => { if (this.#child === child) this.#lastExit = exit })
    return identity
  }

  async #lastWords(logFrom: number): Promise<string> {
    const log = logTail(await readLogEnd(this.#traces.errorLog, logFrom))
    return log === '' ? logTail(await readLogEnd(this.#outputFile)) : log
  }

  async #livingChild(): Promise<ProcessIdentity | undefined> {
    const identity = this.#child?.identity
    return identity !== undefined && await isAlive(identity) ? identity : undefined
  }

  #socketOf(argument: string | undefined): string {
    return argument ?? this.#settings.socket ?? this.#settings.options.paths.socket
  }
}
