/** The body of an answer, as the contract wants it: every byte that was announced, or an error with a code. */
import { Readable } from 'node:stream'
import { TabletError } from '../base/errors.ts'
import { silenceError } from './request-errors.ts'

export interface RawBody {
  /** As in "read 0 of commerce/0/…". */
  readonly doing: string
  readonly body: AsyncIterable<Uint8Array> & { destroy?(error?: Error): unknown }
  /** Bytes that must come. */
  readonly expected: number
  /** For clients whose refusals come out of the body. */
  readonly errorOf?: (doing: string, error: unknown) => TabletError
}

/** Ends the request when it is destroyed or `signal` aborts; then it fails with the signal's reason. */
export function bodyStream({ doing, body, expected, errorOf = silenceError }: RawBody, signal: AbortSignal): Readable {
  const stream = Readable.from(whole(), { objectMode: false })
  const onAbort = (): void => { stream.destroy(signal.reason as Error) }
  signal.addEventListener('abort', onAbort, { once: true })
  if (signal.aborted) onAbort()
  stream.once('close', () => {
    signal.removeEventListener('abort', onAbort)
    body.destroy?.()
  })
  return stream

  async function* whole(): AsyncGenerator<Uint8Array, void, undefined> {
    let bytes = 0
    try {
      for await (const chunk of body) {
        bytes += chunk.length
        yield chunk
      }
    } catch (error) {
      throw signal.aborted ? signal.reason : errorOf(doing, error)
    }
    if (bytes === expected) return
    throw new TabletError('STORAGE_UNREACHABLE', `cannot ${doing}: ${bytes} bytes came where ${expected} were announced`)
  }
}

/** For a range that holds nothing. */
export async function* emptyBody(): AsyncGenerator<Uint8Array, void, undefined> { /* no byte */ }

/** `bytes 5-9/100` (RFC 9110 14.4): the size of the whole, and how many bytes come; undefined when it is not understood. */
export function parseContentRange(header: string | undefined): { readonly total: number, readonly length: number } | undefined {
  const [, first, last, total] = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(header ?? '') ?? []
  if (first === undefined || last === undefined || total === undefined) return undefined
  return { total: Number(total), length: Number(last) - Number(first) + 1 }
}
