/**
 * Transactions that one server has and its source never had. Pure.
 *
 * MySQL compares GTID sets. MariaDB's position says only how far a domain was read, so there the states of both
 * binary logs are compared, by domain and server: two servers at 0-1-8 and 0-2-8 hold different transactions.
 */
import type { GtidSet } from '../model/gtid-set.ts'
import { errantIn, formatBinlogState, parseBinlogState } from '../model/mariadb-gtid-set.ts'

/** What a server has executed. Both from one look. */
export interface History {
  readonly executed: GtidSet
  /** MariaDB's gtid_binlog_state; undefined elsewhere, or without a binary log. */
  readonly binlogState: string | undefined
}

/**
 * What `ours` holds and `source` lacks, as the server spells it; '' when there is nothing.
 *
 * `ours` must have been read before `source`: what arrives in between is then on both sides.
 */
export function errantTransactions(ours: History, source: History): string {
  const ahead = ours.executed.subtract(source.executed)
  if (!ahead.isEmpty()) return ahead.toString()
  if (ours.binlogState === undefined || source.binlogState === undefined) return ''
  return formatBinlogState(errantIn(parseBinlogState(ours.binlogState), parseBinlogState(source.binlogState)))
}
