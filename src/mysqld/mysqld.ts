/**
 * What the daemon may do with the mysqld beside it, in replication terms. Dialects spell the statements.
 *
 * All calls: reject with the signal's reason when aborted, and then the statement is cancelled on the server
 * too (KILL QUERY over a second connection). Failures are TabletErrors: MYSQLD_UNREACHABLE, MYSQLD_ACCESS_DENIED,
 * QUERY_TIMEOUT, QUERY_FAILED. Every call is idempotent unless it says otherwise.
 */
import type { ActionContext } from '../base/action.ts'
import type { Flavor, GtidSet } from '../model/gtid-set.ts'
import type { MysqlAddress } from '../model/records.ts'
import type { ServerVersion } from '../model/server-version.ts'

export interface Mysqld extends AsyncDisposable {
  /** Facts that do not change while the server runs. */
  identity(ctx: ActionContext): Promise<ServerIdentity>
  /** Everything one tick needs, in as few statements as can be. */
  observe(ctx: ActionContext): Promise<ServerFacts>

  /** `gtid_executed`; MariaDB: gtid_binlog_pos of a primary (no channel), gtid_slave_pos of a replica. */
  executedGtids(ctx: ActionContext): Promise<GtidSet>
  /** undefined: no channel is configured. */
  replicationStatus(ctx: ActionContext): Promise<ReplicationStatus | undefined>
  /** MySQL: `gtid_purged`. MariaDB: an empty set. */
  purgedGtids(ctx: ActionContext): Promise<GtidSet>
  /** MariaDB: gtid_binlog_state, every (domain, server) with its last sequence number. MySQL: undefined. */
  binlogState(ctx: ActionContext): Promise<string | undefined>
  /** Whether the binary logs still hold every transaction since the server was empty (design.md section 4, Position). */
  historyIsWhole(ctx: ActionContext): Promise<boolean>
  /** Blocks until the set is executed here. False when `timeoutSeconds` (1 or more) passed first. */
  waitForGtids(set: GtidSet, timeoutSeconds: number, ctx: ActionContext): Promise<boolean>

  /** Points the one channel at `source` with auto-positioning (MariaDB: slave_pos) and leaves it stopped. */
  setReplicationSource(source: ReplicationSource, ctx: ActionContext): Promise<void>
  startReplication(ctx: ActionContext): Promise<void>
  stopReplication(ctx: ActionContext): Promise<void>
  /** STOP, then RESET REPLICA ALL. */
  removeReplicationChannel(ctx: ActionContext): Promise<void>

  /**
   * 'on' is super_read_only where it exists, else read_only. It never waits for open transactions, only for table locks
   * and commits in hand.
   */
  setReadOnly(mode: 'on' | 'off', ctx: ActionContext): Promise<void>
  /** Ends the connections of clients (not ours, not replication's), so that no open transaction commits after a demotion. */
  endClientConnections(ctx: ActionContext): Promise<void>
  /** MySQL offline_mode. MariaDB has none: resolves false and nothing changed. */
  setOfflineMode(on: boolean, ctx: ActionContext): Promise<boolean>

  /**
   * Declares `executed` as this server's history: RESET BINARY LOGS AND GTIDS, gtid_purged; MariaDB: RESET MASTER,
   * gtid_slave_pos, gtid_binlog_state. Only for data we made.
   */
  setPosition(executed: GtidSet, options: { readonly binlogState?: string }, ctx: ActionContext): Promise<void>
  /** MariaDB, after a demotion's last write: gtid_slave_pos := gtid_current_pos. MySQL: nothing. */
  adoptPositionAsReplica(ctx: ActionContext): Promise<void>

  /** A running receiver reconnects for its side to count. Rejects SEMI_SYNC_UNAVAILABLE for `on` where the plugin is not loaded. */
  setSemiSync(side: 'source' | 'replica', on: boolean, ctx: ActionContext): Promise<void>
  /** innodb_fast_shutdown as it is, and setting it: 0 slow and upgrade-safe, 1 normal, 2 like a crash. */
  fastShutdown(ctx: ActionContext): Promise<number>
  setFastShutdown(value: 0 | 1 | 2, ctx: ActionContext): Promise<void>
  /** SQL `SHUTDOWN`; resolves when the server has accepted it. */
  requestShutdown(ctx: ActionContext): Promise<void>

