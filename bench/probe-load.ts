/**
 * Asks one path over and over, at a steady rate over connections that stay open: a load balancer's probes, and many of them.
 *
 * usage: probe-load.ts PORT PATH RATE CONNECTIONS. A line "count" on standard input begins to count, a line "stop" ends
 * it; it prints a LoadOutcome.
 * A request's time runs from when it was due, not from when a connection was free: a server that stops answering for a
 * second is seen by every request of that second.
 */
import { connect, type Socket } from 'node:net'
import { createInterface } from 'node:readline'

export interface LoadOutcome {
  readonly seconds: number
  /** Milliseconds of each request that was answered, in the order of the answers. */
  readonly latencies: readonly number[]
  readonly statuses: Readonly<Record<string, number>>
  /** Requests that got no answer: the connection was refused, closed or reset. */
  readonly failed: number
}

const [port = '', path = '', rate = '', connections = ''] = process.argv.slice(2)
const REQUEST = Buffer.from(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`)
/** Milliseconds to the next request, of all connections together. */
const STEP = 1000 / Number(rate)

const free: Client[] = []
let counted = nothing()

function nothing(): { readonly began: number, readonly latencies: number[], readonly statuses: Record<string, number>, failed: number } {
  return { began: performance.now(), latencies: [], statuses: {}, failed: 0 }
}

class Client {
  #socket: Socket
  #due: number | undefined
  #heard = ''

  constructor() {
    this.#socket = this.#open()
    free.push(this)
  }

  ask(due: number): void {
    this.#due = due
    this.#socket.write(REQUEST)
  }

  #open(): Socket {
    const socket = connect({ port: Number(port), host: '127.0.0.1', noDelay: true })
    socket.setEncoding('latin1')
    socket.on('data', (text) => { this.#hear(String(text)) })
    socket.on('error', () => undefined)   // 'close' follows
    socket.on('close', () => { this.#closed() })
    return socket
  }

  #hear(text: string): void {
    this.#heard += text
    const head = this.#heard.indexOf('\r\n\r\n')
    if (head < 0) return
    const length = Number(/\r\ncontent-length: (\d+)/i.exec(this.#heard.slice(0, head))?.[1] ?? 0)
    if (this.#heard.length < head + 4 + length) return
    const status = this.#heard.slice(9, 12)
    counted.statuses[status] = (counted.statuses[status] ?? 0) + 1
    counted.latencies.push(performance.now() - (this.#due ?? NaN))
    this.#heard = ''
    this.#due = undefined
    free.push(this)
  }

  #closed(): void {
    if (this.#due !== undefined) {
      counted.failed++
      free.push(this)
    }
    this.#due = undefined
    this.#heard = ''
    this.#socket = this.#open()
  }
}

for (let n = 0; n < Number(connections); n++) new Client()

const began = performance.now()
let asked = 0
/** A timer comes a millisecond late at best: what fell due meanwhile is asked at once, each with its own time. */
const timer = setInterval(() => {
  for (let due = began + asked * STEP; due <= performance.now() && free.length > 0; due = began + asked * STEP) {
    free.shift()?.ask(due)
    asked++
  }
}, 1)

createInterface({ input: process.stdin }).on('line', (line) => {
  if (line === 'count') {
    counted = nothing()
    return
  }
  clearInterval(timer)
  const { began: from, ...seen } = counted
  const outcome: LoadOutcome = { seconds: (performance.now() - from) / 1000, ...seen }
  process.stdout.write(`${JSON.stringify(outcome)}\n`, () => { process.exit() })
})
