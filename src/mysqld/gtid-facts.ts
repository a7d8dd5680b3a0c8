/**
 * Where a server stands, from what its variables and its oldest binary log say. Pure.
 *
 * MariaDB keeps three positions. gtid_binlog_pos is what the binary log holds, gtid_slave_pos what a replica applied;
 * gtid_current_pos mixes them by server_id and is used only where design.md says so (a demotion).
 */
import type { Flavor, GtidSet } from '../model/gtid-set.ts'
import { formatBinlogState, formatGtid, parseBinlogState, positionOf } from '../model/mariadb-gtid-set.ts'
import { emptyGtidSet, parseGtidSet } from '../model/position.ts'
import type { Row } from './sql-types.ts'

export interface GtidFacts {
  readonly executed: GtidSet
  readonly purged: GtidSet
  readonly binlogState: string | undefined
}

/** @param isReplica a channel is configured: MariaDB's position is then what the replica applied. */
export function gtidFactsOf(flavor: Flavor, row: Row | undefined, isReplica: boolean): GtidFacts {
  const read = (name: string): GtidSet => parseGtidSet(flavor, row?.[name] ?? '')
  if (flavor === 'mysql') return { executed: read('executed'), purged: read('purged'), binlogState: undefined }
  return {
    executed: read(isReplica ? 'slave_pos' : 'binlog_pos'),
    purged: emptyGtidSet(flavor),
    binlogState: row?.['binlog_state'] ?? '',
  }
}

export interface HistoryFacts {
  readonly flavor: Flavor
  /** The answer to `gtids` of the dialect. */
  readonly gtids: Row | undefined
  readonly hasBinaryLog: boolean
  /** MariaDB: the first events of the oldest binary log. */
  readonly oldestEvents: readonly Row[]
}

/**
 * Whether the binary logs hold every transaction since the server was empty; false in doubt.
 *
 * MySQL says so itself: nothing is purged. MariaDB: the oldest log's Gtid_list is empty, the first transaction after it
 * is number 1, and nothing was applied that the binary log does not know (a restore without gtid_binlog_state).
 */
export function isHistoryWhole(facts: HistoryFacts): boolean {
  if (!facts.hasBinaryLog) return false
  if (facts.flavor === 'mysql') return facts.gtids?.['purged'] === ''
  const list = facts.oldestEvents.findIndex((event) => event['Event_type'] === 'Gtid_list')
  if (facts.oldestEvents[list]?.['Info'] !== '[]') return false
  const first = facts.oldestEvents.slice(list).find((event) => event['Event_type'] === 'Gtid')
  if (first !== undefined && !/GTID \d+-\d+-1$/.test(first['Info'] ?? '')) return false
  return read(facts.gtids, 'binlog_state').contains(read(facts.gtids, 'slave_pos'))
}

const read = (row: Row | undefined, name: string): GtidSet => parseGtidSet('mariadb', row?.[name] ?? '')

/**
 * MariaDB: the binary log's state for a server that holds `executed`: the state of its donor, with the last transaction
 * of each domain at its end, because the server takes the one named last as its gtid_binlog_pos (tried).
 */
export function binlogStateFor(executed: GtidSet, donorState: string | undefined): string {
  const last = parseBinlogState(executed.toString())
  const isLast = (text: string): boolean => last.some((gtid) => formatGtid(gtid) === text)
  const others = parseBinlogState(donorState ?? '').filter((gtid) => !isLast(formatGtid(gtid)))
  return formatBinlogState([...others, ...last])
}

/** True when the variables say exactly this history. */
export function standsAt(
  flavor: Flavor, row: Row | undefined, wanted: { readonly executed: GtidSet, readonly binlogState: string },
): boolean {
  if (flavor === 'mysql') {
    const { executed, purged } = gtidFactsOf(flavor, row, false)
    return executed.equals(wanted.executed) && purged.equals(wanted.executed)
  }
  const sorted = (state: string): string => parseBinlogState(state).map(formatGtid).sort().join()
  return gtidFactsOf(flavor, row, true).executed.equals(wanted.executed)
    && positionOf(parseBinlogState(row?.['binlog_pos'] ?? '')).equals(wanted.executed)
    && sorted(row?.['binlog_state'] ?? '') === sorted(wanted.binlogState)
}
