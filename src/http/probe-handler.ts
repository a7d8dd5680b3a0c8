/**
 * Probes on the bare request, before any router: no query, no body, no await, one small packet.
 *
 * See reference: HAProxy sends OPTIONS or GET, HTTP/1.0, without Host, and may reset the connection after the status.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { answerMalformed, answerProbe, answerUnparsed, type ProbeAnswer, type ProbeFacts, type ProbeLimits } from './answer-probe.ts'
import type { TabletControl } from './control.ts'
import { probeTarget } from './probe-paths.ts'

export interface ProbeSource {
  readonly control: Pick<TabletControl, 'latestSnapshot' | 'lastTurnMs'>
  readonly limits: ProbeLimits
  readonly loopDelayMs: () => number
  readonly tags: Readonly<Record<string, string>>
}

/** Answers a probe and says true, or leaves the request alone and says false. */
export function answeredAsProbe(request: IncomingMessage, response: ServerResponse, source: ProbeSource): boolean {
  const target = probeTarget(request.method ?? '', request.url ?? '')
  if (target.kind === 'other') return false
  const facts = probeFacts(source)
  send(response, request.method ?? '', target.kind === 'malformed' ? answerMalformed(facts.snapshot) : answerProbe(target, facts, source.limits))
  return true
}

/** What probes are judged by, as of now. */
export const probeFacts = ({ control, loopDelayMs, tags }: Omit<ProbeSource, 'limits'>): ProbeFacts =>
  ({ snapshot: control.latestSnapshot(), lastTurnMs: control.lastTurnMs(), loopDelayMs: loopDelayMs(), nowMs: Date.now(), tags })

function send(response: ServerResponse, method: string, { status, body }: ProbeAnswer): void {
  // HEAD and OPTIONS: the status line is the answer (Patroni does the same)
  const text = method === 'GET' ? `${JSON.stringify(body)}\n` : ''
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text), 'cache-control': 'no-store' })
  response.end(text)
}

type ParserError = NodeJS.ErrnoException & { readonly rawPacket?: Buffer, readonly reason?: string }

/** Requests that HTTP's parser refuses: a probe with a broken URL is still answered 503 with the reason; resets are normal and silent. */
export function answerBrokenRequests(server: Server): void {
  server.on('clientError', (error: ParserError, socket: Duplex) => {
    if (error.code === 'ECONNRESET' || !socket.writable) { socket.destroy(); return }
    const status = statusOf(error)
    const method = methodOf(error)
    const text = status.startsWith('503') && method === 'GET' ? `${JSON.stringify(answerUnparsed(error.reason).body)}\n` : ''
    const type = text === '' ? '' : 'Content-Type: application/json\r\n'
    socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\n${type}Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`)
  })
}

const methodOf = ({ rawPacket }: ParserError): string | undefined =>
  /^(GET|HEAD|OPTIONS) /.exec(rawPacket?.subarray(0, 8).toString('latin1') ?? '')?.[1]

function statusOf(error: ParserError): string {
  if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') return '408 Request Timeout'
  if (error.code === 'HPE_HEADER_OVERFLOW') return '431 Request Header Fields Too Large'
  return methodOf(error) === undefined ? '400 Bad Request' : '503 Service Unavailable'
}

const SAMPLE_MS = 500

/** How late the event loop runs its timers: the larger of the last sample and the one that is due now. */
export function watchLoopDelay(): { readonly delayMs: () => number } & Disposable {
  let due = performance.now() + SAMPLE_MS
  let last = 0
  const timer = setInterval(() => {
    last = Math.max(0, performance.now() - due)
    due = performance.now() + SAMPLE_MS
  }, SAMPLE_MS)
  timer.unref()
  return {
    delayMs: () => Math.round(Math.max(last, performance.now() - due, 0)),
    [Symbol.dispose]: () => { clearInterval(timer) },
  }
}
