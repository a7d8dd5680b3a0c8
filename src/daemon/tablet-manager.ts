/**
 * Holds the tablet's state; `apply` is the only door. One log line says each change and why.
 */
import type { Logger } from '../base/logger.ts'
import { isLegal, nextState, publishedType, type TabletEvent, type TabletState } from '../model/tablet-state.ts'
import type { TabletType, TargetType } from '../model/tablet.ts'

export interface StateChange {
  readonly from: TabletState
  readonly to: TabletState
  readonly event: TabletEvent
  readonly why: string
  readonly time: string
}

export class TabletManager {
  readonly targetType: TargetType
  readonly #isDrained: () => boolean
  readonly #log: Logger
  readonly #history: StateChange[] = []
  #state: TabletState = 'starting'
  #beforeRestore: TabletState | undefined

  constructor(options: { readonly targetType: TargetType, readonly isDrained: () => boolean, readonly log: Logger }) {
    this.targetType = options.targetType
    this.#isDrained = options.isDrained
    this.#log = options.log
  }

  get state(): TabletState { return this.#state }
  get type(): TabletType { return publishedType(this.#state, this.targetType) }
  get history(): readonly StateChange[] { return this.#history }

  canApply(event: TabletEvent): boolean { return isLegal(this.#state, event) }

  /** @throws TabletError ILLEGAL_EVENT; nothing has changed then. */
  apply(event: TabletEvent, why: string): void {
    const from = this.#state
    const to = nextState(from, event, { drained: this.#isDrained(), beforeRestore: this.#beforeRestore })
    if (to === 'restore' && from !== 'restore') this.#beforeRestore = from === 'starting' ? undefined : from
    this.#state = to
    if (from === to) return
    this.#history.push({ from, to, event, why, time: new Date().toISOString() })
    if (this.#history.length > 100) this.#history.shift()
    this.#log.info({ from, to, event, type: this.type }, `tablet is ${this.type}: ${why}`)
  }
}
