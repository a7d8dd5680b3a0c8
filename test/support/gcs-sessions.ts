/**
 * Resumable uploads as Google documents them, in front of fake-gcs-server, which forgets a session that is asked for its
 * state, takes a chunk that comes twice as new bytes, and takes chunks of any length.
 *
 * Everything but chunks passes. Bytes are kept here until the end is named, then they go on as one chunk.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { ObjectServer } from './object-stores.ts'

const MULTIPLE = 256 << 10
/** Headers of one connection, not of what passes it. */
const OF_A_HOP = new Set(['host', 'connection', 'content-length', 'transfer-encoding'])

interface Session {
  bytes: Buffer
  /** What the store said when the object was whole. */
  done?: { readonly status: number, readonly body: Buffer }
}

interface Whole {
  readonly method: string
  readonly url: string
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
}

/** `next` ends with it. */
export async function gcsSessions(next: ObjectServer): Promise<ObjectServer> {
  const sessions = new Map<string, Session>()
  const server = createServer((request, response) => {
    void collect(request).then((body) => answer(request, body, response)).catch(() => { response.destroy() })
  })

  async function answer(request: IncomingMessage, body: Buffer, response: ServerResponse): Promise<void> {
    const { method = 'GET', url = '', headers } = request
    const range = method === 'PUT' && url.includes('upload_id=') ? headers['content-range'] : undefined
    if (range === undefined) { await pass({ method, url, headers, body }, response); return }
    const session = sessions.get(url) ?? { bytes: Buffer.alloc(0) }
    sessions.set(url, session)
    const [, start, , total] = /^bytes (?:(\d+)-(\d+)|\*)\/(\d+|\*)$/.exec(range) ?? []
    const isLast = total !== '*'
    if (start !== undefined && session.done === undefined) {
      if (Number(start) > session.bytes.length) { response.writeHead(400).end(); return }
      const given = isLast ? body : body.subarray(0, body.length - (body.length + Number(start)) % MULTIPLE)
      session.bytes = Buffer.concat([session.bytes, given.subarray(session.bytes.length - Number(start))])
    }
    if (isLast && session.done === undefined && session.bytes.length === Number(total)) {
      const headers = { 'content-range': rangeOf(session.bytes) }
      const whole = await fetch(next.endpoint + url, { method: 'PUT', headers, body: new Uint8Array(session.bytes) })
      session.done = { status: whole.status, body: Buffer.from(await whole.arrayBuffer()) }
    }
    if (session.done !== undefined) response.writeHead(session.done.status, { 'content-type': 'application/json' }).end(session.done.body)
    else response.writeHead(308, session.bytes.length === 0 ? {} : { range: `bytes=0-${session.bytes.length - 1}` }).end()
  }

  async function pass({ method, url, headers, body }: Whole, response: ServerResponse): Promise<void> {
    const kept = Object.entries(headers).flatMap(([name, value]): [string, string][] => OF_A_HOP.has(name) ? [] : [[name, String(value)]])
    const sent = method === 'GET' || method === 'HEAD' ? {} : { body: new Uint8Array(body) }
    const back = await fetch(next.endpoint + url, { method, headers: kept, ...sent })
    const content = Buffer.from(await back.arrayBuffer())
    const told = [...back.headers].filter(([name]) => !OF_A_HOP.has(name))
    const location = back.headers.get('location')?.replace(new URL(next.endpoint).host, headers.host ?? '')
    response.writeHead(back.status, { ...Object.fromEntries(told), ...location === undefined ? {} : { location }, 'content-length': content.length }).end(content)
  }

  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise<void>((resolve) => { server.close(() => { resolve() }) })
      await next[Symbol.asyncDispose]()
    },
  }
}

const rangeOf = (bytes: Buffer): string => bytes.length === 0 ? 'bytes */0' : `bytes 0-${bytes.length - 1}/${bytes.length}`

async function collect(request: IncomingMessage): Promise<Buffer> {
  return Buffer.concat(await request.toArray() as Buffer[])
}
