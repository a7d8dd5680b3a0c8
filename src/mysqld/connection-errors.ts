/**
 * What the driver and the server report, as errors of the catalogue. Pure.
 *
 * The driver's error is never kept as cause: it carries the whole statement, and a statement may hold a password.
 * Error numbers: https://dev.mysql.com/doc/mysql-errors/9.0/en/server-error-reference.html
 */
import type { ErrorCode } from '../base/error-catalogue.ts'
import { TabletError } from '../base/errors.ts'
import type { Statement, Target } from './sql-types.ts'

/** What this module reads of the driver's error. */
export interface DriverError {
  readonly message: string
  readonly code?: string | undefined
  readonly errno?: number | undefined
}

/** The connection was refused or lost: no server, or one that goes down (1053) or is full (1040, 1203). */
const UNREACHABLE_CODES: ReadonlySet<string> = new Set([
  'ENOENT', 'ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH', 'ENOTFOUND', 'EAI_AGAIN',
  'ENOTSOCK', 'EACCES', 'PROTOCOL_CONNECTION_LOST', 'HANDSHAKE_NO_SSL_SUPPORT', 'HANDSHAKE_SSL_ERROR',
])
const UNREACHABLE: ReadonlySet<number> = new Set([1040, 1053, 1077, 1079, 1203, 3169, 1927])

/**
 * The account may not: wrong password (1045, 1698), host not allowed (1129, 1130), database (1044), table (1142),
 * privilege (1227), expired or locked (1820, 1862, 3118, 4151), TLS wanted (3159), closed to it (3032).
 */
const DENIED: ReadonlySet<number> = new Set([1044, 1045, 1129, 1130, 1142, 1227, 1698, 1820, 1862, 3032, 3118, 3159, 4151])

export function codeOf(error: DriverError): ErrorCode {
  if (error.errno !== undefined && DENIED.has(error.errno)) return 'MYSQLD_ACCESS_DENIED'
  if (error.errno !== undefined && UNREACHABLE.has(error.errno)) return 'MYSQLD_UNREACHABLE'
  return UNREACHABLE_CODES.has(error.code ?? '') ? 'MYSQLD_UNREACHABLE' : 'QUERY_FAILED'
}

export function connectError(error: DriverError, target: Target): TabletError {
  const where = target.kind === 'socket' ? target.path : `${target.address.host}:${target.address.port}`
  const code = codeOf(error)
  return new TabletError(code === 'QUERY_FAILED' ? 'MYSQLD_UNREACHABLE' : code,
    `cannot connect to mysqld at ${where}: ${error.message || (error.code ?? 'no reason given')}`, { details: detailsOf(error) })
}

export function statementError(error: DriverError, statement: Statement): TabletError {
  return new TabletError(codeOf(error), withoutSecrets(error, statement), { details: detailsOf(error) })
}

/** True for the answer of a server without TLS to a client that asked for it. */
export const isWithoutTls = (error: unknown): boolean =>
  error instanceof TabletError && error.details['driverCode'] === 'HANDSHAKE_NO_SSL_SUPPORT'

/** The server's error number, where the failure was the server's answer. */
export const errnoOf = (error: unknown): number | undefined =>
  error instanceof TabletError && typeof error.details['errno'] === 'number' ? error.details['errno'] : undefined

const ER_PARSE_ERROR = 1064

function withoutSecrets(error: DriverError, statement: Statement): string {
  const secrets = (statement.secrets ?? []).filter((secret) => secret !== '')
  // a syntax error quotes the statement from where it stopped making sense, in whatever spelling
  if (secrets.length > 0 && error.errno === ER_PARSE_ERROR) return 'mysqld cannot parse a statement whose text is withheld'
  return secrets.reduce((message, secret) => message.replaceAll(secret, '***'), error.message)
}

function detailsOf(error: DriverError): Record<string, unknown> {
  return {
    ...error.errno !== undefined && error.errno > 0 && { errno: error.errno },
    ...error.code !== undefined && { driverCode: error.code },
  }
}
