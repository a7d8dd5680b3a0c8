/** HTTP as a test wants it: over TCP or a unix socket, whatever the status, with the body parsed. */
import { request } from 'node:http'

export interface HttpAnswer {
  readonly status: number
  readonly headers: NodeJS.Dict<string | string[]>
  readonly text: string
  /** The parsed JSON; undefined for anything else. */
  readonly body: unknown
}

export interface HttpCall {
  readonly method: string
  readonly path: string
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  readonly timeoutMs?: number
}

export function call(where: { readonly port: number } | { readonly socketPath: string }, what: HttpCall): Promise<HttpAnswer> {
  const payload = what.body === undefined ? undefined : JSON.stringify(what.body)
  const headers = { ...payload === undefined ? {} : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(payload)) }, ...what.headers }
  return new Promise((resolve, reject) => {
    const outgoing = request({ host: '127.0.0.1', ...where, method: what.method, path: what.path, headers, agent: false }, (incoming) => {
      const chunks: Buffer[] = []
      incoming.on('data', (bytes: Buffer) => { chunks.push(bytes) })
      incoming.once('error', reject)
      incoming.once('end', () => {
        const text = Buffer.concat(chunks).toString()
        resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, text, body: parsed(text) })
      })
    })
    outgoing.setTimeout(what.timeoutMs ?? 10_000, () => { outgoing.destroy(new Error(`no answer to ${what.method} ${what.path}`)) })
    outgoing.once('error', reject)
    outgoing.end(payload)
  })
}

function parsed(text: string): unknown {
  try { return JSON.parse(text) } catch { return undefined }
}
