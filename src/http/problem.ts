/** Errors as RFC 9457 says them: problem+json with code and hint. Unknown errors show nothing of their inside. */
import { TabletError } from '../base/errors.ts'

export interface Problem {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly code: string
  readonly hint: string
  readonly retryable: boolean
  readonly details?: Readonly<Record<string, unknown>>
}

export function problemOf(error: TabletError): Problem {
  const { http: status, hint, retryable } = error.row
  return {
    type: `urn:tabletd:error:${error.code}`, title: error.code.toLowerCase().replaceAll('_', ' '), status,
    detail: error.code === 'INTERNAL' ? 'an unexpected error; the log of the daemon has it' : error.message,
    code: error.code, hint, retryable,
    ...Object.keys(error.details).length === 0 ? {} : { details: error.details },
  }
}

/** What fastify throws, under our codes: its `statusCode` tells the kind, its text what was wrong with the request. */
export function fromFrameworkError(error: unknown): TabletError {
  if (error instanceof TabletError) return error
  if (error instanceof Error && 'statusCode' in error && typeof error.statusCode === 'number') {
    if (error.statusCode === 415) return new TabletError('UNSUPPORTED_MEDIA_TYPE', 'cannot read the body: it must be application/json')
    if (error.statusCode >= 400 && error.statusCode < 500) return new TabletError('BAD_REQUEST', `cannot take the request: ${error.message}`, { cause: error })
  }
  return new TabletError('INTERNAL', error instanceof Error ? error.message : String(error), { cause: error })
}
