/**
 * Positions of MariaDB (`0-1-8,1-2-5`: domain-server-sequence, one a domain) and states of its binary log
 * (`gtid_binlog_state`: one for every server that ever wrote in a domain).
 *
 * A position says how far each domain was read. It cannot show a transaction that only one server has: two servers
 * may both stand at sequence 8 of domain 0 by different transactions. The binary log's state can, see `errantIn`.
 *
 * See https://mariadb.com/kb/en/gtid/
 */
import { TabletError } from '../base/errors.ts'
import type { GtidSet } from './gtid-set.ts'

/** One transaction. Sequences are unsigned 64-bit numbers, so BigInt. */
export interface MariadbGtid {
  readonly domain: number
  readonly server: number
  readonly sequence: bigint
}

/** gtid_binlog_state: the last transaction of each server in each domain, in the server's order. */
export type BinlogState = readonly MariadbGtid[]

interface MariadbGtidSet extends GtidSet {
  readonly flavor: 'mariadb'
  /** By domain, ascending. */
  readonly last: ReadonlyMap<number, MariadbGtid>
}

const GTID = /^(\d{1,10})-(\d{1,10})-(\d{1,20})$/
const GREATEST_SEQUENCE = 2n ** 64n - 1n

/**
 * Reads a position. Of several servers in one domain the highest sequence counts, so a binlog state reads as the
 * position it stands for (sequences only grow within a domain under gtid_strict_mode).
 *
 * @throws TabletError BAD_REQUEST for anything but domain-server-sequence, separated by commas.
 */
export function parseMariadbGtidSet(text: string): GtidSet {
  return positionOf(parseBinlogState(text))
}

/** Reads gtid_binlog_state. @throws TabletError BAD_REQUEST for anything but domain-server-sequence, separated by commas. */
export function parseBinlogState(text: string): BinlogState {
  return text.split(',').map((part) => part.trim()).filter((part) => part !== '').map(readGtid)
}

/** The position that a state of the binary log stands for. */
export function positionOf(state: BinlogState): GtidSet {
  const last = new Map<number, MariadbGtid>()
  for (const gtid of state) {
    const known = last.get(gtid.domain)
    if (known === undefined || gtid.sequence > known.sequence) last.set(gtid.domain, gtid)
  }
  return setOf(last)
}

export const formatGtid = (gtid: MariadbGtid): string => `${gtid.domain}-${gtid.server}-${gtid.sequence}`

/** In the order given, which the server keeps: within a domain the last one is the newest. */
export const formatBinlogState = (state: BinlogState): string => state.map(formatGtid).join(',')

/**
 * What each server wrote into our binary log beyond what `theirs` knows of that server in that domain: transactions
 * that the other side never had. Empty when there are none.
 *
 * Read `ours` before `theirs`, or a transaction that arrives in between looks errant.
 */
export function errantIn(ours: BinlogState, theirs: BinlogState): readonly MariadbGtid[] {
  const known = new Map<string, bigint>()
  for (const gtid of theirs) {
    const key = `${gtid.domain}-${gtid.server}`
    const before = known.get(key)
    if (before === undefined || gtid.sequence > before) known.set(key, gtid.sequence)
  }
  return ours.filter((gtid) => {
    const theirLast = known.get(`${gtid.domain}-${gtid.server}`)
    return theirLast === undefined || gtid.sequence > theirLast
  })
}

function readGtid(part: string): MariadbGtid {
  const [, domainText, serverText, sequenceText] = GTID.exec(part) ?? []
  const domain = Number(domainText)
  const server = Number(serverText)
  const sequence = BigInt(sequenceText ?? 0)
  if (sequenceText === undefined || domain > 0xffff_ffff || server > 0xffff_ffff || sequence > GREATEST_SEQUENCE) {
    const shown = part.length > 60 ? `${part.slice(0, 60)}…` : part
    throw new TabletError('BAD_REQUEST', `cannot read GTID "${shown}": it must be domain-server-sequence, as 0-1-8`)
  }
  return { domain, server, sequence }
}

function setOf(found: ReadonlyMap<number, MariadbGtid>): MariadbGtidSet {
  const last = new Map([...found].sort(([a], [b]) => a - b))
  const text = [...last.values()].map(formatGtid).join(',')
  const reaches = (gtid: MariadbGtid): boolean => (last.get(gtid.domain)?.sequence ?? -1n) >= gtid.sequence
  const self: MariadbGtidSet = {
    flavor: 'mariadb',
    last,
    toString: () => text,
    isEmpty: () => last.size === 0,
    contains: (other) => [...mariadb(other).last.values()].every(reaches),
    union: (other) => setOf(new Map([...last, ...[...mariadb(other).last].filter(([, gtid]) => !reaches(gtid))])),
    subtract: (other) => {
      const theirs = mariadb(other).last
      return setOf(new Map([...last].filter(([domain, gtid]) => (theirs.get(domain)?.sequence ?? -1n) < gtid.sequence)))
    },
    // by text, servers included: the same sequence from another server is another transaction
    equals: (other) => mariadb(other).toString() === text,
  }
  return self
}

function mariadb(set: GtidSet): MariadbGtidSet {
  if (set.flavor !== 'mariadb') throw new TabletError('INTERNAL', `cannot compare a GTID set of mariadb with one of ${set.flavor}`)
  return set as MariadbGtidSet   // setOf is the only maker of sets of this flavour
}
