/**
 * What shows how far replication is behind beside the server's own status: heartbeats, and the commit times of MySQL.
 *
 * Owns      sessions of its own: what a primary writes must reach the replicas, while everything else that tabletd does
 *           stays out of the binary log.
 * Promises  B1  nothing is written while the server is read-only, whatever our account may do.
 *           B2  one row a shard: the table does not grow.
 *           B3  an aborted write has ended on the server, or its connection has, when its caller hears of it.
 */
import type { ActionContext } from '../base/action.ts'
import { errnoOf } from './connection-errors.ts'
import {
  beginBeat, createHeartbeatTable, isWritable, oldestInHand, readBeat, writeBeat, type Beat,
} from './dialects/heartbeat.ts'
import { SessionPool, type Session } from './session-pool.ts'
import type { OpenMysqldOptions } from './sql-mysqld.ts'
import type { Row } from './sql-types.ts'

export interface ReadBeat {
  readonly tablet: string
  readonly term: number
  /** By this server's clock against the writer's; negative where this one is behind. */
  readonly ageSeconds: number
}

export interface LagEvidence {
  /** undefined: no primary of this shard has ever written one, or none was asked for. */
  readonly beat: ReadBeat | undefined
  /** Since the oldest transaction that is being applied was committed on its primary; undefined: nothing in hand, or MariaDB. */
  readonly inHandSeconds: number | undefined
}

/** Failures are TabletErrors: MYSQLD_UNREACHABLE, MYSQLD_ACCESS_DENIED, QUERY_TIMEOUT, QUERY_FAILED. */
export interface Heartbeats extends AsyncDisposable {
  /** Writes the primary's row, and makes the table where it is missing. False: the server is read-only, and was left alone. */
  write(beat: Beat, ctx: ActionContext): Promise<boolean>
  /** `shard`: keyspace/shard whose heartbeat is wanted; undefined: none. */
  read(shard: string | undefined, ctx: ActionContext): Promise<LagEvidence>
}

/** Under semi-sync a commit may wait for its acknowledgement. */
const WRITE_MS = 10_000
const READ_MS = 2_000

const ER_BAD_DB = 1049
const ER_UNKNOWN_SYSTEM_VARIABLE = 1193
const ER_NO_SUCH_TABLE = 1146
const ER_OPTION_PREVENTS_STATEMENT = 1290

/** Connects on first use. */
export function openHeartbeats(options: Pick<OpenMysqldOptions, 'socket' | 'user' | 'password'>): Heartbeats {
  const { user } = options
  const pool = new SessionPool({
    target: () => ({ kind: 'socket', path: options.socket() }), unlogged: false,
    credentials: { user, get password() { return options.password } },
  })
  return {
    write: (beat, ctx) => pool.run({ doing: 'write the heartbeat', timeoutMs: WRITE_MS }, (session) => write(session, beat), ctx),
    read: (shard, ctx) => pool.run({ doing: 'read the heartbeat', timeoutMs: READ_MS }, (session) => read(session, shard), ctx),
    [Symbol.asyncDispose]: () => pool[Symbol.asyncDispose](),
  }
}

async function write(session: Session, beat: Beat): Promise<boolean> {
  // MySQL has deprecated it; where it is gone, rows are all there is
  await session.query(beginBeat).catch(unless(ER_UNKNOWN_SYSTEM_VARIABLE))
  try {
    await session.query(writeBeat(beat)).catch(async (error: unknown) => {
      if (!isMissing(error)) throw error
      if (await isWritableIn(session)) for (const statement of createHeartbeatTable) await session.query(statement)
      await session.query(writeBeat(beat))
    })
    return await isWritableIn(session)
  } catch (error) {
    const readOnly = errnoOf(error) === ER_OPTION_PREVENTS_STATEMENT || (isMissing(error) && !await isWritableIn(session))
    if (!readOnly) throw error
    return false
  }
}

async function isWritableIn(session: Session): Promise<boolean> {
  const [row] = await session.query(isWritable)
  return row?.['writable'] === '1'
}

async function read(session: Session, shard: string | undefined): Promise<LagEvidence> {
  const [beat] = shard === undefined ? [] : await session.query(readBeat(shard)).catch((error: unknown): readonly Row[] => {
    if (isMissing(error)) return []
    throw error
  })
  const [inHand] = session.dialect.flavor === 'mysql' ? await session.query(oldestInHand) : []
  return {
    beat: beat === undefined ? undefined : { tablet: beat['tablet'] ?? '', term: Number(beat['term']), ageSeconds: Number(beat['age_us']) / 1e6 },
    inHandSeconds: inHand?.['age_us'] === undefined || inHand['age_us'] === null ? undefined : Number(inHand['age_us']) / 1e6,
  }
}

const isMissing = (error: unknown): boolean => [ER_BAD_DB, ER_NO_SUCH_TABLE].includes(errnoOf(error) ?? 0)

const unless = (errno: number) => (error: unknown): void => {
  if (errnoOf(error) !== errno) throw error
}
