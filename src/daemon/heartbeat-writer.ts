/**
 * Writes this shard's heartbeat while this tablet is its primary.
 *
 * Promises  W1  no beat begins unless the tablet is PRIMARY at that moment.
 *           W2  after `settle` no beat of before is under way: whoever takes the role away settles first, then turns read-only.
 *           W3  a server that does not take a beat delays nobody but the next beat.
 * See       heartbeats.ts for what keeps a read-only server unwritten whatever happens here.
 */
import type { ActionContext } from '../base/action.ts'
import { TabletError, messageOf } from '../base/errors.ts'
import { everyTick } from '../base/repeat.ts'
import type { TabletState } from '../model/tablet-state.ts'
import type { Heartbeats } from '../mysqld/heartbeats.ts'
import type { Beat } from '../mysqld/dialects/heartbeat.ts'

export interface HeartbeatWriterOptions {
  readonly enabled: boolean
  readonly everyMs: number
  readonly state: () => TabletState
  /** undefined: no record was ever read, so there is no term to write for. */
  readonly beat: () => Beat | undefined
}

export class HeartbeatWriter {
  readonly #options: HeartbeatWriterOptions
  readonly #heartbeats: Pick<Heartbeats, 'write'>
  #underWay: { readonly stop: AbortController, readonly ended: Promise<void> } | undefined
  #trouble = ''

  constructor(options: HeartbeatWriterOptions, heartbeats: Pick<Heartbeats, 'write'>) {
    this.#options = options
    this.#heartbeats = heartbeats
  }

  /** Runs until the context's signal aborts. */
  async run(ctx: ActionContext): Promise<void> {
    if (!this.#options.enabled) return
    await everyTick(this.#options.everyMs, (each) => this.#beat(each), ctx).ended
    await this.settle()
  }

  /** Resolves when no beat is under way; one that is, is cancelled. */
  async settle(): Promise<void> {
    this.#underWay?.stop.abort(new TabletError('STOPPING', 'this tablet is no longer the primary'))
    await this.#underWay?.ended
  }

  async #beat(ctx: ActionContext): Promise<void> {
    const beat = this.#options.beat()
    if (this.#options.state() !== 'primary' || beat === undefined) return
    const stop = new AbortController()
    const ended = Promise.withResolvers<void>()
    this.#underWay = { stop, ended: ended.promise }
    try {
      await this.#heartbeats.write(beat, { ...ctx, signal: AbortSignal.any([ctx.signal, stop.signal]) })
      if (this.#trouble !== '') ctx.log.info('the heartbeat is written again')
      this.#trouble = ''
    } catch (error) {
      if (stop.signal.aborted || ctx.signal.aborted) return
      const trouble = messageOf(error)
      if (trouble !== this.#trouble) ctx.log.warn({ err: error }, `the heartbeat was not written, and replicas will seem to lag: ${trouble}`)
      this.#trouble = trouble
    } finally {
      this.#underWay = undefined
      ended.resolve()
    }
  }
}
