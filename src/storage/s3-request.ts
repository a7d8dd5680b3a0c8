/** What the failures of Amazon's client mean. */
import { messageOf, type TabletError } from '../base/errors.ts'
import { refusalError, silenceError, type Refusal } from './request-errors.ts'

interface ClientError {
  readonly $metadata?: { readonly httpStatusCode?: number }
  readonly $response?: { readonly statusCode?: number, readonly headers?: Readonly<Record<string, string>> }
}

/** What Amazon's client knows of an answer; undefined when none came. */
export function refusalOf(error: unknown): Refusal | undefined {
  if (!(error instanceof Error)) return undefined
  const { $metadata, $response } = error as ClientError
  const status = $response?.statusCode ?? $metadata?.httpStatusCode
  if (status === undefined && error.name !== 'CredentialsProviderError') return undefined
  return { status, word: error.name, message: messageOf(error), retryAfter: $response?.headers?.['retry-after'] }
}

export function s3Error(doing: string, error: unknown): TabletError {
  const refusal = refusalOf(error)
  return refusal === undefined ? silenceError(doing, error) : refusalError(doing, refusal, error)
}

/** `none` where the store says that there is no such object. A missing bucket is no missing object. */
export async function absentAs<T, N>(none: N, answer: Promise<T>): Promise<T | N> {
  try {
    return await answer
  } catch (error) {
    const refusal = refusalOf(error)
    if (refusal?.status === 404 && /^(?:NoSuchKey|NotFound|NoSuchUpload)/.test(refusal.word)) return none
    throw error
  }
}
