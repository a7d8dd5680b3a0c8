/** Server-sent events: https://html.spec.whatwg.org/multipage/server-sent-events.html */
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import type { ActionContext } from '../base/action.ts'
import { TabletError, asTabletError } from '../base/errors.ts'
import type { OperationEvent } from './control.ts'
import { problemOf } from './problem.ts'

const HEARTBEAT_MS = 15_000   // below the idle time-outs of common proxies (30 s to 60 s)

/** Sends `events` until they end, the client is gone, or the server stops. A client that leaves ends nothing but its own stream. */
export async function sendEvents(
  response: ServerResponse, events: (signal: AbortSignal) => AsyncIterable<OperationEvent>, ctx: ActionContext,
): Promise<void> {
  const gone = new AbortController()
  const onClose = (): void => { gone.abort(new TabletError('OPERATION_CANCELLED', 'the client has gone')) }
  response.once('close', onClose)
  const signal = AbortSignal.any([ctx.signal, gone.signal])
  response.on('error', onClose)   // a reset while writing is a client that has gone, no more
  const heartbeat = setInterval(() => { if (!response.destroyed) response.write(': still here\n\n') }, HEARTBEAT_MS)
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-store', 'x-accel-buffering': 'no' })
  response.flushHeaders()
  try {
    for await (const event of events(signal)) {
      if (signal.aborted) break
      await write(response, `event: ${event.event}\ndata: ${JSON.stringify(event)}\n\n`, signal)
    }
  } catch (error) {
    if (!signal.aborted && !response.destroyed) response.write(`event: problem\ndata: ${JSON.stringify(problemOf(asTabletError(error)))}\n\n`)
  } finally {
    clearInterval(heartbeat)
    response.off('close', onClose)
    response.end()
  }
}

/**
 * Streams that may be open at once: each holds a connection, and probes need theirs. One more ends the oldest, whose
 * client finds its operation again by asking.
 */
const MAX_STREAMS = 100

export interface StreamSlots {
  /** A place for one more stream; its signal aborts when the place is needed. */
  take(): { readonly signal: AbortSignal } & Disposable
}

export function streamSlots(limit = MAX_STREAMS): StreamSlots {
  const open = new Set<AbortController>()
  return {
    take: () => {
      const mine = new AbortController()
      const [oldest] = open
      if (open.size >= limit && oldest !== undefined) {
        open.delete(oldest)
        oldest.abort(new TabletError('OPERATION_CANCELLED', 'another follower needs the place'))
      }
      open.add(mine)
      return { signal: mine.signal, [Symbol.dispose]: () => { open.delete(mine) } }
    },
  }
}

/** A slow reader makes us wait, not the operation: its events are kept by the one who makes them. */
async function write(response: ServerResponse, text: string, signal: AbortSignal): Promise<void> {
  if (!response.write(text)) await once(response, 'drain', { signal }).catch(() => undefined)
}
