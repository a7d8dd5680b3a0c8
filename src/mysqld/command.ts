/**
 * mysqld-control command and systemd: somebody else's way of starting and stopping, asked by a command.
 *
 * No flags can be given, so read-only from birth must stand in my.cnf (read-only-at-boot.ts); callers know. The start
 * command may return at once, when the server is up, or never (a server in the foreground): it is detached, and the
 * socket decides. Without a stop command the server gets SIGTERM, or SHUTDOWN by SQL where that is not ours to send.
 */
import type { ActionContext } from '../base/action.ts'
import { TabletError } from '../base/errors.ts'
import type { Command } from '../base/shell-words.ts'
import { waitUntilGreets } from './accepts.ts'
import { logSize, logTail, readLogEnd } from './error-log.ts'
import { findMysqldOf } from './find-mysqld.ts'
import type { MysqldProcess, ProcessExit, ProcessIdentity, ProcessState, StartOptions } from './mysqld-process.ts'
import { isAlive, waitUntilGone } from './process-identity.ts'
import { outputFileOf, type MysqldProcessSettings } from './process-settings.ts'
import { programs, type ProgramRunner } from './program.ts'
import { askToEnd, isStopping, requireClean, stateOf, stopMysqld, terminate, type Traces } from './stop-mysqld.ts'

export interface ControlCommands {
  readonly control: 'systemd' | 'command'
  readonly start: Command
  readonly stop: Command | undefined
}

/** A command that returned well may have left the start to somebody else; a mysqld that appears in no process table by then will not. */
const APPEARS_WITHIN_MS = 30_000

export class CommandMysqld implements MysqldProcess {
  readonly canStop = true
  readonly #settings: MysqldProcessSettings
  readonly #traces: Traces
  readonly #commands: ControlCommands
  readonly #runner: ProgramRunner
  #lastExit: ProcessExit | undefined

  constructor(settings: MysqldProcessSettings, traces: Traces, commands: ControlCommands) {
    this.#settings = settings
    this.#traces = traces
    this.#commands = commands
    this.#runner = settings.runner ?? programs
  }

  get control(): 'systemd' | 'command' { return this.#commands.control }
  get socket(): string { return this.#settings.socket ?? this.#settings.options.paths.socket }

  state(): Promise<ProcessState> { return stateOf(this.#traces, () => this.#lastExit) }

  async start(_: StartOptions, ctx: ActionContext): Promise<ProcessIdentity> {
    ctx.signal.throwIfAborted()
    await this.#waitForLeavers(ctx)
    if (await findMysqldOf(this.#traces.where) === undefined) await this.#runStart(ctx)
    else await waitUntilGreets(this.socket, async () => await findMysqldOf(this.#traces.where) !== undefined, ctx)
    const found = await findMysqldOf(this.#traces.where)
    if (found === undefined) throw await this.#failed('it is not there', 0)
    this.#lastExit = undefined
    return found.identity
  }

  async stop(ctx: ActionContext): Promise<void> {
    const ask = (identity: ProcessIdentity): Promise<void> => this.#askToEnd(identity, ctx)
    const exit = await stopMysqld({ traces: this.#traces, ask, childWith: () => undefined }, ctx)
    if (exit !== undefined) this.#lastExit = exit
    await requireClean(exit, this.#traces)
  }

  async #waitForLeavers(ctx: ActionContext): Promise<void> {
    const found = await findMysqldOf(this.#traces.where)
    if (found === undefined || !await isStopping(found, this.#traces)) return
    ctx.log.info({ mysqldPid: found.identity.pid }, 'waiting for a mysqld that is ending')
    if (found.isPrivate) await terminate(found.identity)
    await waitUntilGone(found.identity, ctx)
  }

  async #runStart(ctx: ActionContext): Promise<void> {
    const { program, arguments: args } = this.#commands.start
    const logFrom = await logSize(this.#traces.errorLog)
    const command = await this.#runner.startServer({ program, arguments: args, outputFile: outputFileOf(this.#settings.tabletDir) })
    let exit: ProcessExit | undefined
    let endedAtMs = 0
    let seen: ProcessIdentity | undefined
    void command.exited.then((how) => { exit = how; endedAtMs = performance.now() })
    const stillThere = async (): Promise<boolean> => {
      seen = (await findMysqldOf(this.#traces.where))?.identity ?? seen
      if (seen !== undefined) return await isAlive(seen)
      return exit === undefined || (exit.clean && performance.now() - endedAtMs < APPEARS_WITHIN_MS)
    }
    if (await waitUntilGreets(this.socket, stillThere, ctx)) return
    throw await this.#failed(seen === undefined ? `"${program}" ended with status ${exit?.code ?? 'unknown'}` : 'mysqld ended', logFrom)
  }

  async #askToEnd(identity: ProcessIdentity, ctx: ActionContext): Promise<void> {
    const { stop } = this.#commands
    if (stop === undefined) { await askToEnd(identity, this.#settings.requestShutdown, ctx); return }
    const result = await this.#runner.run(stop, ctx)
    if (result.code === 0 || !await isAlive(identity)) return
    throw new TabletError('MYSQLD_STOP_FAILED', `cannot stop mysqld: "${stop.program}" ended with status ${result.code ?? 'unknown'}: ${logTail(result.stderr + result.stdout, 2)}`)
  }

  async #failed(why: string, logFrom: number): Promise<TabletError> {
    const log = logTail(await readLogEnd(this.#traces.errorLog, logFrom))
    const output = log === '' ? logTail(await readLogEnd(outputFileOf(this.#settings.tabletDir))) : log
    return new TabletError('MYSQLD_START_FAILED', `cannot start mysqld: ${why}: ${output}`)
  }
}
