/**
 * Statements about heartbeats: one row a shard, in a schema of tabletd's own. Every server takes them in one spelling.
 *
 * Times are microseconds since the epoch by the clock of the server that runs the statement; taken from UTC_TIMESTAMP,
 * because a local time is ambiguous for one hour a year.
 */
import { quote, whole } from './common.ts'

export interface Beat {
  /** keyspace/shard */
  readonly shard: string
  /** Alias of the primary that writes. */
  readonly tablet: string
  readonly term: number
}

const NOW = 'TIMESTAMPDIFF(MICROSECOND, \'1970-01-01\', UTC_TIMESTAMP(6))'

/** The row decides by itself whether it is written, so it travels as a row and not as a statement. */
export const beginBeat = 'SET SESSION binlog_format = \'ROW\''

/** Each of them is a transaction of its own even where nothing is missing, so they are run only where the table is missing. */
export const createHeartbeatTable = [
  'CREATE DATABASE IF NOT EXISTS _tabletd',
  `CREATE TABLE IF NOT EXISTS _tabletd.heartbeat (
    shard VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL PRIMARY KEY,
    tablet VARCHAR(255) CHARACTER SET utf8mb4 NOT NULL,
    term BIGINT UNSIGNED NOT NULL,
    written_us BIGINT UNSIGNED NOT NULL
  ) ENGINE = InnoDB`,
] as const

export const isWritable = 'SELECT @@GLOBAL.read_only = 0 AS writable'

/**
 * Nothing is written, and no GTID made, while the server is read-only. The account of tabletd may write in spite of MariaDB's
 * read_only; but turning it on waits for this statement, or comes before it.
 */
export function writeBeat({ shard, tablet, term }: Beat): string {
  const values = [['tablet', quote(tablet)], ['term', whole(term)], ['written_us', NOW]] as const
  return `INSERT INTO _tabletd.heartbeat (shard, ${values.map(([name]) => name).join(', ')})
    SELECT ${quote(shard)}, ${values.map(([, value]) => value).join(', ')} FROM DUAL WHERE @@GLOBAL.read_only = 0
    ON DUPLICATE KEY UPDATE ${values.map(([name, value]) => `${name} = ${value}`).join(', ')}`
}

/** Columns tablet, term, age_us: negative where this server's clock is behind the writer's. */
export const readBeat = (shard: string): string =>
  `SELECT tablet, term, ${NOW} - CAST(written_us AS SIGNED) AS age_us FROM _tabletd.heartbeat WHERE shard = ${quote(shard)}`

/** Column now_us. */
export const readClock = `SELECT ${NOW} AS now_us`

/**
 * MySQL. Column age_us: since the oldest transaction that a worker has in hand was committed where it was first made. NULL:
 * none is in hand, or its source is too old to say. See performance_schema.replication_applier_status_by_worker.
 */
export const oldestInHand = `SELECT ${NOW} - CAST(MIN(UNIX_TIMESTAMP(APPLYING_TRANSACTION_ORIGINAL_COMMIT_TIMESTAMP)) * 1000000 AS SIGNED) AS age_us
  FROM performance_schema.replication_applier_status_by_worker
  WHERE APPLYING_TRANSACTION <> '' AND APPLYING_TRANSACTION_ORIGINAL_COMMIT_TIMESTAMP > '1970-01-02'`
