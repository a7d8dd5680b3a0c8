/** Waiting until the daemons of a shard have done what its record says. */
import { sleep, withDeadline, type ActionContext } from '../base/action.ts'
import { TabletError, hasCode } from '../base/errors.ts'
import type { ShardRecord } from '../model/records.ts'
import type { TabletSnapshot } from '../model/snapshot.ts'
import { askTablet, type ShardCommandDeps, type TabletView } from './shard-view.ts'

const LOOK_EVERY_MS = 300
const WAKE_WITHIN_MS = 5000

/** What the tablet still has to do under `record`; undefined when nothing. Pure. */
export function stillToDo(record: ShardRecord, snapshot: TabletSnapshot | undefined): string | undefined {
  if (snapshot === undefined) return 'does not answer'
  const term = Math.max(snapshot.shardRecord.record?.term ?? 0, snapshot.shardRecord.cached?.term ?? 0)
  const { writable } = snapshot.mysqld
  if (term < record.term) return `has not read term ${record.term} yet`
  if (snapshot.alias !== record.primary) return writable === true ? 'is still writable' : undefined
  if (snapshot.type === 'PRIMARY' && writable === true) return undefined
  return `is ${snapshot.type}${snapshot.blockers.length === 0 ? '' : ` (${snapshot.blockers.map(({ name }) => name).join(', ')})`}`
}

/** Tells the daemons to read the record now; one that does not hear it reads it at its next tick. */
export async function wakeTablets(tablets: readonly TabletView[], deps: ShardCommandDeps, ctx: ActionContext): Promise<void> {
  await Promise.all(tablets.map(({ record }) =>
    withDeadline(`wake ${record.alias}`, WAKE_WITHIN_MS, (inner) => deps.client.wake(record, inner), ctx)
      .catch((error: unknown) => { ctx.log.debug({ err: error, tablet: record.alias }, 'a tablet could not be woken') })))
  ctx.signal.throwIfAborted()
}

/**
 * Resolves when `tablets` have converged on `record`.
 *
 * @throws TabletError WAIT_TIMEOUT naming each tablet that has not, and why.
 */
export async function awaitConvergence(
  record: ShardRecord, wait: { readonly tablets: readonly TabletView[], readonly waitMs: number } & ShardCommandDeps, ctx: ActionContext,
): Promise<void> {
  let waiting: readonly string[] = []
  try {
    await withDeadline('wait for the tablets', wait.waitMs, async (inner) => {
      for (;;) {
        const seen = await Promise.all(wait.tablets.map(async (tablet) => {
          const todo = stillToDo(record, await askTablet(tablet.record, wait.client, inner))
          return todo === undefined ? [] : [`${tablet.record.alias} ${todo}`]
        }))
        waiting = seen.flat()
        if (waiting.length === 0) return
        await sleep(LOOK_EVERY_MS, inner.signal)
      }
    }, ctx)
  } catch (error) {
    if (ctx.signal.aborted || !hasCode(error, 'DEADLINE_EXCEEDED')) throw error
    const who = waiting.length === 0 ? 'no tablet answered' : waiting.join('; ')
    throw new TabletError('WAIT_TIMEOUT', `term ${record.term} is written, but after ${wait.waitMs / 1000} s: ${who}`, { cause: error, details: { waiting } })
  }
}
