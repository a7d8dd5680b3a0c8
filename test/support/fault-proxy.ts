/**
 * An HTTP proxy in front of a real store that misbehaves on command: what networks and stores do to clients.
 *
 * Everything not named by a fault passes unchanged, Host included, so that signatures stay right.
 */
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'

/** What happens to one request. */
export type Fault =
  /** Answered here; the store never hears of it. */
  | { readonly answer: number, readonly headers?: Readonly<Record<string, string>>, readonly body?: string }
  /** The request is read and done, then the connection is cut: the answer is lost. */
  | { readonly loseAnswer: true }
  /** The connection is cut after so many bytes of the answer's body. */
  | { readonly resetAfter: number }
  /** So many bytes of the answer's body come, then nothing more. */
  | { readonly hangAfter: number }
  /** The answer ends, with a Content-Length that fits what comes, after so many bytes. */
  | { readonly truncateTo: number }
  /** The request is read and never answered. */
  | { readonly silence: true }

export interface SeenRequest {
  readonly method: string
  /** With its query. */
  readonly url: string
  readonly headers: IncomingMessage['headers']
}

/** Says what happens to the `count`-th request, from 1, since it was set; undefined: it passes. */
export type Script = (seen: SeenRequest, count: number) => Fault | undefined

export interface FaultProxy extends AsyncDisposable {
  readonly endpoint: string
  readonly seen: readonly SeenRequest[]
  play(script: Script): void
}

export async function faultProxy(target: string): Promise<FaultProxy> {
  const { hostname, port, pathname } = new URL(target)
  const seen: SeenRequest[] = []
  const sockets = new Set<Socket>()
  let script: Script = () => undefined
  let count = 0
  let conditional: Promise<void> = Promise.resolve()
  const server = createServer((request, response) => {
    const one = { method: request.method ?? '', url: request.url ?? '', headers: request.headers }
    seen.push(one)
    const fault = script(one, ++count)
    const pass = (): Promise<void> => forward({ request, response, fault }, { hostname, port })
    if (fault !== undefined && 'answer' in fault) { answer(request, response, fault); return }
    // Swift looks and writes in two steps; the stores that it stands in for do it in one
    if (one.method === 'PUT' && one.headers['if-none-match'] !== undefined) conditional = conditional.then(pass)
    else void pass()
  })
  server.on('connection', (socket) => { sockets.add(socket); socket.once('close', () => { sockets.delete(socket) }) })
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}${pathname === '/' ? '' : pathname}`,
    seen,
    play(next) { script = next; count = 0 },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise<void>((resolve) => { server.close(() => { resolve() }) })
    },
  }
}

function answer(request: IncomingMessage, response: ServerResponse, { answer: status, headers, body = '' }: Extract<Fault, { answer: number }>): void {
  request.resume()
  request.once('end', () => { response.writeHead(status, { 'content-length': Buffer.byteLength(body), ...headers }).end(body) })
}

interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly fault: Fault | undefined
}

function forward({ request, response, fault }: Exchange, to: { readonly hostname: string, readonly port: string }): Promise<void> {
  return new Promise((resolve) => {
    const { method, url, headers } = request
    const onward = httpRequest({ ...to, method, path: url, headers, agent: false })
    const cut = (): void => { onward.destroy(); response.destroy(); resolve() }
    onward.once('error', cut)
    request.once('error', cut)
    response.once('close', () => { if (!response.writableFinished) onward.destroy(); resolve() })
    onward.once('response', (back: IncomingMessage) => {
      const status = back.statusCode ?? 500
      if (fault !== undefined && 'silence' in fault) { back.resume(); return }
      if (fault !== undefined && 'loseAnswer' in fault) { back.resume(); back.once('end', cut); return }
      const given = fault === undefined ? undefined : 'resetAfter' in fault ? fault.resetAfter : 'hangAfter' in fault ? fault.hangAfter : undefined
      const shortened = fault !== undefined && 'truncateTo' in fault ? fault.truncateTo : undefined
      response.writeHead(status, { ...back.headers, ...shortened === undefined ? {} : { 'content-length': String(shortened) } })
      if (given === undefined && shortened === undefined) { back.pipe(response); return }
      copySome(back, response, given ?? shortened ?? 0, () => {
        if (shortened !== undefined) response.end()
        else if (fault !== undefined && 'resetAfter' in fault) cut()
      })
    })
    request.pipe(onward)
  })
}

/** Passes the first `bytes` on, then calls `then` once. */
function copySome(from: IncomingMessage, to: ServerResponse, bytes: number, then: () => void): void {
  let left = bytes
  let ended = false
  const end = (): void => { if (!ended) { ended = true; from.destroy(); then() } }
  from.on('data', (chunk: Buffer) => {
    if (ended) return
    const some = chunk.subarray(0, left)
    left -= some.length
    to.write(some, () => { if (left === 0) end() })
  })
  from.once('end', end)
}