  /** Every account, as user@host. */
  accounts(ctx: ActionContext): Promise<readonly string[]>
  /** What a cold copy must know before the stop: paths, tablespaces, page size (see CopyFacts). */
  copyFacts(ctx: ActionContext): Promise<CopyFacts>
}

export interface ServerIdentity {
  readonly flavor: Flavor
  readonly version: ServerVersion
  /** @@version and @@version_comment as they are. */
  readonly versionText: string
  readonly versionComment: string
  /** '' on MariaDB. */
  readonly serverUuid: string
  readonly serverId: number
  readonly paths: ServerPaths
  readonly pid: number | undefined
  readonly lowerCaseTableNames: number
}

/** Absolute paths, as the server resolves them. */
export interface ServerPaths {
  readonly dataDir: string
  readonly innodbDataHome: string
  readonly innodbLogHome: string
  readonly undoDir: string
  readonly tmpDir: string
  readonly socket: string
  readonly pidFile: string
  readonly errorLog: string | undefined
  /** Path without number, `<dir>/binlog`; undefined without a binary log. */
  readonly binlogBase: string | undefined
  readonly relayLogBase: string | undefined
  readonly pluginDir: string
  readonly innodbDataFilePath: string
  readonly innodbPageSize: number
}

export interface ServerFacts {
  readonly identity: ServerIdentity
  readonly readOnly: boolean
  /** Same as readOnly where the server has no super_read_only. */
  readonly superReadOnly: boolean
  readonly offlineMode: boolean
  readonly executed: GtidSet
  readonly purged: GtidSet
  readonly binlogState: string | undefined
  readonly historyWhole: boolean
  readonly replication: ReplicationStatus | undefined
  /** Without system schemas and tabletd's own. */
  readonly userSchemas: readonly string[]
  /** What is missing, in words, of gtid_mode=ON and enforce_gtid_consistency, or of gtid_strict_mode and log_slave_updates. */
  readonly gtidProblems: readonly string[]
  readonly semiSync: SemiSyncFacts
  readonly uptimeSeconds: number
  /** MariaDB: accounts that can write in spite of read_only; MySQL: empty. */
  readonly writersDespiteReadOnly: readonly string[]
}

export interface SemiSyncFacts {
  /** undefined: the server has no such plugin. */
  readonly sourceEnabled: boolean | undefined
  readonly replicaEnabled: boolean | undefined
  /** Rpl_semi_sync_source_clients, 0 without the plugin. */
  readonly acknowledgingReplicas: number
  /** Rpl_semi_sync_source_wait_sessions: commits waiting now. */
  readonly waitingCommits: number
  readonly replicaActive: boolean
}

export interface ReplicationStatus {
  readonly source: MysqlAddress
  readonly user: string
  readonly io: 'running' | 'connecting' | 'stopped'
  readonly sql: 'running' | 'stopped'
  /** 0 and '' without an error. */
  readonly ioErrorNumber: number
  readonly ioError: string
  readonly sqlErrorNumber: number
  readonly sqlError: string
  /** Seconds_Behind_Source; undefined for NULL. */
  readonly secondsBehind: number | undefined
  readonly retrieved: GtidSet
  readonly executed: GtidSet
  readonly autoPosition: boolean
  readonly sourceUuid: string
}

export interface ReplicationSource {
  readonly address: MysqlAddress
  readonly user: string
  readonly password: string
  readonly connectRetrySeconds: number
  readonly ssl: 'disabled' | 'preferred' | 'required'
}

/** Read before a stop that is copied (design.md section 5, file set). */
export interface CopyFacts {
  readonly paths: ServerPaths
  readonly pageSize: number
  readonly lowerCaseTableNames: number
  readonly innodbDataFilePath: string
  /** Every tablespace file the server names, as the server resolves it to an absolute path. */
  readonly tablespaceFiles: readonly { readonly name: string, readonly path: string, readonly kind: 'system' | 'undo' | 'general' | 'table' | 'temporary' }[]
  /** Schemas or tables with encryption=Y; empty when none. */
  readonly encrypted: readonly string[]
  /** Engines that hold user tables, as InnoDB, MyISAM. */
  readonly engines: readonly string[]
}
