/**
 * The operations of this daemon: one runs at a time, and each lives on when the request that asked for it is gone.
 *
 * Owns      ids, states, progress and the events that watchers follow.
 * Promises  an operation ends in exactly one of succeeded, failed, cancelled; watchers see every event at most once and
 *           in order, of progress only the latest, and the end last.
 */
import { randomBytes } from 'node:crypto'
import { TabletError, asTabletError } from '../base/errors.ts'
import type { ActionContext } from '../base/action.ts'
import type { Logger } from '../base/logger.ts'
import type { OperationEvent } from '../http/control.ts'
import type { Operation, OperationKind } from '../model/operation.ts'
import { StageCounters, type StageListener, type StageTimes } from '../model/stage.ts'

/** What the work of an operation may say about itself. */
export interface RunningOperation {
  readonly id: string
  readonly ctx: ActionContext
  /** Begins a step; logged, and shown to watchers. */
  step(name: string): void
  progress(doneBytes: number, totalBytes: number | undefined): void
  note(fields: Partial<Pick<Operation, 'backup' | 'engine' | 'outOfServiceSeconds'>>): void
}

interface Entry {
  operation: Operation
  readonly stages: StageCounters
  readonly stop: AbortController
  /** Numbered from 1: a watcher goes on after the last number it saw, whatever was dropped meanwhile. */
  readonly events: { readonly number: number, readonly event: OperationEvent }[]
  lastNumber: number
  readonly watchers: Set<() => void>
  ended: Promise<void>
}

const freshEntry = (): Omit<Entry, 'operation'> =>
  ({ stages: new StageCounters(), stop: new AbortController(), events: [], lastNumber: 0, watchers: new Set(), ended: Promise.resolve() })

const KEPT = 100
const KEPT_EVENTS = 500

export class OperationRegistry {
  readonly #entries = new Map<string, Entry>()
  readonly #log: Logger
  readonly #totals = new StageCounters()
  #current: Entry | undefined
  #stopping: TabletError | undefined

