/**
 * A resumable upload of Google's cloud storage: chunks to one address, one after the other.
 *
 * A chunk whose answer was lost is asked about before it is sent again: what lies there already is left out.
 */
import { TabletError } from '../base/errors.ts'
import type { GcsBucket } from './gcs-client.ts'
import type { PartUpload } from './object-store.ts'
import { refusalError } from './request-errors.ts'
import type { Ask } from './request.ts'

interface Session {
  readonly key: string
  /** It holds the right to write, so it stays out of messages. */
  readonly address: string
}

const GOES_ON = 308
const GONE = 499   // Google's answer to a cancelled upload

export function gcsUpload({ key, address }: Session, ask: Ask<GcsBucket>): PartUpload {
  let stored = 0
  const starts = new Map<number, number>()
  const send = async (range: string, bytes: Uint8Array | undefined, abortSignal: AbortSignal): Promise<Response> => {
    const body = bytes === undefined ? {} : { body: bytes as Uint8Array<ArrayBuffer> }
    const answer = await fetch(address, { method: 'PUT', headers: { 'content-range': `bytes ${range}` }, signal: abortSignal, redirect: 'manual', ...body })
    await answer.arrayBuffer()
    if (answer.ok || answer.status === GOES_ON) return answer
    const said = { status: answer.status, word: '', message: answer.statusText, retryAfter: answer.headers.get('retry-after') ?? undefined }
    throw refusalError(`write ${key}`, said, undefined)
  }
  return {
    putPart: (number, bytes, ctx) => ask({ doing: `write chunk ${number} of ${key}`, bytes: bytes.length }, async (_bucket, { abortSignal }) => {
      const start = starts.get(number) ?? stored
      if (starts.has(number)) stored = storedBytes(await send('*/*', undefined, abortSignal))
      starts.set(number, start)
      const rest = bytes.subarray(Math.max(0, stored - start))
      if (rest.length > 0) stored = storedBytes(await send(`${stored}-${stored + rest.length - 1}/*`, rest, abortSignal))
      const wanted = start + bytes.length
      if (stored !== wanted) throw new TabletError('STORAGE_FAILED', `cannot write ${key}: ${stored} bytes lie there where ${wanted} were sent`)
    }, ctx),
    complete: (ctx) => ask(`complete ${key}`, async (_bucket, { abortSignal }) => {
      const answer = await send(`*/${stored}`, undefined, abortSignal)
      if (!answer.ok) throw new TabletError('STORAGE_FAILED', `cannot complete ${key}: the storage waits for more than ${stored} bytes`)
    }, ctx),
    abort: (ctx) => ask(`take back ${key}`, async (_bucket, { abortSignal }) => {
      const { status } = await fetch(address, { method: 'DELETE', signal: abortSignal })
      if (status >= 500) throw refusalError(`take back ${key}`, { status, word: '', message: '' }, undefined)
      ctx.log.debug({ status, cancelled: status === GONE }, `the unfinished ${key} is given up`)
    }, ctx),
  }
}

/** `Range: bytes=0-524287`; without it nothing is stored. */
function storedBytes(answer: Response): number {
  const last = /^bytes=0-(\d+)$/.exec(answer.headers.get('range') ?? '')?.[1]
  return last === undefined ? 0 : Number(last) + 1
}
