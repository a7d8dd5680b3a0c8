/** Says of every failure which of the topology's answers it is. */
import type { ActionContext } from '../base/action.ts'
import { TabletError, failedTo, messageOf } from '../base/errors.ts'

/**
 * Runs one call of a store. Our own errors keep their code and get words; any error of the system means that the
 * store could not be reached.
 */
export async function reaching<T>(doing: string, ctx: ActionContext, work: () => Promise<T>): Promise<T> {
  ctx.signal.throwIfAborted()
  try {
    return await work()
  } catch (error) {
    if (error instanceof TabletError) throw failedTo(doing, error)
    throw new TabletError('TOPOLOGY_UNREACHABLE', `cannot ${doing}: ${messageOf(error)}`, { cause: error })
  }
}
