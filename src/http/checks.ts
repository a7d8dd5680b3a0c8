/**
 * The checks that readiness is made of: each blocker belongs to one, and may leave others in doubt.
 * For `?verbose` and `/readyz/<check>`. Pure.
 */
import type { Blocker, BlockerName } from '../model/blocker.ts'

/** Every check, with what it is true of; docs/http.md lists them. */
export const CHECKS = {
  'daemon': 'the daemon has looked at its tablet lately, and is not shutting down',
  'query': 'the probe itself can be read',
  'type': 'the tablet is of the type, and carries the tags, that are asked for; nobody has drained it',
  'operation': 'no backup or restore keeps it out of service',
  'mysqld': 'mysqld runs, answers, and is set up as tabletd needs it',
  'topology': 'the shard record names a primary, and what it says of this tablet can be done',
  'data': 'there is a database, and no transaction that the primary never had',
  'replication': 'replication runs, from the recorded primary',
  'lag': 'how far it lags is known, and not too far',
  'read-only': 'a primary is writable, and nobody else is',
} as const satisfies Readonly<Record<string, string>>
export type CheckName = keyof typeof CHECKS

export const isCheckName = (name: string): name is CheckName => Object.hasOwn(CHECKS, name)

const CHECK_OF = {
  'starting': 'daemon', 'snapshot-too-old': 'daemon', 'daemon-stopping': 'daemon',
  'bad-query': 'query',
  'wrong-type': 'type', 'wrong-tag': 'type', 'drained': 'type',
  'backing-up': 'operation', 'restoring': 'operation', 'waiting-for-backup': 'operation', 'operation-failed': 'operation',
  'mysqld-down': 'mysqld', 'mysqld-silent': 'mysqld', 'server-unfit': 'mysqld', 'disk-stalled': 'mysqld',
  'no-shard-primary': 'topology', 'topology-unreachable': 'topology', 'shard-record-lost': 'topology',
  'named-primary-without-data': 'topology', 'named-primary-behind': 'topology', 'term-without-start': 'topology',
  'no-database': 'data', 'errant-transactions': 'data', 'needs-backup': 'data',
  'replication-not-running': 'replication', 'replication-connecting': 'replication', 'replication-error': 'replication',
  'replication-stopped-by-operator': 'replication', 'source-unverified': 'replication', 'recovering': 'replication',
  'lag-unknown': 'lag', 'lag-too-high': 'lag',
  'not-read-only': 'read-only', 'not-writable': 'read-only', 'blocked-on-semi-sync': 'read-only',
} as const satisfies Readonly<Record<BlockerName, CheckName>>

export interface CheckResult {
  readonly ok: boolean
  /** Names of the reasons that speak against it. */
  readonly blockers: readonly BlockerName[]
}

/** `reasons` by check, every check named. */
export function resultsOf(reasons: readonly Blocker[]): Readonly<Partial<Record<CheckName, CheckResult>>> {
  return Object.fromEntries(Object.keys(CHECKS).filter(isCheckName).map((check): [string, CheckResult] => {
    const blockers = [...new Set(reasons.map(({ name }) => name).filter((name) => speaksAgainst(name, check)))]
    return [check, { ok: blockers.length === 0, blockers }]
  }))
}

const ONLY_SEEN_IN_MYSQLD: readonly CheckName[] = ['data', 'replication', 'lag', 'read-only']

/** What of its own check leaves these in doubt too: nobody looked, or what was seen is of another time. */
const CLOUDS: Readonly<Partial<Record<BlockerName, readonly CheckName[]>>> = {
  'mysqld-down': ONLY_SEEN_IN_MYSQLD, 'mysqld-silent': ONLY_SEEN_IN_MYSQLD, 'operation-failed': ONLY_SEEN_IN_MYSQLD,
  'restoring': ONLY_SEEN_IN_MYSQLD, 'backing-up': ONLY_SEEN_IN_MYSQLD, 'waiting-for-backup': ONLY_SEEN_IN_MYSQLD,
  'replication-not-running': ['lag'], 'replication-connecting': ['lag'], 'replication-error': ['lag'], 'replication-stopped-by-operator': ['lag'],
}

const speaksAgainst = (name: BlockerName, check: CheckName): boolean =>
  CHECK_OF[name] === check || CLOUDS[name]?.includes(check) === true

/**
 * What of `reasons` speaks against `check`. A daemon that has not looked lately, or a query that cannot be read, leaves
 * every check in doubt, and doubt is no.
 */
export function reasonsAgainst(check: CheckName, reasons: readonly Blocker[]): readonly Blocker[] {
  return reasons.filter(({ name }) => speaksAgainst(name, check) || DOUBT.has(name))
}

const DOUBT: ReadonlySet<BlockerName> = new Set(['starting', 'snapshot-too-old', 'bad-query'])
