/** Named reasons why a tablet does not serve. Healthy means that the list of blockers is empty. */
import type { ErrorCode } from '../base/error-catalogue.ts'

/** Every reason, with what an operator reads in a probe's body. docs/tablet-state.md lists them. */
export const BLOCKERS = {
  'starting': 'the daemon has started and has not finished looking at its tablet',
  'snapshot-too-old': 'the last look at this tablet is too long ago to be believed',
  'mysqld-down': 'mysqld does not run',
  'mysqld-silent': 'mysqld runs but does not answer',
  'server-unfit': 'the server is not set up as tabletd needs it; see the code',
  'no-shard-primary': 'the shard record names no primary yet; name one with `tabletctl init-shard-primary`',
  'topology-unreachable': 'the topology cannot be read, and this tablet may not act on what it remembers',
  'shard-record-lost': 'the topology holds no record of this shard any more, though this tablet has read one; write it again with `tabletctl init-shard-primary --force`',
  'named-primary-without-data': 'the shard record names this tablet, but its data was made after that term began; name another tablet, or this one again',
  'named-primary-behind': 'the shard record names this tablet, but it does not hold every transaction the term starts from',
  'term-without-start': 'a reparent is under way; the former primary has not yet said where its term ended',
  'no-database': 'no schema exists yet (init-db-name-override, or any that is not a system schema)',
  'replication-not-running': 'replication is not running',
  'replication-connecting': 'replication is not connected to its source',
  'replication-error': 'replication stopped with an error',
  'replication-stopped-by-operator': 'replication was stopped by an operator; start it when wanted',
  'lag-unknown': 'how far replication lags is not known yet',
  'lag-too-high': 'replication lags more than unhealthy-threshold',
  'recovering': 'healthy again, and watched for recovery-hold before it serves',
  'errant-transactions': 'this tablet holds transactions that its primary never had',
  'needs-backup': 'this tablet is empty and its primary no longer has its whole history; it waits for a backup',
  'source-unverified': 'the recorded primary could not be confirmed, so nothing is attached to it',
  'not-read-only': 'this tablet is writable although it is not the recorded primary',
  'not-writable': 'the recorded primary is not writable yet',
  'blocked-on-semi-sync': 'commits wait for a semi-sync acknowledgement that no replica gives',
  'disk-stalled': 'a disk takes no writes any more',
  'backing-up': 'an engine that stops mysqld is taking a backup',
  'restoring': 'a backup is being restored',
  'waiting-for-backup': 'no backup to restore yet; looking again at the time given',
  'drained': 'an operator took this tablet out of service',
  'operation-failed': 'the last try failed; see its code, and the time of the next try',
  'daemon-stopping': 'the daemon is shutting down',
  'wrong-type': 'the tablet is not of the type that was asked for',
  'wrong-tag': 'the tablet does not carry the tag that was asked for',
  'bad-query': 'the query or the URL of this probe cannot be read, so nothing is promised',
} as const satisfies Readonly<Record<string, string>>
export type BlockerName = keyof typeof BLOCKERS

export interface Blocker {
  readonly name: BlockerName
  /** One sentence with the values seen. */
  readonly message: string
  /** The catalogue's code, where an error is the reason. */
  readonly code?: ErrorCode
  /** RFC 3339: when it will be tried again by itself. */
  readonly nextTry?: string
}

export const blocker = (name: BlockerName, more: Partial<Omit<Blocker, 'name'>> = {}): Blocker =>
  ({ name, message: BLOCKERS[name], ...more })
