/**
 * HAProxy's agent-check on a TCP port of its own: one line, then the end.
 *
 * Promises  the line goes out at once, from the snapshot; whatever a client sends, holds back or resets harms nobody;
 *           no connection lives longer than two seconds.
 */
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import type { ActionContext } from '../base/action.ts'
import { TabletError, isErrno, messageOf } from '../base/errors.ts'
import { agentLine } from './agent-line.ts'
import { DEFAULT_PROBE_LIMITS } from './answer-probe.ts'
import { listen } from './listeners.ts'
import { probeFacts, type ProbeSource } from './probe-handler.ts'

export interface AgentOptions {
  /** 0 picks a free one. */
  readonly port: number
  readonly bindAddress: string
}

export interface AgentCheck extends AsyncDisposable {
  readonly port: number
}

const LONGEST_MS = 2_000
const MAX_CONNECTIONS = 500

/** @throws TabletError PORT_IN_USE; SETTINGS_INVALID for an address that cannot be listened on. */
export async function startAgentCheck(options: AgentOptions, control: ProbeSource['control'], ctx: ActionContext): Promise<AgentCheck> {
  const open = new Set<Socket>()
  const server = createServer((socket) => {
    open.add(socket)
    const cut = setTimeout(() => { socket.destroy() }, LONGEST_MS)
    socket.on('close', () => { clearTimeout(cut); open.delete(socket) })
    socket.on('error', () => undefined)   // HAProxy resets once it has the line
    socket.resume()                       // what `agent-send` says is read, or closing would reset the connection before the line is read
    socket.end(agentLine(probeFacts({ control, loopDelayMs: () => 0, tags: {} }), DEFAULT_PROBE_LIMITS))
  })
  server.maxConnections = MAX_CONNECTIONS
  await listenFor(server, options, ctx)
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      const closed = new Promise<void>((resolve) => { server.close(() => { resolve() }) })
      for (const socket of open) socket.destroy()
      await closed
    },
  }
}

async function listenFor(server: Server, { port, bindAddress }: AgentOptions, ctx: ActionContext): Promise<void> {
  try {
    await listen(server, { port, host: bindAddress }, ctx)
  } catch (error) {
    const doing = `cannot listen on ${bindAddress}:${port} for agent-check: ${messageOf(error)}`
    throw new TabletError(isErrno(error, 'EADDRINUSE') ? 'PORT_IN_USE' : 'SETTINGS_INVALID', doing, { cause: error })
  }
}
