/**
 * Who this tablet is, by the shard record: primary, follower, or neither. Pure.
 *
 * Owns      promise 7 of design.md: one writable server, in all its cases.
 * Leaves    how to become it: promote.ts, demote.ts, attach.ts.
 * Promises  A1  writable only where the record, read now, names this tablet, its data are older than the term, and
 *               they hold the position the term starts from; or where mysqld ran on as the primary and no record is to be had.
 *           A2  a record that is missing, unreadable or older than one already seen never changes a mysqld that ran on.
 *           A3  a server that had data when first seen is left as found until a record has been read.
 */
import { blocker, type Blocker } from '../model/blocker.ts'
import type { ShardRecord } from '../model/records.ts'
import type { TabletAlias } from '../model/tablet.ts'

export interface AuthorityFacts {
  readonly alias: TabletAlias
  readonly read: RecordRead
  /** The last record read, from the tablet directory: the newest term this tablet has seen. */
  readonly cached: ShardRecord | undefined
  /** How the data came to be; undefined while it is not known. */
  readonly data: { readonly made: 'bootstrap' | 'restore' | 'found', readonly newestTermBefore: number | undefined }
  /** This mysqld process already ran when this tablet last acted on a record: it did not have to be started since. */
  readonly ranOn: boolean
  /** What that process was then. */
  readonly ranOnAs: 'primary' | 'replica' | undefined
  /** Whether this server holds the position that `record.start` names; undefined when it cannot be told now. */
  readonly holdsStart: boolean | undefined
}

export type RecordRead =
  | { readonly kind: 'record', readonly record: ShardRecord }
  /** The topology answered: there is none. */
  | { readonly kind: 'none' }
  | { readonly kind: 'unreadable', readonly why: string }

export type Authority =
  /** Writable. */
  | { readonly role: 'primary', readonly record: ShardRecord }
  /** Read-only, attached to `source`. */
  | { readonly role: 'follow', readonly source: TabletAlias, readonly record: ShardRecord, readonly blockers: readonly Blocker[] }
  /** Read-only, and nothing else is changed. */
  | { readonly role: 'hold', readonly blockers: readonly Blocker[] }
  /** Nothing is changed: the mysqld goes on as what it was. */
  | { readonly role: 'keep', readonly as: 'primary' | 'replica', readonly why: string }
  /** Nothing is changed: the server is not ours to judge yet. */
  | { readonly role: 'as-found', readonly blockers: readonly Blocker[] }

export function decideAuthority(facts: AuthorityFacts): Authority {
  const { read, cached } = facts
  if (read.kind === 'record' && read.record.term >= (cached?.term ?? 0)) return underRecord(facts, read.record)
  return withoutRecord(facts, missingRecord(read, cached))
}

function underRecord(facts: AuthorityFacts, record: ShardRecord): Authority {
  if (record.primary !== facts.alias) return { role: 'follow', source: record.primary, record, blockers: [] }
  if (madeAfterTerm(facts.data, record.term)) return { role: 'hold', blockers: [blocker('named-primary-without-data')] }
  const waiting = record.start === undefined ? blocker('term-without-start')
    : facts.holdsStart === true ? undefined : blocker('named-primary-behind')
  if (waiting === undefined) return { role: 'primary', record }
  // the former primary still has what this one lacks; named again itself, there is nobody to follow
  const former = record.former
  return former === undefined || former === facts.alias
    ? { role: 'hold', blockers: [waiting] }
    : { role: 'follow', source: former, record, blockers: [waiting] }
}

function withoutRecord(facts: AuthorityFacts, missing: Blocker): Authority {
  const { cached, data } = facts
  if (cached === undefined) {
    return { role: data.made === 'found' ? 'as-found' : 'hold', blockers: [missing] }
  }
  // a demotion that was read and not yet done is not undone by a topology that has gone since
  const deposed = facts.ranOnAs === 'primary' && cached.primary !== facts.alias
  if (facts.ranOn && facts.ranOnAs !== undefined && !deposed) return { role: 'keep', as: facts.ranOnAs, why: missing.message }
  return cached.primary === facts.alias
    ? { role: 'hold', blockers: [missing] }
    : { role: 'follow', source: cached.primary, record: cached, blockers: [] }
}

function missingRecord(read: RecordRead, cached: ShardRecord | undefined): Blocker {
  if (read.kind === 'unreadable') return blocker('topology-unreachable', { message: `the topology cannot be read: ${read.why}` })
  if (read.kind === 'none') return blocker(cached === undefined ? 'no-shard-primary' : 'shard-record-lost')
  return blocker('shard-record-lost', {
    message: `the shard record has term ${read.record.term}, older than term ${cached?.term ?? 0} that this tablet has read; write it again with \`tabletctl init-shard-primary --force\``,
  })
}

/** Data that tabletd made is primary only under a term newer than any seen before it was made. */
export function madeAfterTerm(data: AuthorityFacts['data'], term: number): boolean {
  return data.made !== 'found' && (data.newestTermBefore === undefined || term <= data.newestTermBefore)
}

/**
 * Whether this tablet, as the former primary, must add the position its term ended at (design.md section 7).
 * Data made since then does not know it.
 */
export function mustAddStart(alias: TabletAlias, record: ShardRecord, data: AuthorityFacts['data']): boolean {
  return record.former === alias && record.start === undefined && !madeAfterTerm(data, record.term - 1)
}
