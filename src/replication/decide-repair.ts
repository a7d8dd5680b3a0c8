/**
 * What to do about the replication of a tablet that should follow `source`. Pure; one repair a tick.
 *
 * Owns      the keeper's rules (design.md sections 4 and 7; faults 15 and 20 to 29).
 * Leaves    whom to follow to decide-authority.ts, doing it to repair.ts, whether the tablet serves to health/.
 * Promises  K1  an error of replication is never skipped and never retried away: it is shown, and stays.
 *           K2  nothing is attached, repointed or started without a look at the source in the same tick.
 *           K3  a tablet with errant transactions does not replicate, so it never acknowledges anything.
 *           K4  what an operator stopped stays stopped; a DRAINED tablet keeps its channel and gets none.
 */
import type { ErrorCode } from '../base/error-catalogue.ts'
import { blocker, type Blocker } from '../model/blocker.ts'
import { sameAddress, type MysqlAddress } from '../model/records.ts'
import type { ReplicationStatus } from '../mysqld/mysqld.ts'
import { errantTransactions } from './errant.ts'
import { errantBlocker, judgeSource, type FollowerFacts, type SourceFacts } from './judge-source.ts'

/** The source as seen in this tick, after this server was. */
export type SourceLook =
  | { readonly kind: 'not-looked' }
  | { readonly kind: 'unreachable', readonly why: string }
  | { readonly kind: 'seen', readonly facts: SourceFacts }

export interface RepairFacts {
  /** Where the server to follow listens; undefined while the topology does not say. */
  readonly source: MysqlAddress | undefined
  readonly ours: FollowerFacts
  readonly replication: ReplicationStatus | undefined
  readonly look: SourceLook
  readonly drained: boolean
  readonly stoppedByOperator: boolean
  /** How long the receiver has been connecting since it was last started; 0 when it is not. */
  readonly connectingForMs: number
}

/** A receiver that connects for longer than this is looked into. */
export const CONNECTING_LIMIT_MS = 10_000

const SET_AGAIN = 'the primary refused the password of the channel; set it again'

export type Repair =
  | { readonly do: 'nothing', readonly sentence: string }
  /** Look at the source, then decide again. */
  | { readonly do: 'look', readonly sentence: string }
  /** There is no channel: make one. */
  | { readonly do: 'attach', readonly to: MysqlAddress, readonly sentence: string }
  | { readonly do: 'repoint', readonly to: MysqlAddress, readonly sentence: string }
  | { readonly do: 'start', readonly sentence: string }
  | { readonly do: 'stop', readonly blocker: Blocker, readonly sentence: string }
  | { readonly do: 'wait', readonly blocker: Blocker, readonly sentence: string }

export function decideRepair(facts: RepairFacts): Repair {
  const { source, replication, drained, stoppedByOperator } = facts
  const errant = decideErrant(facts)
  if (errant !== undefined) return errant
  if (replication === undefined) {
    if (drained) return { do: 'nothing', sentence: 'drained and without a channel: nothing is attached' }
    return source === undefined ? waitForAddress() : verified(facts, { do: 'attach', to: source, sentence: `attached to ${text(source)}` })
  }
  if (stoppedByOperator && isStopped(replication)) return wait(blocker('replication-stopped-by-operator'))
  if (source === undefined) return decideRunning(facts, replication) ?? waitForAddress()
  if (!sameAddress(replication.source, source) || !replication.autoPosition) {
    return verified(facts, { do: 'repoint', to: source, sentence: `the primary is ${text(source)}; now replicating from there` })
  }
  return decideRunning(facts, replication) ?? verified(facts, decideStart(source, replication))
}

/** K3. Also while everything runs, whenever the source was looked at. */
function decideErrant({ look, ours, replication }: RepairFacts): Repair | undefined {
  if (look.kind !== 'seen' || look.facts.flavor !== ours.flavor) return undefined
  const errant = errantTransactions(ours, look.facts)
  if (errant === '') return undefined
  const why = errantBlocker(errant)
  const runs = replication !== undefined && (replication.io !== 'stopped' || replication.sql !== 'stopped')
  return runs ? { do: 'stop', blocker: why, sentence: `${why.message}; stopped replication` } : wait(why)
}

/** What to do about the channel as it is; undefined: it is stopped and may be started. */
function decideRunning(facts: RepairFacts, status: ReplicationStatus): Repair | undefined {
  const error = errorOf(status)
  if (error !== undefined) return wait(error)
  if (isStopped(status)) return undefined
  return status.io === 'connecting' ? decideConnecting(facts, status) : { do: 'nothing', sentence: 'replication runs' }
}

