/** The objects a tablet is made of, built once in compose.ts. Functions ask for the few they use with `Pick`. */
import type { Config } from '../config/settings.ts'
import type { BackupEngine, RestoreEngine } from '../engine/backup-engine.ts'
import type { DiskWatch } from '../health/disk-watch.ts'
import type { ShardName } from '../model/tablet.ts'
import type { Mysqld, ReplicationSource } from '../mysqld/mysqld.ts'
import type { Heartbeats } from '../mysqld/heartbeats.ts'
import type { MysqldProcess } from '../mysqld/mysqld-process.ts'
import type { ServerOptions } from '../mysqld/server-options.ts'
import type { LookAtSource } from '../replication/judge-source.ts'
import type { BackupStorage } from '../storage/backup-storage.ts'
import type { Topology } from '../topology/topology.ts'
import type { TabletIdentity } from './build-snapshot.ts'
import type { HeartbeatWriter } from './heartbeat-writer.ts'
import type { Journal } from './journal.ts'
import type { LocalState } from './local-state.ts'
import type { MysqldKeeper } from './mysqld-keeper.ts'
import type { OperationRegistry } from './operations.ts'
import type { Origin } from './origin.ts'
import type { Secrets } from './secrets.ts'
import type { TabletManager } from './tablet-manager.ts'
import type { TopologyView } from './topology-view.ts'
import type { Watched } from './watched.ts'

export interface Parts {
  readonly tablet: TabletIdentity
  readonly shard: ShardName
  readonly config: Config
  /** The server's own view of its options, read before it is started. */
  readonly options: ServerOptions
  /** The server program; '' with mysqld-control none. */
  readonly mysqldPath: string
  readonly mysqld: Mysqld
  readonly heartbeats: Heartbeats
  readonly heartbeatWriter: HeartbeatWriter
  readonly diskWatch: DiskWatch
  readonly process: MysqldProcess
  readonly keeper: MysqldKeeper
  readonly topology: Topology
  readonly view: TopologyView
  /** undefined: backup-storage-implementation is not set. */
  readonly storage: BackupStorage | undefined
  /** Failed calls of the storage by code, since the daemon began. */
  readonly storageErrors: ReadonlyMap<string, number>
  readonly engines: readonly BackupEngine[]
  readonly restoreEngines: readonly RestoreEngine[]
  readonly state: LocalState
  readonly journal: Journal
  readonly origin: Origin
  readonly manager: TabletManager
  readonly operations: OperationRegistry
  readonly watched: Watched
  readonly lookAtSource: LookAtSource
  readonly replicationAccount: Omit<ReplicationSource, 'address'>
  readonly secrets: Secrets
}
