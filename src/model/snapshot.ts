/**
 * What is known of a tablet at one moment: published by the daemon's loop, read by probes, the API and tabletctl.
 *
 * A reader never waits: it takes the latest snapshot and judges its age. Plain JSON values throughout.
 */
import type { Blocker } from './blocker.ts'
import type { Operation } from './operation.ts'
import type { ShardRecord } from './records.ts'
import type { TabletState } from './tablet-state.ts'
import type { TabletAlias, TabletType, TargetType } from './tablet.ts'

export interface TabletSnapshot {
  /** Milliseconds since the epoch when the facts were gathered. */
  readonly observedAtMs: number
  readonly alias: TabletAlias
  readonly keyspace: string
  readonly shard: string
  readonly hostname: string
  readonly httpPort: number
  readonly mysqlPort: number
  readonly version: string
  readonly startedAt: string

  readonly state: TabletState
  readonly type: TabletType
  readonly targetType: TargetType
  readonly drained: boolean
  /** Empty: it may serve as its type. Every reason against it otherwise. */
  readonly blockers: readonly Blocker[]
  /** What the daemon did or waits for, in one sentence. */
  readonly sentence: string

  readonly mysqld: MysqldFacts
  readonly replication?: ReplicationFacts
  /** Seconds behind the primary; absent when unknown. 0 on a primary. */
  readonly lagSeconds?: number
  /** What `lagSeconds` was made of. */
  readonly lag?: LagSigns
  /** What the settings say of lag: from `degradedSeconds` a replica is given less, beyond `unhealthySeconds` nothing. */
  readonly lagLimits?: { readonly degradedSeconds: number, readonly unhealthySeconds: number }
  /** The last change of type, with the words of its log line: why it stopped serving, or why it serves again. */
  readonly lastChange?: TypeChange
  /** Executed transactions, `MySQL56/…` or `MariaDB/…`. */
  readonly position?: string
  /** MariaDB's gtid_binlog_state: tells transactions apart that a position cannot. */
  readonly binlogState?: string
  readonly shardRecord: ShardRecordFacts
  readonly data: DataFacts
  readonly operation?: Operation
}

/** How far behind by each sign, in seconds; what is not known is absent. See src/replication/lag.ts. */
export interface LagSigns {
  /** Seconds_Behind_Source; grown since, where the server does not say it now. */
  readonly statusSeconds?: number
  /** Age of the newest heartbeat that was applied here. */
  readonly heartbeatSeconds?: number
  /** Since the oldest transaction in the applier's hands was committed. */
  readonly commitSeconds?: number
  /** At most this far behind: the age of the newest look at the source of which nothing is missing. */
  readonly provenSeconds?: number
  /** The source's clock minus ours, where they differ. */
  readonly clockAheadSeconds?: number
}

export interface TypeChange {
  readonly from: TabletState
  readonly to: TabletState
  readonly why: string
  /** RFC 3339. */
  readonly time: string
}

export interface MysqldFacts {
  readonly running: boolean
  readonly answers: boolean
  readonly writable?: boolean
  readonly version?: string
  readonly flavor?: 'mysql' | 'mariadb'
  readonly serverUuid?: string
  readonly serverId?: number
  readonly pid?: number
}

export interface ReplicationFacts {
  readonly source: string
  readonly io: 'running' | 'connecting' | 'stopped'
  readonly sql: 'running' | 'stopped'
  readonly error?: string
  readonly semiSync?: boolean
}

export interface ShardRecordFacts {
  /** 'read': as the topology holds it now. 'none': the topology answered that there is none. 'unreadable': see cached. */
  readonly read: 'record' | 'none' | 'unreadable' | 'not-yet'
  readonly record?: ShardRecord
  /** The last record this tablet has ever read, kept in its directory. */
  readonly cached?: ShardRecord
}

export interface DataFacts {
  /** Whether the server holds schemas of its users, or transactions of its own. Absent while mysqld does not answer. */
  readonly hasUserData?: boolean
  readonly origin?: 'bootstrap' | 'restore' | 'found'
  readonly restoredFrom?: string
  readonly restoredPosition?: string
  /** The newest term seen before this data was made; such data is primary only under a newer one. */
  readonly newestTermBefore?: number
}
