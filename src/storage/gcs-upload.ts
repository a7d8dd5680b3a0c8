/**
 * A resumable upload of Google's cloud storage: chunks to one address, one after the other.
 *
 * A chunk whose answer was lost is asked about before it is sent again: what lies there already is left out.
 */
import { TabletError } from '../base/errors.ts'
import type { GcsBucket } from './gcs-client.ts'
import type { PartUpload } from './object-store.ts'
import { refusalError } from './request-errors.ts'
import type { Ask, Pulse } from './request.ts'
import { answerError, isDone, sendBody, type Answer } from './send-body.ts'

interface Session {
  readonly key: string
  /** It holds the right to write, so it stays out of messages. */
  readonly address: string
}

const NOTHING = new Uint8Array(0)
const GOES_ON = 308
const GONE = 499   // Google's answer to a cancelled upload

export function gcsUpload({ key, address }: Session, ask: Ask<GcsBucket>): PartUpload {
  let stored = 0
  let whole = false
  const starts = new Map<number, number>()
  /** The session's answer says how much of the object lies there. */
  const send = async (range: string, body: Uint8Array, pulse: Pulse): Promise<void> => {
    const answer = await sendBody({ method: 'PUT', url: address, headers: { 'content-range': `bytes ${range}` }, body }, pulse)
    if (answer.status === GOES_ON) stored = storedBytes(answer)
    else if (isDone(answer)) [whole, stored] = [true, wholeBytes(key, answer)]
    else throw answerError(`write ${key}`, answer)
  }
  return {
    putPart: ({ number, bytes, last }, ctx) => ask(`write chunk ${number} of ${key}`, async (_bucket, pulse) => {
      const start = starts.get(number) ?? stored
      const end = start + bytes.length
      if (starts.has(number)) await send('*/*', NOTHING, pulse)
      starts.set(number, start)
      // only the chunk that names the end may have any length; of others Google stores whole multiples of 256 KiB
      const rest = bytes.subarray(Math.max(0, stored - start))
      if (!whole && rest.length > 0) await send(`${stored}-${end - 1}/${last ? end : '*'}`, rest, pulse)
      if (stored !== end) throw new TabletError('STORAGE_FAILED', `cannot write ${key}: ${stored} bytes lie there where ${end} were sent`)
    }, ctx),
    complete: (ctx) => ask(`complete ${key}`, async (_bucket, pulse) => {
      if (!whole) await send(`*/${stored}`, NOTHING, pulse)
      if (!whole) throw new TabletError('STORAGE_FAILED', `cannot complete ${key}: the storage waits for more than ${stored} bytes`)
    }, ctx),
    abort: (ctx) => ask(`take back ${key}`, async (_bucket, { abortSignal }) => {
      const { status } = await fetch(address, { method: 'DELETE', signal: abortSignal })
      if (status >= 500) throw refusalError(`take back ${key}`, { status, word: '', message: '' }, undefined)
      ctx.log.debug({ status, cancelled: status === GONE }, `the unfinished ${key} is given up`)
    }, ctx),
  }
}

/** `Range: bytes=0-524287`; without it nothing is stored. */
function storedBytes(answer: Answer): number {
  const last = /^bytes=0-(\d+)$/.exec(answer.headers.range ?? '')?.[1]
  return last === undefined ? 0 : Number(last) + 1
}

/** The answer to the last chunk describes the object. */
function wholeBytes(key: string, { text }: Answer): number {
  const bytes = Number(/"size": *"?(\d+)/.exec(text)?.[1])
  if (!Number.isSafeInteger(bytes)) throw new TabletError('STORAGE_FAILED', `cannot write ${key}: the storage does not say how much it holds`)
  return bytes
}
