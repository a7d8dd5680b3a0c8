/** What the topology holds: one record a shard (the desired state), one a tablet (what is there). Plain JSON values. */
import type { TabletAlias, TabletType } from './tablet.ts'

/** The desired state of a shard; each daemon converges on it. Terms only grow. */
export interface ShardRecord {
  readonly keyspace: string
  readonly shard: string
  readonly primary: TabletAlias
  /** 1 for the first primary; a higher term is newer information, whatever the clocks say. */
  readonly term: number
  /** RFC 3339: when this term was written. */
  readonly since: string
  /** The primary of the term before, where there was one. */
  readonly former?: TabletAlias
  /**
   * The position (`MySQL56/…` or `MariaDB/…`; the set may be empty) that the term starts from: nobody becomes
   * PRIMARY without holding it. Absent while a planned reparent waits for the former primary's last position.
   */
  readonly start?: string
  /**
   * The primary has taken the term: set by compare-and-set just before it turns writable under it for the first time.
   * A term that nobody took can be given back without asking the candidate; of taking and giving back, one wins.
   */
  readonly claimed?: true
}

/** What a daemon says of its tablet; kept fresh while it lives. */
export interface TabletRecord {
  readonly alias: TabletAlias
  readonly type: TabletType
  readonly keyspace: string
  readonly shard: string
  readonly hostname: string
  readonly mysqlPort: number
  readonly httpPort: number
  /** RFC 3339: when this daemon started. */
  readonly startedAt: string
  readonly serverUuid?: string
  readonly serverId?: number
  readonly tags: Readonly<Record<string, string>>
}

/** One address of a mysqld. */
export interface MysqlAddress {
  readonly host: string
  readonly port: number
}

export const sameAddress = (a: MysqlAddress | undefined, b: MysqlAddress | undefined): boolean =>
  a !== undefined && b !== undefined && a.host === b.host && a.port === b.port
