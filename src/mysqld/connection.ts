/**
 * One connection to a mysqld: the only door to the mysql2 package.
 *
 * Promises  every value is text or null, so no BIGINT is ever rounded.
 *           connecting and every statement end when the signal aborts; what was aborted is destroyed, never used again.
 *           neither the error nor its cause holds the statement (it may hold a password).
 * Leaves    cancelling the statement on the server to session-pool.ts.
 */
import { createConnection, type Connection, type ConnectionOptions, type QueryError } from 'mysql2'
import { connectError, isWithoutTls, statementError } from './connection-errors.ts'
import type { Credentials, Row, Statement, Target } from './sql-types.ts'

export interface SqlConnection {
  /** False as soon as the server or we closed it. */
  readonly alive: boolean
  readonly encrypted: boolean
  /** Rows; empty for a statement without a result. Not cancelled by anything but `destroy`. */
  query(statement: Statement): Promise<readonly Row[]>
  /** Drops the socket at once. Pending statements reject MYSQLD_UNREACHABLE. */
  destroy(): void
}

/**
 * A logged-in connection.
 *
 * @throws TabletError MYSQLD_UNREACHABLE, MYSQLD_ACCESS_DENIED, QUERY_FAILED; the signal's reason when it aborts first.
 */
export async function connect(target: Target, credentials: Credentials, signal: AbortSignal): Promise<SqlConnection> {
  const { user, password } = credentials
  if (target.kind === 'socket') return open({ user, password, socketPath: target.path }, target, signal)
  const where: ConnectionOptions = { user, password, host: target.address.host, port: target.address.port }
  if (target.ssl === 'disabled') return open(where, target, signal)
  try {
    return await open({ ...where, ssl: { rejectUnauthorized: false } }, target, signal)
  } catch (error) {
    if (target.ssl === 'required' || !isWithoutTls(error)) throw error
    return open(where, target, signal)
  }
}

function open(options: ConnectionOptions, target: Target, signal: AbortSignal): Promise<SqlConnection> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) { reject(signal.reason as Error); return }
    const raw = createConnection({
      ...options,
      charset: 'utf8mb4',
      connectTimeout: 0,        // the signal is the deadline
      disableEval: true,        // column names come from a server that may not be ours
      connectAttributes: { program_name: 'tabletd' },
      typeCast: (field) => field.string(),
    })
    let settled = false
    const settle = (finish: () => void): void => {
      if (settled) return
      settled = true
      signal.removeEventListener('abort', onAbort)
      finish()
    }
    const fail = (error: Error): void => { settle(() => { raw.destroy(); reject(error) }) }
    const onAbort = (): void => { fail(signal.reason as Error) }
    signal.addEventListener('abort', onAbort, { once: true })
    raw.on('error', (error: QueryError) => { fail(connectError(error, target)) })
    raw.connect((error) => {
      if (error) fail(connectError(error, target))
      else settle(() => { resolve(wrap(raw, options.ssl !== undefined)) })
    })
  })
}

function wrap(raw: Connection, encrypted: boolean): SqlConnection {
  let alive = true
  const pending = new Set<(error: Error) => void>()
  const lost = (): void => {
    alive = false
    for (const reject of pending) reject(lostError())
    pending.clear()
  }
  raw.on('error', lost)
  raw.on('end', lost)
  return {
    get alive() { return alive },
    encrypted,
    query: (statement) => new Promise((resolve, reject) => {
      if (!alive) { reject(lostError()); return }
      pending.add(reject)
      raw.query(statement.text, (error: QueryError | null, rows: unknown) => {
        pending.delete(reject)
        if (error?.fatal === true) lost()   // then the driver says it here and emits nothing
        if (error) reject(statementError(error, statement))
        else resolve(Array.isArray(rows) ? rows as Row[] : [])
      })
    }),
    destroy: () => { raw.destroy(); lost() },
  }
}

const lostError = (): Error => statementError({ code: 'PROTOCOL_CONNECTION_LOST', message: 'the connection was lost' }, { text: '' })
