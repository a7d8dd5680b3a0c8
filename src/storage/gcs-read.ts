/**
 * Reading an object of Google's cloud storage: one request a range, ended by the signal.
 *
 * Not by the client's own stream, which asks for the size beforehand, hears no signal and passes every byte through
 * three more streams; its credentials are used. See the JSON API's `objects.get` with `alt=media`.
 */
import type { ActionContext } from '../base/action.ts'
import { TabletError } from '../base/errors.ts'
import { Readable } from 'node:stream'
import type { ReadableStream } from 'node:stream/web'
import { gcsError, type GcsBucket } from './gcs-client.ts'
import { bodyStream, emptyBody, parseContentRange, type RawBody } from './object-body.ts'
import type { ByteRange, ObjectBody } from './object-store.ts'
import type { Ask } from './request.ts'
import { answerError } from './send-body.ts'

const MOST_WORDS_BYTES = 64 << 10

export async function readGcsObject(
  ask: Ask<GcsBucket>, { key, start, end }: ByteRange & { readonly key: string }, ctx: ActionContext,
): Promise<ObjectBody | undefined> {
  const doing = `read ${key}`
  const bodyOf = (totalBytes: number, raw: Pick<RawBody, 'body' | 'expected'>): ObjectBody =>
    ({ totalBytes, stream: bodyStream({ doing, ...raw, errorOf: gcsError }, ctx.signal) })
  return await ask<ObjectBody | undefined>(doing, async (bucket, { abortSignal }) => {
    const empty = async (): Promise<ObjectBody | undefined> => {
      const size = await sizeOf(bucket, key)
      return size === undefined ? undefined : bodyOf(size, { body: emptyBody(), expected: 0 })
    }
    if (end !== undefined && end <= start) return await empty()
    const answer = await fetch(`${bucket.storage.baseUrl}/b/${encodeURIComponent(bucket.name)}/o/${encodeURIComponent(key)}?alt=media`, {
      headers: { ...await credentials(bucket), range: `bytes=${start}-${end === undefined ? '' : end - 1}` }, signal: abortSignal,
    })
    const ranged = parseContentRange(answer.headers.get('content-range') ?? undefined)
    if (answer.status === 206 && ranged !== undefined && answer.body !== null) {
      const body = Readable.fromWeb(answer.body as ReadableStream<Uint8Array>) as RawBody['body']
      return bodyOf(ranged.total, { body, expected: Math.min(end ?? ranged.total, ranged.total) - start })
    }
    const said = await wordsOf(answer)
    if (answer.status === 416 || answer.status === 404) return await empty()
    if (answer.ok) throw new TabletError('STORAGE_FAILED', `cannot ${doing}: the storage did not give the range that was asked for`, { details: { again: false } })
    throw answerError(doing, { status: answer.status, headers: { 'retry-after': answer.headers.get('retry-after') ?? undefined }, text: said })
  }, ctx)
}

/** What a refusal says, as far as it is an explanation; of a success nothing, for that may be all of an object. Ends the answer. */
export async function wordsOf(answer: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  if (answer.ok || answer.body === null) {
    await answer.body?.cancel()
    return ''
  }
  for await (const chunk of answer.body as ReadableStream<Uint8Array>) {   // leaving it cancels it
    chunks.push(chunk)
    bytes += chunk.length
    if (bytes >= MOST_WORDS_BYTES) break
  }
  return Buffer.concat(chunks).subarray(0, MOST_WORDS_BYTES).toString()
}

/**
 * Size of an object; undefined when there is none.
 *
 * By a list, which needs no other rights than a backup does and tells a missing bucket from a missing object.
 */
async function sizeOf(bucket: GcsBucket, key: string): Promise<number | undefined> {
  const [files] = await bucket.getFiles({ prefix: key, autoPaginate: false, maxResults: 1 })
  const [first] = files.filter(({ name }) => name === key)
  return first === undefined ? undefined : Number(first.metadata.size ?? 0)
}

/** An emulator takes none, and looking for them would ask a machine that is not there. */
async function credentials(bucket: GcsBucket): Promise<Readonly<Record<string, string>>> {
  if (bucket.storage.customEndpoint) return {}
  return Object.fromEntries(await bucket.storage.authClient.getRequestHeaders())
}
