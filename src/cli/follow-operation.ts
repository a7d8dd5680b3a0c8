/**
 * Follows one operation to its end: by its events while they come, by asking again when the stream breaks.
 *
 * The operation lives in the daemon: nothing here, not even an abort, changes it.
 */
import { StringDecoder } from 'node:string_decoder'
import { sleep, type ActionContext } from '../base/action.ts'
import { TabletError, hasCode } from '../base/errors.ts'
import type { OperationEvent } from '../http/control.ts'
import type { Operation } from '../model/operation.ts'
import { askTablet, openAnswer, type TabletTarget } from './tablet-client.ts'

const PATIENCE_MS = 60_000   // a daemon that restarts is back within seconds
const PAUSE_MS = 1_000
const MAX_EVENT_LENGTH = 1 << 20

const eventsPath = (id: string): string => `/v1/operations/${encodeURIComponent(id)}/events`
const operationPath = (id: string): string => `/v1/operations/${encodeURIComponent(id)}`

interface Followed {
  readonly target: TabletTarget
  readonly id: string
}

/** The operation as it ended. @throws TabletError TABLET_UNREACHABLE, OPERATION_NOT_FOUND; the signal's reason. */
export async function followOperation(
  what: Followed, seen: (event: OperationEvent) => void, ctx: ActionContext,
): Promise<Operation> {
  let silentSinceMs: number | undefined
  for (;;) {
    try {
      for await (const event of operationEvents(what, ctx.signal)) {
        silentSinceMs = undefined
        seen(event)
        if (event.operation.state !== 'running') return event.operation
      }
      const operation = await askTablet(what.target, { method: 'GET', path: operationPath(what.id) }, ctx.signal) as Operation
      if (operation.state !== 'running') return operation
    } catch (error) {
      ctx.signal.throwIfAborted()
      silentSinceMs ??= Date.now()
      if (!hasCode(error, 'TABLET_UNREACHABLE', 'STOPPING') || Date.now() - silentSinceMs > PATIENCE_MS) throw error
    }
    await sleep(PAUSE_MS, ctx.signal)
  }
}

async function * operationEvents({ target, id }: Followed, signal: AbortSignal): AsyncIterable<OperationEvent> {
  const response = await openAnswer(target, { method: 'GET', path: eventsPath(id), headers: { accept: 'text/event-stream' } }, signal)
  if (response.statusCode !== 200) {
    response.resume()
    return   // asking for the operation itself says why
  }
  const decoder = new StringDecoder('utf8')
  let text = ''
  try {
    for await (const chunk of response) {
      text += decoder.write(chunk as Buffer)
      const blocks = text.split('\n\n')
      text = blocks.pop() ?? ''
      if (text.length > MAX_EVENT_LENGTH) throw new TabletError('TABLET_UNREACHABLE', `cannot follow ${id}: an event has no end`)
      for (const block of blocks) {
        const event = eventIn(block)
        if (event !== undefined) yield event
      }
    }
  } catch (error) {
    signal.throwIfAborted()
    throw new TabletError('TABLET_UNREACHABLE', `cannot follow the operation ${id} of ${target.alias}: the connection broke`, { cause: error })
  }
}

/** One event of the stream; undefined for heartbeats and for kinds of a later version. */
export function eventIn(block: string): OperationEvent | undefined {
  const lines = block.split('\n')
  const kind = lines.find((line) => line.startsWith('event: '))?.slice(7)
  if (kind !== 'progress' && kind !== 'log' && kind !== 'end') return undefined
  const data = lines.filter((line) => line.startsWith('data: ')).map((line) => line.slice(6)).join('\n')
  try {
    return JSON.parse(data) as OperationEvent
  } catch {
    return undefined   // cut short: the operation is asked for itself when the stream ends
  }
}
