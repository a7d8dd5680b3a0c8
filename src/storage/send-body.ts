/**
 * One request with a body over node's own HTTP, for the requests that a vendor's client does not watch.
 *
 * Promises  it ends with the signal's reason when that aborts; `alive` is called whenever bytes go out or come in.
 */
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { TabletError } from '../base/errors.ts'
import { refusalError } from './request-errors.ts'
import type { Pulse } from './request.ts'

export interface OutgoingRequest {
  readonly method: 'POST' | 'PUT'
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
}

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

/** Small enough that a slow line shows itself as slow, not as silent. */
const PIECE_BYTES = 256 << 10
/** Answers to what we send are a few hundred bytes. */
const MOST_ANSWER_CHARS = 1 << 20

export function sendBody({ method, url, headers, body }: OutgoingRequest, { abortSignal, alive }: Pulse): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const send = url.startsWith('https:') ? httpsRequest : httpRequest
    const request = send(url, { method, headers: { ...headers, 'content-length': body.length }, signal: abortSignal })
    request.once('error', (error) => { reject(abortSignal.aborted ? abortSignal.reason as Error : error) })
    request.once('response', (answer) => {
      let text = ''
      answer.setEncoding('utf8')
      answer.on('data', (chunk: string) => {
        alive()
        if (text.length < MOST_ANSWER_CHARS) text += chunk
      })
      answer.once('error', reject)
      answer.once('end', () => { resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text }) })
    })
    const write = (from: number): void => {
      alive()
      const piece = body.subarray(from, from + PIECE_BYTES)
      if (from + piece.length >= body.length) request.end(piece)
      else request.write(piece, (error) => { if (error === undefined || error === null) write(from + piece.length) })
    }
    write(0)
  })
}

export const isDone = ({ status }: Answer): boolean => status >= 200 && status < 300

/** What an answer that is no success means; its text may name what was asked for, so only a little of it is told. */
export function answerError(doing: string, { status, headers, text }: Answer): TabletError {
  const word = /"reason": *"(\w+)"/.exec(text)?.[1] ?? ''
  return refusalError(doing, { status, word, message: text.slice(0, 200), retryAfter: headers['retry-after'] }, undefined)
}
