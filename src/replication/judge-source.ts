/**
 * Whether a server may be followed, from what it says of itself. Pure.
 *
 * A record can name a server that is gone, was demoted since, or belongs to another history. Nothing is attached on
 * the record's word alone (design.md section 7): the source must be writable, hold everything we hold, and still
 * have what we lack.
 */
import type { ErrorCode } from '../base/error-catalogue.ts'
import type { ActionContext } from '../base/action.ts'
import { blocker, type Blocker, type BlockerName } from '../model/blocker.ts'
import type { Flavor, GtidSet } from '../model/gtid-set.ts'
import { parseBinlogState, positionOf } from '../model/mariadb-gtid-set.ts'
import type { MysqlAddress } from '../model/records.ts'
import type { SemiSyncFacts } from '../mysqld/mysqld.ts'
import { errantTransactions, type History } from './errant.ts'

/** A server as it was seen over the network, under the replication account. */
export interface SourceFacts extends History {
  readonly flavor: Flavor
  /** '' on MariaDB. */
  readonly serverUuid: string
  readonly serverId: number
  readonly readOnly: boolean
  readonly purged: GtidSet
  /** Whether its binary logs reach back to when it was empty; undefined: our account may not look. */
  readonly historyWhole: boolean | undefined
  /** Its clock minus ours, in seconds, where they surely differ. */
  readonly clockAheadSeconds?: number | undefined
  /** Its source side; undefined: not looked at. */
  readonly semiSync?: Pick<SemiSyncFacts, 'sourceEnabled' | 'acknowledgingReplicas'>
}

/** Connects and looks, within a few seconds. Rejects when it cannot. */
export type LookAtSource = (address: MysqlAddress, ctx: ActionContext) => Promise<SourceFacts>

/** What must be known of this server to judge another one for it. */
export interface FollowerFacts extends History {
  readonly flavor: Flavor
  readonly serverUuid: string
  readonly serverId: number
  readonly userSchemas: readonly string[]
  /** A channel is configured: data may arrive between the reading of the position and of the schemas. */
  readonly hasChannel: boolean
}

/** Why `ours` must not follow `source`, most serious first; undefined when it may. */
export function judgeSource(ours: FollowerFacts, source: SourceFacts): Blocker | undefined {
  if (source.flavor !== ours.flavor) return refusal('source-unverified', `it is a ${source.flavor} server, this one ${ours.flavor}`)
  if (isSameServer(ours, source)) return refusal('source-unverified', 'the address of the recorded primary leads to this very server')
  const errant = errantTransactions(ours, source)
  if (errant !== '') return errantBlocker(errant)
  if (source.serverId === ours.serverId) {
    return refusal('source-unverified', `it has this tablet's server_id ${ours.serverId}`, 'SERVER_ID_CLASH')
  }
  const dropped = droppedAsOurOwn(ours, source)
  if (dropped !== '') {
    return refusal('source-unverified', `it holds ${dropped}, written under this tablet's server_id, which replication drops as its own`, 'SERVER_ID_CLASH')
  }
  if (source.readOnly) return refusal('source-unverified', 'it is read-only, so it is not the primary yet or no longer')
  return judgeHistory(ours, source)
}

function judgeHistory(ours: FollowerFacts, source: SourceFacts): Blocker | undefined {
  if (!ours.executed.contains(source.purged)) {
    const missing = source.purged.subtract(ours.executed).toString()
    return refusal('needs-backup', `its binary logs no longer hold ${missing}, which this tablet lacks`)
  }
  if (!ours.executed.isEmpty()) return undefined
  // without a position everything would be replayed: right for an empty server and a whole history only
  if (ours.userSchemas.length > 0 && !ours.hasChannel) return refusal('needs-backup', `this tablet holds ${ours.userSchemas.join(', ')} but no position in any history`)
  if (source.historyWhole === true) return undefined
  return source.historyWhole === false
    ? refusal('needs-backup', 'its binary logs do not reach back to when it was empty, and this tablet is empty')
    : refusal('source-unverified', 'this tablet is empty, and the replication account may not see whether its binary logs are whole')
}

/**
 * What the source holds under our server_id and we lack: a receiver drops it without a word (tried). Only MariaDB's
 * transactions tell their server; on MySQL a number of its own for each data directory has to do.
 */
function droppedAsOurOwn(ours: FollowerFacts, source: SourceFacts): string {
  if (source.binlogState === undefined || ours.flavor !== 'mariadb') return ''
  const own = positionOf(parseBinlogState(source.binlogState).filter(({ server }) => server === ours.serverId))
  return own.subtract(ours.executed).toString()
}

// an account copied by a restore keeps no uuid: two servers of one uuid are one server, whatever their addresses
const isSameServer = (ours: FollowerFacts, source: SourceFacts): boolean => ours.serverUuid !== '' && ours.serverUuid === source.serverUuid

export const errantBlocker = (errant: string): Blocker => blocker('errant-transactions', {
  code: 'ERRANT_TRANSACTIONS', message: `this tablet holds transactions that its primary never had: ${errant}`,
})

const CODE_OF: { readonly [N in BlockerName]?: ErrorCode } = { 'source-unverified': 'SOURCE_UNVERIFIED', 'needs-backup': 'NEEDS_BACKUP' }

function refusal(name: 'source-unverified' | 'needs-backup', why: string, code = CODE_OF[name]): Blocker {
  return blocker(name, { message: `the primary cannot be followed: ${why}`, ...code !== undefined && { code } })
}
