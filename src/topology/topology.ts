/**
 * Who is who in the shards. The shard record is the desired state; each daemon converges on it.
 *
 * Every implementation passes test/contract/topology.ts. Failures are TabletErrors: TOPOLOGY_UNREACHABLE (it
 * cannot be read: never the same as "there is none"), TOPOLOGY_CORRUPT, TOPOLOGY_CONFLICT, SHARD_LOCKED.
 */
import type { ActionContext } from '../base/action.ts'
import type { ShardRecord, TabletRecord } from '../model/records.ts'
import type { ShardName, TabletAlias } from '../model/tablet.ts'

/** Opaque: which version of a record was read. */
export type RecordVersion = string

export interface VersionedShardRecord {
  readonly record: ShardRecord
  readonly version: RecordVersion
}

export interface Topology extends AsyncDisposable {
  readonly kind: string
  /** undefined: the store answered, and holds none. */
  readShardRecord(shard: ShardName, ctx: ActionContext): Promise<VersionedShardRecord | undefined>
  /**
   * Writes only if the stored version is still `expected` (undefined: no record yet); else rejects TOPOLOGY_CONFLICT and
   * nothing has changed. A record that cannot be read (TOPOLOGY_CORRUPT) is replaced under `details.version` of that error.
   */
  writeShardRecord(record: ShardRecord, expected: RecordVersion | undefined, ctx: ActionContext): Promise<VersionedShardRecord>
  /**
   * Calls `changed` soon after the record changes, at least once after each change; resolves when the signal aborts.
   * Missed calls are allowed only during an outage, so readers poll as well.
   */
  watchShardRecord(shard: ShardName, changed: () => void, ctx: ActionContext): Promise<void>
  listShards(ctx: ActionContext): Promise<readonly ShardName[]>

  /** Creates or replaces the record of one tablet. It is live until `ttlMs` passes without another publish, or its daemon withdraws it. */
  publishTablet(record: TabletRecord, ttlMs: number, ctx: ActionContext): Promise<void>
  /** Marks the tablet as not live; the record stays. */
  withdrawTablet(alias: TabletAlias, shard: ShardName, ctx: ActionContext): Promise<void>
  listTablets(shard: ShardName, ctx: ActionContext): Promise<readonly ListedTablet[]>
  /** The tablet in any shard; undefined when the topology knows none of that alias. */
  findTablet(alias: TabletAlias, ctx: ActionContext): Promise<ListedTablet | undefined>
  removeTablet(alias: TabletAlias, shard: ShardName, ctx: ActionContext): Promise<void>

  /** The exclusive lock of a shard; rejects SHARD_LOCKED when another holds it. Freed by disposal and by the death of the process. */
  lockShard(shard: ShardName, note: string, ctx: ActionContext): Promise<ShardLock>
}

export interface ListedTablet {
  readonly record: TabletRecord
  /** Whether its daemon published within its time to live. */
  readonly live: boolean
}

export interface ShardLock extends AsyncDisposable {
  /** Aborts when the lock is lost; work under it must stop then. */
  readonly lost: AbortSignal
}
