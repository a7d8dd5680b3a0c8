/**
 * What an answer of an object store, or its absence, means to us: one table for all vendors.
 *
 * Promises  a code of the contract; `details.again` false where the same request can only fail again;
 *           `details.retryAfterMs` where the store said how long to wait; nothing secret in the message.
 */
import { TabletError, isErrno, messageOf } from '../base/errors.ts'
import type { ErrorCode } from '../base/error-catalogue.ts'

/** What the vendor's client made of an answer. */
export interface Refusal {
  /** HTTP status; undefined when none came. */
  readonly status: number | undefined
  /** The store's own word, such as AccessDenied. */
  readonly word: string
  readonly message: string
  /** Value of the header Retry-After. */
  readonly retryAfter?: string | undefined
}

type Meaning = readonly [code: ErrorCode, again: boolean]

/** By the store's own word, which is more exact than its status. */
const WORDS: readonly (readonly [RegExp, Meaning])[] = [
  [/^(?:InsufficientStorage|QuotaExceeded|AccountQuotaExceeded|XMinioStorageFull|XAmzStorageFull|EntityQuotaExceeded)/, ['STORAGE_NO_SPACE', false]],
  [/^(?:AccessDenied|AllAccessDisabled|InvalidAccessKeyId|SignatureDoesNotMatch|ExpiredToken|InvalidToken|TokenRefreshRequired|RequestExpired)/, ['STORAGE_DENIED', false]],
  [/^(?:RequestTimeTooSkewed|Authentication|Authorization|InvalidAuthenticationInfo|InsufficientAccountPermissions|AccountIsDisabled|CredentialsProvider)/, ['STORAGE_DENIED', false]],
  [/^(?:NoSuchBucket|ContainerNotFound|ContainerBeingDeleted|PermanentRedirect|AuthorizationHeaderMalformed)/, ['STORAGE_UNREACHABLE', false]],
  [/^(?:rateLimitExceeded|userRateLimitExceeded)/, ['STORAGE_UNREACHABLE', true]],   // Google's, with status 403
  [/^(?:SlowDown|Throttl|RequestTimeout|ServerBusy|InternalError|OperationTimedOut|ServiceUnavailable|RequestLimitExceeded|OperationAborted)/, ['STORAGE_UNREACHABLE', true]],
]

export function meaningOf({ status, word }: Pick<Refusal, 'status' | 'word'>): Meaning {
  const byWord = WORDS.find(([pattern]) => pattern.test(word))
  if (byWord !== undefined) return byWord[1]
  if (status === undefined) return ['STORAGE_UNREACHABLE', true]
  if (status === 401 || status === 403) return ['STORAGE_DENIED', false]
  if (status === 507) return ['STORAGE_NO_SPACE', false]
  if (status === 408 || status === 429 || status >= 500) return ['STORAGE_UNREACHABLE', status !== 501 && status !== 505]
  return ['STORAGE_FAILED', status < 300]   // a success that cannot be read was cut short on the way
}

/** `doing` as in "write 0 of commerce/0/…". */
export function refusalError(doing: string, refusal: Refusal, cause: unknown): TabletError {
  const [code, again] = meaningOf(refusal)
  const retryAfterMs = parseRetryAfter(refusal.retryAfter, Date.now())
  const said = [refusal.status, refusal.word, refusal.message].filter((part) => part !== undefined && part !== '' && part !== 'Error').join(' ')
  return new TabletError(code, `cannot ${doing}: the storage answered ${said}`, {
    cause,
    details: {
      again, word: refusal.word,
      ...refusal.status === undefined ? {} : { status: refusal.status }, ...retryAfterMs === undefined ? {} : { retryAfterMs },
    },
  })
}

const CERTIFICATE = /^(?:CERT_|ERR_TLS_|DEPTH_ZERO_|SELF_SIGNED|UNABLE_TO_|ERR_SSL_)/

/** A request that got no answer: nobody there, connection cut, or silence. */
export function silenceError(doing: string, cause: unknown): TabletError {
  const errno = cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : ''
  const again = !CERTIFICATE.test(errno) && !isErrno(cause, 'ERR_INVALID_URL')
  return new TabletError('STORAGE_UNREACHABLE', `cannot ${doing}: ${messageOf(cause) || errno || 'no answer'}`, { cause, details: { again } })
}

/** Seconds, or a date of HTTP (RFC 9110 10.2.3). In milliseconds from now, never negative; undefined when it is neither. */
export function parseRetryAfter(value: string | undefined, nowMs: number): number | undefined {
  if (value === undefined || value.trim() === '') return undefined
  if (/^\d{1,9}$/.test(value.trim())) return Number(value) * 1000
  const at = Date.parse(value)
  return Number.isNaN(at) ? undefined : Math.max(0, at - nowMs)
}
