/**
 * A look at another tablet's mysqld over TCP, before attaching to it (design.md section 7: a candidate source is
 * verified). Only reads, and only what the replication account may read.
 */
import type { ActionContext } from '../base/action.ts'
import { hasCode } from '../base/errors.ts'
import type { GtidSet } from '../model/gtid-set.ts'
import type { MysqlAddress } from '../model/records.ts'
import type { Credentials, SslMode } from './sql-types.ts'
import { gtidFactsOf } from './gtid-facts.ts'
import { readClock } from './dialects/heartbeat.ts'
import { showStatus } from './dialects/common.ts'
import type { SemiSyncFacts, ServerIdentity } from './mysqld.ts'
import { STATUS, identityOf, isOn, semiSyncOf, variablesOf } from './server-variables.ts'
import { SessionPool, type Session } from './session-pool.ts'
import { historyIn, variablesIn } from './sql-observe.ts'

export interface RemoteMysqld extends AsyncDisposable {
  readonly address: MysqlAddress
  /** @throws TabletError MYSQLD_UNREACHABLE, MYSQLD_ACCESS_DENIED, QUERY_TIMEOUT, QUERY_FAILED, MYSQLD_UNSUPPORTED. */
  look(ctx: ActionContext): Promise<RemoteFacts>
}

export interface RemoteFacts extends Pick<ServerIdentity, 'flavor' | 'version' | 'serverUuid' | 'serverId'> {
  readonly readOnly: boolean
  readonly superReadOnly: boolean
  /** What its binary log holds: gtid_executed; MariaDB: gtid_binlog_pos. */
  readonly executed: GtidSet
  readonly purged: GtidSet
  /** MariaDB only. */
  readonly binlogState: string | undefined
  /** undefined: the account may not look (MariaDB: BINLOG MONITOR), which is doubt. */
  readonly historyWhole: boolean | undefined
  readonly encrypted: boolean
  readonly semiSync: SemiSyncFacts
  /** Its clock minus ours, in seconds; undefined where they may be equal. */
  readonly clockAheadSeconds: number | undefined
}

export interface RemoteOptions extends Credentials {
  readonly ssl: SslMode
  /** Deadline of a look, connecting included. Default 5000. */
  readonly queryTimeoutMs?: number
}

/** Connects on first use. */
export function openRemoteMysqld(address: MysqlAddress, options: RemoteOptions): RemoteMysqld {
  const { user, password, ssl, queryTimeoutMs = 5000 } = options
  const pool = new SessionPool({ target: () => ({ kind: 'tcp', address, ssl }), credentials: { user, password }, unlogged: false })
  const doing = `look at mysqld of ${address.host}:${address.port}`
  return {
    address,
    look: (ctx) => pool.run({ doing, timeoutMs: queryTimeoutMs }, async (session) => {
      const { flavor, gtids } = session.dialect
      const variables = await variablesIn(session)
      const { version, serverUuid, serverId } = identityOf(flavor, session.versionText, session.versionComment, variables)
      const [row] = await session.query(gtids)
      const historyWhole = await historyIn(session, row, isOn(variables, 'log_bin')).catch((error: unknown) => {
        if (hasCode(error, 'MYSQLD_ACCESS_DENIED')) return undefined
        throw error
      })
      return {
        flavor, version, serverUuid, serverId,
        readOnly: isOn(variables, 'read_only'),
        superReadOnly: isOn(variables, session.dialect.hasSuperReadOnly ? 'super_read_only' : 'read_only'),
        ...gtidFactsOf(flavor, row, false),
        historyWhole,
        encrypted: session.encrypted,
        semiSync: semiSyncOf(variables, variablesOf(await session.query(showStatus(STATUS)))),
        clockAheadSeconds: await clockAhead(session),
      }
    }, ctx),
    [Symbol.asyncDispose]: () => pool[Symbol.asyncDispose](),
  }
}

/** What an answer on the way adds to a difference of clocks, beside its own duration: scheduling on a loaded machine. */
const UNSURE_MS = 100

async function clockAhead(session: Session): Promise<number | undefined> {
  const asked = Date.now()
  const [row] = await session.query(readClock)
  return clockDifference(asked, Number(row?.['now_us']) / 1000, Date.now())
}

/** Milliseconds since the epoch: our clock, theirs at some moment in between, ours. Pure. */
export function clockDifference(askedMs: number, theirsMs: number, answeredMs: number): number | undefined {
  const aheadMs = theirsMs - (askedMs + answeredMs) / 2
  const unsureMs = (answeredMs - askedMs) / 2 + UNSURE_MS
  return Math.abs(aheadMs) > unsureMs ? aheadMs / 1000 : undefined
}
