/**
 * The topology as this tablet sees it: the shard record read each turn, the addresses of other tablets, and this
 * tablet's own record kept fresh.
 *
 * Promises  a read that fails or takes too long is 'unreadable', never 'none'; the last record read is remembered
 *           before anybody acts on it: durably, or, where the disk does not take it in time, in memory with an error in the log.
 */
import { readWithin, type ActionContext } from '../base/action.ts'
import { hasCode, messageOf } from '../base/errors.ts'
import { Histogram, type HistogramTotals } from '../base/histogram.ts'
import type { MysqlAddress, TabletRecord } from '../model/records.ts'
import type { ShardName, TabletAlias } from '../model/tablet.ts'
import type { RecordRead } from '../replication/decide-authority.ts'
import type { ListedTablet, Topology } from '../topology/topology.ts'
import type { LocalState } from './local-state.ts'

const READ_DEADLINE_MS = 2_000
export const TABLET_TTL_MS = 15_000
const PUBLISH_EVERY_MS = 4_000
const READ_SECONDS = [0.001, 0.005, 0.02, 0.1, 0.5, 1, 2]

export class TopologyView {
  readonly #topology: Topology
  readonly #shard: ShardName
  readonly #state: LocalState
  #latest: RecordRead | undefined
  #tablets: readonly ListedTablet[] = []
  #listTrouble = ''
  #published: { readonly text: string, readonly atMs: number } | undefined
  #answeredAtMs = Date.now()
  readonly #readers = new Set<() => void>()
  readonly #reads = new Histogram(READ_SECONDS)

  constructor(topology: Topology, shard: ShardName, state: LocalState) {
    this.#topology = topology
    this.#shard = shard
    this.#state = state
  }

  /** What the last read answered; undefined before the first one. */
  get latest(): RecordRead | undefined { return this.#latest }
  /** The newest term this tablet has ever read; undefined while no read has succeeded and none is remembered. */
  get newestTerm(): number | undefined {
    const known = this.#state.memory.shardRecord?.term
    if (this.#latest?.kind === 'record') return Math.max(known ?? 0, this.#latest.record.term)
    return known ?? (this.#latest?.kind === 'none' ? 0 : undefined)
  }

  /** The same, unless the topology cannot be read now: then somebody may have written a newer one. */
  get certainTerm(): number | undefined { return this.#latest?.kind === 'unreadable' ? undefined : this.newestTerm }

  /** When the topology last answered, milliseconds since the epoch; when the daemon began while it never has. */
  get answeredAtMs(): number { return this.#answeredAtMs }
  /** How long it took to answer, in seconds, failures included. */
  get reads(): HistogramTotals { return this.#reads.totals() }

  /** Calls back after each read; for whoever waits for a newer record. */
  onRead(listener: () => void): Disposable {
    this.#readers.add(listener)
    return { [Symbol.dispose]: () => { this.#readers.delete(listener) } }
  }

  async read(ctx: ActionContext): Promise<RecordRead> {
    const begunMs = performance.now()
    this.#latest = await this.#readOnce(ctx)
    this.#reads.observe((performance.now() - begunMs) / 1000)
    if (this.#latest.kind !== 'unreadable') this.#answeredAtMs = Date.now()
    for (const listener of this.#readers) listener()
    return this.#latest
  }

  async #readOnce(ctx: ActionContext): Promise<RecordRead> {
    try {
      const found = await readWithin('read the shard record', READ_DEADLINE_MS, (bounded) => this.#topology.readShardRecord(this.#shard, bounded), ctx)
      await this.#list(ctx)
      if (found === undefined) return { kind: 'none' }
      const { record } = found
      if (record.term >= (this.#state.memory.shardRecord?.term ?? 0)) await this.#state.rememberAtLeastHere({ shardRecord: record }, ctx)
      return { kind: 'record', record }
    } catch (error) {
      ctx.signal.throwIfAborted()
      return { kind: 'unreadable', why: messageOf(error) }
    }
  }

  /** A tablet's record that cannot be read is no reason to ignore the shard's, which may depose this one: the last list stays. */
  async #list(ctx: ActionContext): Promise<void> {
    try {
      this.#tablets = await readWithin('list tablets', READ_DEADLINE_MS, (bounded) => this.#topology.listTablets(this.#shard, bounded), ctx)
      this.#listTrouble = ''
    } catch (error) {
      ctx.signal.throwIfAborted()
      const trouble = messageOf(error)
      const isNew = trouble !== this.#listTrouble && hasCode(error, 'TOPOLOGY_CORRUPT')   // one that is away shows by itself
      ctx.log[isNew ? 'warn' : 'debug']({ err: error }, `the tablets of the shard could not be listed; the last list stays: ${trouble}`)
      this.#listTrouble = trouble
    }
  }

  /** The other tablets of the shard, as last listed. */
  get tablets(): readonly ListedTablet[] { return this.#tablets }

  addressOf(alias: TabletAlias): MysqlAddress | undefined {
    const record = this.#tablets.find((tablet) => tablet.record.alias === alias)?.record
    return record === undefined ? undefined : { host: record.hostname, port: record.mysqlPort }
  }

  /** Publishes when something changed, and often enough to stay live. A failure is for the next turn to mend. */
  async publish(record: TabletRecord, nowMs: number, ctx: ActionContext): Promise<void> {
    const text = JSON.stringify(record)
    if (this.#published?.text === text && nowMs - this.#published.atMs < PUBLISH_EVERY_MS) return
    try {
      await readWithin('publish this tablet', READ_DEADLINE_MS, (bounded) => this.#topology.publishTablet(record, TABLET_TTL_MS, bounded), ctx)
      this.#published = { text, atMs: nowMs }
    } catch (error) {
      ctx.signal.throwIfAborted()
      ctx.log.debug({ err: error }, 'this tablet could not be published')
    }
  }

  /** Says that this tablet is gone, so that nobody waits for its record to grow old. Never delays an exit. */
  async publishLast(ctx: ActionContext): Promise<void> {
    const published = this.#published
    if (published === undefined) return
    const { alias } = JSON.parse(published.text) as TabletRecord
    const signal = AbortSignal.timeout(READ_DEADLINE_MS)   // the loop's own has aborted
    await this.#topology.withdrawTablet(alias, this.#shard, { ...ctx, signal }).catch(() => undefined)
  }
}
