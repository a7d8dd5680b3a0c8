/**
 * Keeps mysqld running while no operation holds it: starts one that ended, with back-off, and says what it waits for.
 *
 * Owns      the starts in the background (crash recovery can take an hour, and the loop goes on meanwhile), and the
 *           memory of past ends. Leaves the decision to decide-restart.ts, the process to MysqldProcess.
 */
import type { ActionContext } from '../base/action.ts'
import { asTabletError, type TabletError } from '../base/errors.ts'
import { blocker, type Blocker } from '../model/blocker.ts'
import { decideRestart, type PastExit, type RestartDecision } from '../mysqld/decide-restart.ts'
import type { MysqldProcess, ProcessExit, ProcessState, StartOptions } from '../mysqld/mysqld-process.ts'

export class MysqldKeeper {
  readonly #process: MysqldProcess
  #exits: PastExit[] = []
  /** Decided once an end: the time of the next try that is shown is the one that is kept. */
  #next: RestartDecision | undefined
  #startedAtMs: number | undefined
  #starting: Promise<void> | undefined
  #startError: TabletError | undefined

  constructor(process: MysqldProcess) { this.#process = process }

  get isStarting(): boolean { return this.#starting !== undefined }

  /** Notes that it was stopped on purpose, so that its end does not count as one of its own. */
  forgetEnds(): void {
    this.#exits = []
    this.#next = undefined
    this.#startedAtMs = undefined
    this.#startError = undefined
  }

  /** Looks at the process; remembers an end that nobody asked for. */
  async look(nowMs: number): Promise<ProcessState> {
    const state = await this.#process.state()
    if (state.kind === 'running') {
      this.#startedAtMs ??= nowMs
      this.#startError = undefined
    } else if (state.kind === 'stopped' && this.#startedAtMs !== undefined && this.#starting === undefined) {
      this.#noteEnd(state.exit, nowMs)
    }
    return state
  }

  /** Begins a start when it is time for one; answers why mysqld does not run yet. */
  ensureStarted(options: StartOptions, nowMs: number, ctx: ActionContext): readonly Blocker[] {
    if (!this.#process.canStop) return [blocker('mysqld-down', { message: 'mysqld does not run, and mysqld-control none starts none' })]
    if (this.#starting !== undefined) return [blocker('mysqld-down', { message: 'mysqld is starting' })]
    if (this.#next !== undefined && this.#next.notBeforeMs > nowMs) return [this.#waiting(this.#next)]
    this.#startedAtMs = nowMs
    this.#starting = this.#start(options, ctx)
    return [blocker('mysqld-down', { message: 'mysqld is starting' })]
  }

  /** Resolves when no start is under way. */
  async settled(): Promise<void> { await this.#starting }

  async #start(options: StartOptions, ctx: ActionContext): Promise<void> {
    try {
      await this.#process.start(options, ctx)
    } catch (error) {
      this.#startError = asTabletError(error, 'MYSQLD_START_FAILED')
      if (!ctx.signal.aborted) ctx.log.error({ err: this.#startError, code: this.#startError.code, hint: this.#startError.hint }, 'mysqld could not be started')
      const state = await this.#process.state().catch(() => undefined)   // nobody awaits this start: it must not reject
      this.#noteEnd(state?.kind === 'stopped' ? state.exit : undefined, Date.now())
    } finally {
      this.#starting = undefined
    }
  }

  #noteEnd(exit: ProcessExit | undefined, nowMs: number): void {
    if (this.#startedAtMs === undefined) return
    this.#exits.push({ exit, startedAtMs: this.#startedAtMs, endedAtMs: nowMs })
    if (this.#exits.length > 20) this.#exits.shift()
    this.#next = decideRestart(this.#exits, nowMs)
    this.#startedAtMs = undefined
  }

  #waiting(decision: RestartDecision): Blocker {
    const why = this.#startError === undefined ? 'mysqld ended' : this.#startError.message
    return blocker('mysqld-down', {
      message: decision.crashLoop ? `mysqld ended ${decision.quickEnds} times soon after its start: ${why}` : why,
      code: decision.crashLoop ? 'MYSQLD_CRASH_LOOP' : this.#startError?.code ?? 'MYSQLD_UNREACHABLE',
      nextTry: new Date(decision.notBeforeMs).toISOString(),
    })
  }
}
