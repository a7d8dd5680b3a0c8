/**
 * How one family of servers spells what tabletd says: statements and column names as data.
 *
 * The rows stand in dialects/, one file a family; no other file holds SQL. `tested: false` marks rows that no
 * server of the test suite runs; docs/servers.md lists them as such.
 */
import type { Flavor } from '../model/gtid-set.ts'
import type { ServerVersion } from '../model/server-version.ts'
import type { ReplicationSource } from './mysqld.ts'
import type { Statement } from './sql-types.ts'

export interface Dialect {
  readonly name: string
  readonly flavor: Flavor
  /** Which versions of the flavour it is for. */
  readonly covers: (version: ServerVersion) => boolean
  /** Whether `npm test` runs a server of this row. */
  readonly tested: boolean

  /** First statement of a session: a known sql_mode, so that quoting is known; what is written stays, whatever the server's default. */
  readonly begin: string
  /** The same, and what the session does stays out of the binary log. */
  readonly beginUnlogged: string

  /** Columns: MySQL executed, purged; MariaDB binlog_pos, slave_pos, binlog_state. */
  readonly gtids: string
  /** Column outcome: 0 when the set was executed in time. */
  readonly waitForGtids: (set: string, timeoutSeconds: number) => string
  /** Throws binary logs and transactions away. */
  readonly resetGtids: readonly string[]
  /** After resetGtids; an empty history needs nothing. */
  readonly declareGtids: (set: string, binlogState: string) => readonly string[]
  /** MariaDB: gtid_slave_pos takes in what the server wrote itself. */
  readonly adoptPosition: string | undefined
  /** MariaDB: the first events of the oldest binary log. */
  readonly oldestEvents: string | undefined

  readonly replication: {
    readonly show: string
    readonly changeSource: (source: ReplicationSource, tls: boolean) => Statement
    readonly start: string
    readonly stop: string
    readonly startReceiver: string
    readonly stopReceiver: string
    /** Forgets relay logs and keeps the source. */
    readonly resetRelayLogs: string
    /** Forgets the channel. */
    readonly resetAll: string
  }

  readonly readOnly: { readonly on: string, readonly off: string }
  readonly hasSuperReadOnly: boolean
  readonly hasOfflineMode: boolean
  /** Column grantee, as 'user'@'host'. undefined: read_only binds everybody. */
  readonly writersDespiteReadOnly: ((version: ServerVersion) => string) | undefined

  /** Columns name, path, type. */
  readonly tablespaces: string
  /** Column name: encrypted schemas and tablespaces. */
  readonly encrypted: readonly string[]
  /** MariaDB: columns schema, table, options; read before `tablespaces`. */
  readonly tables: string | undefined
}
