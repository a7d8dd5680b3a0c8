/**
 * GTID sets of MySQL and Percona Server, tagged GTIDs (8.3 and later) included.
 *
 * Text is as the server prints gtid_executed, without its line breaks: `uuid:1-3:7:tag:1-2,uuid2:5`. Origins and
 * tags in ascending order, intervals merged. Numbers are BigInt: a server takes up to 2^63-2 as they come, and one
 * transaction numbered like that must not blur the others.
 *
 * Vitess cannot read tagged GTIDs; see docs/backup-format.md.
 * See https://dev.mysql.com/doc/refman/9.7/en/replication-gtids-concepts.html
 */
import { TabletError } from '../base/errors.ts'
import type { GtidSet } from './gtid-set.ts'

/** First and last transaction, both included. */
interface Interval {
  readonly first: bigint
  readonly last: bigint
}

/** Key: `<uuid>` or `<uuid>:<tag>`. Intervals ascend, and never touch nor overlap. */
type Intervals = ReadonlyMap<string, readonly Interval[]>

interface MysqlGtidSet extends GtidSet {
  readonly flavor: 'mysql'
  readonly intervals: Intervals
}

const UUID = /^[0-9a-f]{8}(-?)[0-9a-f]{4}\1[0-9a-f]{4}\1[0-9a-f]{4}\1[0-9a-f]{12}$/
const TAG = /^[a-z_][a-z0-9_]{0,31}$/
const INTERVAL = /^(\d{1,19})(?:\s*-\s*(\d{1,19}))?$/
const GREATEST = 2n ** 63n - 2n   // the server refuses 2^63-1 (tried on 9.7.4)

/**
 * Reads what a server or a MANIFEST says; line breaks, upper case, repeated origins, unsorted or overlapping
 * intervals and empty parts are taken as the server takes them. An interval that ends before it starts is empty.
 *
 * @throws TabletError BAD_REQUEST for text that no server would take.
 */
export function parseMysqlGtidSet(text: string): GtidSet {
  const found = new Map<string, Interval[]>()
  for (const part of text.split(',')) {
    if (part.trim() !== '') readOrigin(part.trim().toLowerCase(), found)
  }
  return setOf(found)
}

function readOrigin(part: string, found: Map<string, Interval[]>): void {
  const [uuidText = '', ...items] = part.split(':').map((item) => item.trim())
  if (!UUID.test(uuidText)) throw malformed(part, `"${shorten(uuidText)}" is no UUID`)
  const uuid = hyphenated(uuidText)
  let key = uuid
  for (const item of items) {
    if (TAG.test(item)) {
      key = `${uuid}:${item}`
    } else if (item !== '') {
      const interval = readInterval(item, part)
      if (interval.last >= interval.first) intervalsOf(found, key).push(interval)
    }
  }
}

function readInterval(item: string, part: string): Interval {
  const [, from, to] = INTERVAL.exec(item) ?? []
  if (from === undefined) throw malformed(part, `"${shorten(item)}" is neither an interval nor a tag`)
  const first = BigInt(from)
  const last = to === undefined ? first : BigInt(to)
  if (first < 1n || first > GREATEST || last > GREATEST) throw malformed(part, `"${item}" is out of range`)
  return { first, last }
}

function intervalsOf(found: Map<string, Interval[]>, key: string): Interval[] {
  const known = found.get(key)
  if (known !== undefined) return known
  const fresh: Interval[] = []
  found.set(key, fresh)
  return fresh
}

const hyphenated = (uuid: string): string =>
  uuid.includes('-') ? uuid : uuid.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')

const shorten = (text: string): string => text.length > 60 ? `${text.slice(0, 60)}…` : text

const malformed = (part: string, why: string): TabletError =>
  new TabletError('BAD_REQUEST', `cannot read GTID set at "${shorten(part)}": ${why}`)

/** A set of what was found, in whatever order and overlap. */
function setOf(found: ReadonlyMap<string, readonly Interval[]>): MysqlGtidSet {
  const intervals = new Map<string, readonly Interval[]>()
  // keys compare as the server orders them: by origin, and the untagged before the tagged
  for (const key of [...found.keys()].sort()) {
    const merged = merge(found.get(key) ?? [])
    if (merged.length > 0) intervals.set(key, merged)
  }
  const self: MysqlGtidSet = {
    flavor: 'mysql',
    intervals,
    toString: () => format(intervals),
    isEmpty: () => intervals.size === 0,
    contains: (other) => [...mysql(other).intervals].every(([key, theirs]) => covers(intervals.get(key) ?? [], theirs)),
    union: (other) => setOf(joined(intervals, mysql(other).intervals)),
    subtract: (other) => {
      const theirs = mysql(other).intervals
      return setOf(new Map(Array.from(intervals, ([key, ours]) => [key, without(ours, theirs.get(key) ?? [])])))
    },
    equals: (other) => format(mysql(other).intervals) === format(intervals),
  }
  return self
}

function mysql(set: GtidSet): MysqlGtidSet {
  if (set.flavor !== 'mysql') throw new TabletError('INTERNAL', `cannot compare a GTID set of mysql with one of ${set.flavor}`)
  return set as MysqlGtidSet   // setOf is the only maker of sets of this flavour
}

function merge(intervals: readonly Interval[]): readonly Interval[] {
  const merged: Interval[] = []
  for (const next of [...intervals].sort((a, b) => a.first < b.first ? -1 : a.first > b.first ? 1 : 0)) {
    const previous = merged.at(-1)
    if (previous === undefined || next.first > previous.last + 1n) {
      merged.push(next)
    } else if (next.last > previous.last) {
      merged[merged.length - 1] = { first: previous.first, last: next.last }
    }
  }
  return merged
}

/** Whether each interval of `inner` lies in one of `outer`; both merged. */
function covers(outer: readonly Interval[], inner: readonly Interval[]): boolean {
  let at = 0
  return inner.every((wanted) => {
    while (at < outer.length && (outer[at]?.last ?? 0n) < wanted.first) at++
    const candidate = outer[at]
    return candidate !== undefined && candidate.first <= wanted.first && wanted.last <= candidate.last
  })
}

/** What is left of `ours` when `theirs` are taken out; both merged. */
function without(ours: readonly Interval[], theirs: readonly Interval[]): readonly Interval[] {
  const left: Interval[] = []
  let at = 0
  for (const { first, last } of ours) {
    let from = first
    while (at < theirs.length && (theirs[at]?.last ?? 0n) < from) at++
    for (let i = at; i < theirs.length && from <= last; i++) {
      const taken = theirs[i]
      if (taken === undefined || taken.first > last) break
      if (taken.first > from) left.push({ first: from, last: taken.first - 1n })
      from = taken.last + 1n
    }
    if (from <= last) left.push({ first: from, last })
  }
  return left
}

function joined(a: Intervals, b: Intervals): Intervals {
  const all = new Map<string, readonly Interval[]>(a)
  for (const [key, intervals] of b) all.set(key, [...all.get(key) ?? [], ...intervals])
  return all
}

function format(intervals: Intervals): string {
  const origins = new Map<string, string>()
  for (const [key, list] of intervals) {
    const [uuid = '', tag] = key.split(':')
    const numbers = list.map(({ first, last }) => first === last ? `${first}` : `${first}-${last}`).join(':')
    const text = tag === undefined ? numbers : `${tag}:${numbers}`
    const before = origins.get(uuid)
    origins.set(uuid, before === undefined ? text : `${before}:${text}`)
  }
  return Array.from(origins, ([uuid, text]) => `${uuid}:${text}`).join(',')
}
