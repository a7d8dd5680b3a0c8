/** Google's client of cloud storage, made when first used, with application default credentials. */
import type { Bucket } from '@google-cloud/storage'
import { messageOf, type TabletError } from '../base/errors.ts'
import { refusalError, silenceError, type Refusal } from './request-errors.ts'

export interface GcsOptions {
  readonly bucket: string
  /** Undefined: Google's own, or what the variable STORAGE_EMULATOR_HOST says. */
  readonly endpoint?: string | undefined
  /** Objects in one answer of a list; default: as many as Google gives. */
  readonly pageSize?: number
}

export type GcsBucket = Bucket

export async function openBucket({ bucket, endpoint }: GcsOptions): Promise<GcsBucket> {
  const { Storage } = await import('@google-cloud/storage')
  // steady.ts repeats, in one place for every storage
  const retryOptions = { autoRetry: false, maxRetries: 0 }
  return new Storage({ retryOptions, ...endpoint === undefined ? {} : { apiEndpoint: endpoint } }).bucket(bucket)
}

interface ClientError {
  readonly code?: number | string
  readonly status?: number
  readonly response?: { readonly status?: number, readonly headers?: Headers | Readonly<Record<string, string>> }
  readonly errors?: readonly { readonly reason?: string }[]
}

/** What the client knows of an answer; undefined when none came. */
export function gcsRefusal(error: unknown): Refusal | undefined {
  if (!(error instanceof Error)) return undefined
  const { code, status: given, response, errors } = error as ClientError
  const status = response?.status ?? given ?? (typeof code === 'number' ? code : /^[1-5]\d\d$/.test(code ?? '') ? Number(code) : undefined)
  const reason = errors?.[0]?.reason ?? ''
  if (status === undefined) return /credentials/i.test(messageOf(error)) ? { status, word: 'CredentialsProvider', message: messageOf(error) } : undefined
  const headers = response?.headers
  const retryAfter = headers instanceof Headers ? headers.get('retry-after') ?? undefined : headers?.['retry-after']
  // what is asked for an object that may be missing does not come here with a 404
  return { status, word: status === 404 ? 'NoSuchBucket' : reason, message: messageOf(error), retryAfter }
}

export function gcsError(doing: string, error: unknown): TabletError {
  const refusal = gcsRefusal(error)
  if (refusal !== undefined) return refusalError(doing, refusal, error)
  // fetch says only that it failed; why is its cause
  return silenceError(doing, error instanceof TypeError && error.cause instanceof Error ? error.cause : error)
}