function decideStart(source: MysqlAddress, { ioErrorNumber }: ReplicationStatus): Repair {
  if (isRefusedLogin(ioErrorNumber)) return { do: 'repoint', to: source, sentence: SET_AGAIN }
  return ioErrorNumber === 0
    ? { do: 'start', sentence: 'replication was stopped without an error; started it' }
    : { do: 'start', sentence: `replication had given up connecting (error ${ioErrorNumber}); started it` }
}

function decideConnecting(facts: RepairFacts, status: ReplicationStatus): Repair {
  const why = blocker('replication-connecting', {
    message: `replication is not connected to ${text(status.source)}${status.ioError === '' ? '' : `: ${status.ioErrorNumber} ${status.ioError}`}`,
  })
  if (facts.connectingForMs < CONNECTING_LIMIT_MS || facts.source === undefined) return wait(why)
  switch (facts.look.kind) {
    case 'not-looked': return { do: 'look', sentence: why.message }
    case 'unreachable': return wait({ ...why, message: `${why.message}; the primary does not answer us either: ${facts.look.why}` })
    case 'seen': break
  }
  // we can log in there and the channel cannot: it remembers a password or an address that is no longer right
  return isRefusedLogin(status.ioErrorNumber)
    ? verified(facts, { do: 'repoint', to: facts.source, sentence: SET_AGAIN })
    : wait(why)
}

/** K2: `repair` if the source was seen and may be followed. */
function verified({ look, ours }: RepairFacts, repair: Repair): Repair {
  switch (look.kind) {
    case 'not-looked':
      return { do: 'look', sentence: 'looking at the primary before replication is changed' }
    case 'unreachable':
      return wait(blocker('source-unverified', { code: 'SOURCE_UNVERIFIED', message: `the primary cannot be confirmed: ${look.why}` }))
    case 'seen': {
      const against = judgeSource(ours, look.facts)
      return against === undefined ? repair : wait(against)
    }
  }
}

/** K1. Trouble with the connection is none of them: it goes away, and only then must somebody start the receiver again. */
function errorOf(status: ReplicationStatus): Blocker | undefined {
  if (status.io === 'stopped' && status.ioErrorNumber !== 0 && !isConnectionError(status.ioErrorNumber)) return ioErrorBlocker(status)
  if (status.sql === 'stopped' && status.sqlErrorNumber !== 0) {
    return broken('REPLICATION_BROKEN', `replication stopped applying with error ${status.sqlErrorNumber}: ${status.sqlError}`)
  }
  return undefined
}

/** MySQL 1236 and 13114, MariaDB 1236, both 1789: the text says what is missing. */
const PURGED = /purged|could not find gtid state/i

function ioErrorBlocker({ ioErrorNumber, ioError }: ReplicationStatus): Blocker {
  const said = `replication stopped receiving with error ${ioErrorNumber}: ${ioError}`
  if (!PURGED.test(ioError)) return broken('REPLICATION_BROKEN', said)
  return blocker('needs-backup', { code: 'NEEDS_BACKUP', message: `the primary no longer has the binary logs this tablet needs; restore it from a backup (${said})` })
}

const broken = (code: ErrorCode, message: string): Blocker => blocker('replication-error', { code, message })

/**
 * The receiver gives up connecting after SOURCE_RETRY_COUNT tries, since MySQL 8.4 only 10: a primary that was away for
 * two minutes would leave every replica stopped. Client errors (2000 and up) and what a server says when it is full,
 * stopping or refusing the host.
 */
const isConnectionError = (number: number): boolean =>
  (number >= 2000 && number < 3000) || isRefusedLogin(number) || [1040, 1053, 1129, 1130, 1158, 1159, 1160, 1161].includes(number)

/** 1045 and 1698: access denied; 2061: caching_sha2_password wants a secure connection or the key. */
const isRefusedLogin = (number: number): boolean => [1045, 1698, 2061].includes(number)

const isStopped = (status: ReplicationStatus): boolean => status.io === 'stopped' || status.sql === 'stopped'
const wait = (why: Blocker): Repair => ({ do: 'wait', blocker: why, sentence: why.message })
const waitForAddress = (): Repair =>
  wait(blocker('source-unverified', { code: 'SOURCE_UNVERIFIED', message: 'the topology does not say where the primary listens' }))
const text = (address: MysqlAddress): string => `${address.host}:${address.port}`
