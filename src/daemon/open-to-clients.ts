/**
 * Lets clients in, once: a server that tabletd made stays closed until its first healthy verdict or its promotion,
 * because ProxySQL serves any read-only server without a channel (design.md section 4).
 */
import { withDeadline, type ActionContext } from '../base/action.ts'
import { hasCode } from '../base/errors.ts'
import { blocker } from '../model/blocker.ts'
import type { ProcessState } from '../mysqld/mysqld-process.ts'
import { forgetRunning } from '../replication/operator-stop.ts'
import type { Acted } from './acted.ts'
import type { Parts } from './parts.ts'

/**
 * MySQL leaves its offline mode. MariaDB has none and was started without networking: one restart, which the loop does
 * (a blocker until then).
 */
const STOP_WAIT_MS = 10_000

export async function openToClients(
  parts: Pick<Parts, 'mysqld' | 'process' | 'keeper' | 'origin' | 'watched'>, ctx: ActionContext,
): Promise<Acted> {
  const { mysqld, process, keeper, origin, watched } = parts
  if (await mysqld.setOfflineMode(false, ctx)) {
    await origin.setClosed(false)
    return { blockers: [], sentence: 'opened to clients', changed: true }
  }
  watched.replication = forgetRunning(watched.replication)
  watched.opening = true
  await withDeadline('stop mysqld', STOP_WAIT_MS, (bounded) => process.stop(bounded), ctx).catch((error: unknown) => {
    ctx.signal.throwIfAborted()
    if (!hasCode(error, 'MYSQLD_STOP_FAILED', 'DEADLINE_EXCEEDED')) throw error
    ctx.log.debug({ err: error }, 'mysqld ends slowly; the loop goes on meanwhile')   // the shutdown goes on too
  })
  await finishOpening(await process.state(), { keeper, origin, watched })
  const sentence = 'opened to clients: mysqld is started again with networking'
  return { blockers: [blocker('mysqld-down', { message: sentence })], sentence, changed: false }
}

/** After the stop: said before, a crash in between would leave a server without networking for open. */
export async function finishOpening(state: ProcessState, { keeper, origin, watched }: Pick<Parts, 'keeper' | 'origin' | 'watched'>): Promise<void> {
  if (!watched.opening || state.kind !== 'stopped') return
  await origin.setClosed(false)
  keeper.forgetEnds()
  watched.opening = false
}