  constructor(log: Logger) { this.#log = log }

  get current(): Operation | undefined { return this.#current?.operation }

  /** For engines and storage: what passes them is the running operation's, and shows in its next event. */
  readonly onStage: StageListener = (stage, bytes, seconds) => {
    this.#totals.add(stage, bytes, seconds)
    this.#current?.stages.add(stage, bytes, seconds)
  }

  /** Of all operations since the daemon began. */
  stageTotals(): StageTimes { return this.#totals.times() }

  /**
   * Begins an operation and answers with it at once; `work` runs on.
   *
   * @throws TabletError OPERATION_RUNNING, with the running one in `details.operation`; STOPPING once the daemon ends.
   */
  begin(kind: OperationKind, work: (operation: RunningOperation) => Promise<void>): Operation {
    if (this.#stopping !== undefined) throw this.#stopping
    if (this.#current !== undefined) {
      const { id } = this.#current.operation
      throw new TabletError('OPERATION_RUNNING', `cannot begin a ${kind}: operation ${id} is running`, { details: { operation: id } })
    }
    const now = new Date()
    const id = `${kind}-${now.toISOString().replace(/[-:]|\.\d+Z$/g, '')}-${randomBytes(3).toString('hex')}`
    const entry: Entry = {
      operation: { id, kind, state: 'running', startedAt: now.toISOString(), progress: { step: 'beginning', doneBytes: 0, totalBytes: undefined } },
      ...freshEntry(),
    }
    this.#entries.set(id, entry)
    this.#forgetOldest()
    this.#current = entry
    entry.ended = this.#run(entry, work)
    return entry.operation
  }

  /** An operation that a former daemon began and that ended with it. */
  recordInterrupted(operation: Pick<Operation, 'id' | 'kind' | 'startedAt'> & { readonly step: string }): void {
    const error = new TabletError('OPERATION_INTERRUPTED', `the daemon stopped during ${operation.kind}, step "${operation.step}"`)
    this.#entries.set(operation.id, {
      operation: {
        id: operation.id, kind: operation.kind, startedAt: operation.startedAt, state: 'failed', endedAt: new Date().toISOString(),
        progress: { step: operation.step, doneBytes: 0, totalBytes: undefined },
        error: { code: error.code, message: error.message, hint: error.hint },
      },
      ...freshEntry(),
    })
  }

  list(): readonly Operation[] { return [...this.#entries.values()].map((entry) => entry.operation) }

  get(id: string): Operation { return this.#entry(id).operation }

  cancel(id: string, reason: TabletError): Operation {
    const entry = this.#entry(id)
    if (entry.operation.state === 'running') entry.stop.abort(reason)
    return entry.operation
  }

  /** Cancels what runs and resolves when it has been undone; nothing begins any more. */
  async stopCurrent(reason: TabletError): Promise<void> {
    this.#stopping = reason
    const entry = this.#current
    if (entry === undefined) return
    entry.stop.abort(reason)
    await entry.ended
  }

  async whenIdle(): Promise<void> { await this.#current?.ended }

  async *events(id: string, signal: AbortSignal): AsyncIterable<OperationEvent> {
    const entry = this.#entry(id)
    let seen = 0
    while (!signal.aborted) {
      const next = entry.events.find(({ number }) => number > seen)
      if (next !== undefined) {
        seen = next.number
        yield next.event
      } else if (entry.operation.state === 'running') {
        await this.#nextChange(entry, signal)
      } else {
        // one that a former daemon began has no events of its own
        if (seen === 0) yield { event: 'end', time: entry.operation.endedAt ?? '', operation: entry.operation }
        return
      }
    }
  }

  async #nextChange(entry: Entry, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return   // it would not tell again
    const { promise, resolve } = Promise.withResolvers<void>()
    const wake = (): void => { resolve() }
    entry.watchers.add(wake)
    signal.addEventListener('abort', wake, { once: true })
    await promise
    signal.removeEventListener('abort', wake)
    entry.watchers.delete(wake)
  }

  async #run(entry: Entry, work: (operation: RunningOperation) => Promise<void>): Promise<void> {
    await Promise.resolve()   // the caller answers before the work begins
    const { id, kind } = entry.operation
    const log = this.#log.child({ operation: id })
    const running: RunningOperation = {
      id,
      ctx: { signal: entry.stop.signal, log },
      step: (step) => {
        log.info({ step }, `${kind}: ${step}`)
        this.#change(entry, { progress: { ...entry.operation.progress, step } }, { event: 'log', message: step })
      },
      progress: (doneBytes, totalBytes) => {
        this.#change(entry, { progress: { ...entry.operation.progress, doneBytes, totalBytes } }, { event: 'progress' })
      },
      note: (fields) => { this.#change(entry, fields, { event: 'progress' }) },
    }
    try {
      await work(running)
      this.#end(entry, { state: 'succeeded' })
      log.info({ backup: entry.operation.backup, stages: entry.operation.stages }, `${kind} succeeded`)
    } catch (cause) {
      const error = asTabletError(cause)
      const state = entry.stop.signal.aborted && error.code === 'OPERATION_CANCELLED' ? 'cancelled' : 'failed'
      this.#end(entry, { state, error: { code: error.code, message: error.message, hint: error.hint } })
      log.error({ err: error, code: error.code, hint: error.hint, stages: entry.operation.stages }, `${kind} ${state}: ${error.message}`)
    }
  }

  #end(entry: Entry, fields: Partial<Operation>): void {
    this.#current = undefined
    this.#change(entry, { ...fields, endedAt: new Date().toISOString() }, { event: 'end' })
  }

  #change(entry: Entry, fields: Partial<Operation>, event: Pick<OperationEvent, 'event' | 'message'>): void {
    const stages = entry.stages.times()
    entry.operation = { ...entry.operation, ...fields, ...Object.keys(stages).length === 0 ? {} : { stages } }
    const told: OperationEvent = { ...event, time: new Date().toISOString(), operation: entry.operation }
    // of progress only the latest is worth keeping
    if (event.event === 'progress' && entry.events.at(-1)?.event.event === 'progress') entry.events.pop()
    entry.events.push({ number: ++entry.lastNumber, event: told })
    if (entry.events.length > KEPT_EVENTS) entry.events.splice(0, entry.events.length - KEPT_EVENTS)
    for (const wake of entry.watchers) wake()
  }

  #entry(id: string): Entry {
    const entry = this.#entries.get(id)
    if (entry === undefined) throw new TabletError('OPERATION_NOT_FOUND', `there is no operation ${id}`)
    return entry
  }

  #forgetOldest(): void {
    for (const id of this.#entries.keys()) {
      if (this.#entries.size <= KEPT) return
      this.#entries.delete(id)
    }
  }
}
