/**
 * The HTTP of one tablet, as tabletctl speaks it: over its admin socket where that is on this machine, else over TCP.
 *
 * Promises  errors come back under the code that the tablet gave; a tablet that does not answer is TABLET_UNREACHABLE.
 *           A request that may have been taken is never sent again to another address.
 */
import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { SecureContextOptions } from 'node:tls'
import { ERRORS, type ErrorCode } from '../base/error-catalogue.ts'
import { TabletError, hasCode, isErrno, messageOf } from '../base/errors.ts'
import type { TabletAlias } from '../model/tablet.ts'

export type TabletAddress =
  | { readonly socketPath: string }
  | { readonly host: string, readonly port: number, readonly tls?: SecureContextOptions }

export interface TabletTarget {
  readonly alias: TabletAlias
  /** Tried in order while nobody listens there. */
  readonly addresses: readonly TabletAddress[]
  readonly token: string | undefined
}

export interface TabletRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  readonly path: string
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  /** Until the whole answer has come. */
  readonly timeoutMs?: number
}

const DEFAULT_TIMEOUT_MS = 30_000
const MAX_ANSWER_BYTES = 32 * 1024 * 1024   // a list of 10,000 backups has about 4 MiB

/** The JSON that the tablet answers. @throws TabletError with the tablet's code, or TABLET_UNREACHABLE. */
export async function askTablet(target: TabletTarget, asked: TabletRequest, signal: AbortSignal): Promise<unknown> {
  const limit = AbortSignal.timeout(asked.timeoutMs ?? DEFAULT_TIMEOUT_MS)
  const response = await openAnswer(target, asked, AbortSignal.any([signal, limit]))
  let text = ''
  try {
    for await (const chunk of response.setEncoding('utf8')) {
      text += String(chunk)
      if (text.length > MAX_ANSWER_BYTES) throw new TabletError('TABLET_UNREACHABLE', `cannot take the answer of ${target.alias}: it is longer than ${MAX_ANSWER_BYTES} bytes`)
    }
  } catch (error) {
    throw signal.aborted ? signal.reason : unreachable(target, error)
  }
  const status = response.statusCode ?? 0
  const body = parsed(text)
  if (status >= 200 && status < 300 && body !== undefined) return body
  throw errorIn(body) ?? new TabletError('TABLET_UNREACHABLE', `cannot ask ${target.alias}: what answers there (status ${status}) is no tabletd`)
}

/** The answer as it begins; rejects only when none came. The caller reads or destroys it. */
export async function openAnswer(target: TabletTarget, asked: TabletRequest, signal: AbortSignal): Promise<IncomingMessage> {
  let failure: unknown = new TabletError('TABLET_UNREACHABLE', `cannot ask ${target.alias}: no address is known`)
  for (const address of target.addresses) {
    try {
      return await send(address, asked, target, signal)
    } catch (error) {
      failure = error
      // nobody listened, or the socket is not for us: the request has reached no one
      if (!isErrno(error, 'ENOENT', 'ECONNREFUSED', 'EACCES', 'ENOTSOCK')) break
    }
  }
  signal.throwIfAborted()
  throw unreachable(target, failure)
}

function send(address: TabletAddress, asked: TabletRequest, target: TabletTarget, signal: AbortSignal): Promise<IncomingMessage> {
  const body = asked.body === undefined ? undefined : JSON.stringify(asked.body)
  const viaSocket = 'socketPath' in address
  const headers: Record<string, string> = {
    ...target.alias === '' ? {} : { 'tablet-alias': target.alias }, accept: 'application/json',
    ...body === undefined ? {} : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(body)) },
    // the socket needs no token, and who listens there is only known by its file
    ...viaSocket || target.token === undefined || asked.method === 'GET' ? {} : { authorization: `Bearer ${target.token}` },
    ...viaSocket ? { host: 'localhost' } : {}, ...asked.headers,
  }
  const options: RequestOptions = { method: asked.method, path: asked.path, headers, signal, agent: false }
  return new Promise((resolve, reject) => {
    const request = viaSocket
      ? httpRequest({ ...options, socketPath: address.socketPath })
      : address.tls === undefined
        ? httpRequest({ ...options, host: address.host, port: address.port })
        : httpsRequest({ ...options, ...address.tls, host: address.host, port: address.port })
    request.once('response', resolve)
    request.on('error', reject)
    request.end(body)
  })
}

function unreachable(target: TabletTarget, error: unknown): TabletError {
  if (hasCode(error, 'TABLET_UNREACHABLE')) return error
  const where = target.addresses.map((one) => 'socketPath' in one ? one.socketPath : `${one.host}:${one.port}`).join(' or ')
  const why = error instanceof Error && error.name === 'TimeoutError' ? 'no answer in time' : messageOf(error) || 'refused'
  return new TabletError('TABLET_UNREACHABLE', `cannot ask ${target.alias} at ${where}: ${why}`, { cause: error })
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined   // whoever answered is no tabletd: said by the caller
  }
}

/** The error in a problem+json; undefined when it is none of ours. */
export function errorIn(body: unknown): TabletError | undefined {
  if (typeof body !== 'object' || body === null || !('code' in body) || !('detail' in body)) return undefined
  if (typeof body.code !== 'string' || !Object.hasOwn(ERRORS, body.code) || typeof body.detail !== 'string') return undefined
  const details = 'details' in body && typeof body.details === 'object' && body.details !== null ? body.details as Record<string, unknown> : {}
  return new TabletError(body.code as ErrorCode, body.detail, { details })
}
