/** Whether a server greets on a unix socket: the socket alone exists and listens long before recovery has ended. */
import { connect } from 'node:net'
import { sleep, type ActionContext } from '../base/action.ts'

const GREETING_MS = 5_000

/** True when the server behind the socket sent its first packet (the handshake, or an error such as "too many connections"). */
export function greets(path: string, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path })
    const end = (answer: boolean) => (): void => {
      signal.removeEventListener('abort', onAbort)
      socket.destroy()
      resolve(answer)
    }
    const onAbort = end(false)
    signal.addEventListener('abort', onAbort, { once: true })
    socket.setTimeout(GREETING_MS, end(false))
    socket.once('data', end(true))
    socket.once('error', end(false))
    socket.once('end', end(false))
  })
}

/** Resolves when the server greets, or with false when `stillThere` says it is gone. Rejects with the signal's reason. */
export async function waitUntilGreets(path: string, stillThere: () => Promise<boolean>, ctx: ActionContext): Promise<boolean> {
  for (;;) {
    ctx.signal.throwIfAborted()
    if (await greets(path, ctx.signal)) return true
    if (!await stillThere()) return false
    await sleep(100, ctx.signal)
  }
}
