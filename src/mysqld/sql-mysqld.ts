/**
 * `Mysqld` over SQL: the verbs of mysqld.ts put together from the files that hold them.
 *
 * Owns      our sessions on the local server, connected on first use and again after the server restarted.
 * See       session-pool.ts for deadlines and cancelling, dialect.ts for the statements.
 */
import { copyFacts } from './copy-facts.ts'
import type { Mysqld } from './mysqld.ts'
import { SessionPool } from './session-pool.ts'
import {
  binlogState, executedGtids, historyIsWhole, identity, listAccounts, observe, purgedGtids, replicationStatus, type Sql,
} from './sql-observe.ts'
import {
  adoptPositionAsReplica, removeReplicationChannel, setPosition, setReplicationSource, setSemiSync, startReplication,
  stopReplication, waitForGtids,
} from './sql-replication.ts'
import {
  endClientConnections, fastShutdown, requestShutdown, setFastShutdown, setOfflineMode, setReadOnly,
} from './sql-server.ts'

export interface OpenMysqldOptions {
  /** Asked at every use: `MysqldProcess.socket` can change. */
  readonly socket: () => string
  readonly user: string
  /** Read at every new connection: a getter may answer another one after the file was corrected. */
  readonly password: string
  /** Deadline of everything that only reads, waiting for a frozen server included. Default 5000. */
  readonly queryTimeoutMs?: number
  /** Deadline of what changes the server: stopping replication waits for the transaction in hand. Default 30000. */
  readonly changeTimeoutMs?: number
}

/** Connects on first use; the server need not run yet. */
export function openMysqld(options: OpenMysqldOptions): Mysqld {
  const { user, queryTimeoutMs = 5000, changeTimeoutMs = 30_000 } = options
  const pool = new SessionPool({
    target: () => ({ kind: 'socket', path: options.socket() }),
    credentials: { user, get password() { return options.password } },
    unlogged: true,
  })
  const sql: Sql = { pool, user, readMs: queryTimeoutMs, changeMs: changeTimeoutMs }
  return { ...looking(sql), ...changing(sql), [Symbol.asyncDispose]: () => pool[Symbol.asyncDispose]() }
}

type Looking =
  | 'identity' | 'observe' | 'executedGtids' | 'replicationStatus' | 'purgedGtids' | 'binlogState' | 'historyIsWhole'
  | 'waitForGtids' | 'accounts' | 'fastShutdown' | 'copyFacts'

function looking(sql: Sql): Pick<Mysqld, Looking> {
  return {
    identity: (ctx) => identity(sql, ctx),
    observe: (ctx) => observe(sql, ctx),
    executedGtids: (ctx) => executedGtids(sql, ctx),
    replicationStatus: (ctx) => replicationStatus(sql, ctx),
    purgedGtids: (ctx) => purgedGtids(sql, ctx),
    binlogState: (ctx) => binlogState(sql, ctx),
    historyIsWhole: (ctx) => historyIsWhole(sql, ctx),
    waitForGtids: (set, timeoutSeconds, ctx) => waitForGtids(sql, { set, timeoutSeconds }, ctx),
    accounts: (ctx) => listAccounts(sql, ctx),
    fastShutdown: (ctx) => fastShutdown(sql, ctx),
    copyFacts: (ctx) => copyFacts(sql, ctx),
  }
}

function changing(sql: Sql): Omit<Mysqld, Looking | typeof Symbol.asyncDispose> {
  return {
    setReplicationSource: (source, ctx) => setReplicationSource(sql, source, ctx),
    startReplication: (ctx) => startReplication(sql, ctx),
    stopReplication: (ctx) => stopReplication(sql, ctx),
    removeReplicationChannel: (ctx) => removeReplicationChannel(sql, ctx),
    setReadOnly: (mode, ctx) => setReadOnly(sql, mode, ctx),
    endClientConnections: (ctx) => endClientConnections(sql, ctx),
    setOfflineMode: (on, ctx) => setOfflineMode(sql, on, ctx),
    setPosition: (executed, options, ctx) => setPosition(sql, { executed, ...options }, ctx),
    adoptPositionAsReplica: (ctx) => adoptPositionAsReplica(sql, ctx),
    setSemiSync: (side, on, ctx) => setSemiSync(sql, { side, on }, ctx),
    setFastShutdown: (value, ctx) => setFastShutdown(sql, value, ctx),
    requestShutdown: (ctx) => requestShutdown(sql, ctx),
  }
}
