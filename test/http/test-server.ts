/** A real HTTP server over a fake tablet, and clients that send exactly what a test says. */
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { connect } from 'node:net'
import { join } from 'node:path'
import { writeFile } from 'node:fs/promises'
import { startHttpServer, type HttpOptions } from '../../src/http/server.ts'
import { tempDir } from '../support/temp-dir.ts'
import { FakeControl, context } from './fake-control.ts'

export const TOKEN = 'correct-horse-battery-staple'

export interface TestServer extends AsyncDisposable {
  readonly control: FakeControl
  readonly port: number
  readonly dir: string
  readonly socket: string
  readonly tokenFile: string
}

export async function testServer(options: Partial<HttpOptions> & { readonly withoutToken?: boolean } = {}): Promise<TestServer> {
  await using opened = new AsyncDisposableStack()
  const dir = opened.use(await tempDir())
  const control = new FakeControl()
  const socket = join(dir.path, 'admin.sock')
  const tokenFile = join(dir.path, 'token')
  await writeFile(tokenFile, `${TOKEN}\n`, { mode: 0o600 })
  const { withoutToken, ...more } = options
  const given: HttpOptions = {
    port: 0, bindAddress: '127.0.0.1', adminSocket: socket, hostnames: ['db1.example'], version: '0.1.0',
    ...withoutToken === true ? {} : { tokenFile }, ...more,
  }
  const server = opened.use(await startHttpServer(given, control, context()))
  const owned = opened.move()
  return { control, port: server.port, dir: dir.path, socket, tokenFile, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- bodies are what the tests look into
  readonly json: any
}

export interface Asked {
  readonly method?: string
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
  /** Over the admin socket instead of TCP. */
  readonly viaSocket?: boolean
}

export function ask(server: TestServer, asked: Asked): Promise<Answer> {
  const body = asked.body === undefined ? undefined : typeof asked.body === 'string' ? asked.body : JSON.stringify(asked.body)
  const where = asked.viaSocket === true ? { socketPath: server.socket } : { host: '127.0.0.1', port: server.port }
  const headers = { ...body === undefined ? {} : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(body)) }, ...asked.headers }
  return new Promise((resolve, reject) => {
    const request = httpRequest({ ...where, method: asked.method ?? 'GET', path: asked.path, headers, agent: false }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => { chunks.push(chunk) })
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString()
        let json: unknown
        try { json = JSON.parse(text) } catch { json = undefined }
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text, json })
      })
      response.on('error', reject)
    })
    request.on('error', reject)
    request.end(body)
  })
}

export const withToken = (headers: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> =>
  ({ authorization: `Bearer ${TOKEN}`, ...headers })

/** Sends `text` as it stands and resolves to everything that comes back until the other side ends. */
export function raw(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1' }, () => { socket.write(text, 'latin1') })
    let answer = ''
    socket.on('data', (chunk) => { answer += chunk.toString('latin1') })
    socket.on('end', () => { socket.destroy(); resolve(answer) })
    socket.on('error', reject)
  })
}
