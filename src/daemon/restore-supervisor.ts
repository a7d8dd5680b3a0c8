/**
 * Restores until there are data, or until the tablet may start empty: what the daemon does by itself in RESTORE.
 *
 * Leaves    what follows each try to afterTry (restore/should-restore.ts), one try to restore-operation.ts.
 * Promises  an error of the storage is waited out, never read as "no backup"; every wait shows its reason and the
 *           time of the next try.
 */
import { sleep, type ActionContext } from '../base/action.ts'
import { asTabletError, type TabletError } from '../base/errors.ts'
import { backoffMs } from '../base/repeat.ts'
import { blocker } from '../model/blocker.ts'
import { parsePosition } from '../model/position.ts'
import { afterTry, type AfterTry } from '../restore/should-restore.ts'
import type { Parts } from './parts.ts'
import { chooseNow, restoreUntilOneHolds, sentinelPresent, wantedAtStart } from './restore-operation.ts'
import { startEmpty } from './start-empty.ts'

const BACKOFF = { firstMs: 2_000, maxMs: 300_000 }

/** Resolves when the tablet has left RESTORE, or stays there until asked. One runs at a time: a second call does nothing. */
export async function superviseRestore(parts: Parts, wake: () => void, ctx: ActionContext): Promise<void> {
  const { watched } = parts
  if (watched.supervising) return
  watched.supervising = true
  try {
    await tryUntilSettled(parts, wake, ctx)
  } catch (error) {
    if (ctx.signal.aborted) return
    const fault = asTabletError(error)
    ctx.log.error({ err: fault, code: fault.code, hint: fault.hint }, 'the restore ended in an error of its own')
    watched.waiting = [blocker('operation-failed', { code: fault.code, message: fault.message })]
  } finally {
    watched.supervising = false
  }
}

async function tryUntilSettled(parts: Parts, wake: () => void, ctx: ActionContext): Promise<void> {
  const { manager, watched, view } = parts
  // a term already there when the wait began does not make a tablet without data its primary
  let termWhenBegun = view.certainTerm
  // a restore that was asked for may have ended the matter while this one waited
  for (let failures = 0; !ctx.signal.aborted && manager.state === 'restore' && !watched.untilAsked;) {
    termWhenBegun ??= view.certainTerm   // the topology was away: the first term read counts
    const failed = await tryOnce(parts, ctx)
    if (failed === undefined) {
      watched.waiting = []
      manager.apply('restored', 'a backup was restored and proved itself')
      wake()
      return
    }
    if (manager.state !== 'restore') return
    const next = await decide(failed, termWhenBegun, parts)
    if (next.do === 'start-empty') {
      watched.waiting = []
      const fault = await startEmpty(termWhenBegun, parts, ctx).then(() => undefined, asTabletError)
      if (fault !== undefined) {
        ctx.signal.throwIfAborted()
        await waitFor(backoffMs(++failures, BACKOFF), fault, parts, ctx)   // and then looks for a backup again
        continue
      }
      manager.apply('started-empty', next.why)
      wake()
      return
    }
    if (next.do !== 'try-again') {
      watched.waiting = [blocker('operation-failed', { code: failed.code, message: `${failed.message}; ${next.do === 'abandon' ? next.why : 'it waits until it is asked for again'}` })]
      return
    }
    failures++
    await waitFor(next.pauseMs ?? backoffMs(failures, BACKOFF), failed, parts, ctx)
  }
}

/** The error of the try; undefined when data were restored. */
async function tryOnce(parts: Parts, ctx: ActionContext): Promise<TabletError | undefined> {
  const wanted = wantedAtStart(parts)
  try {
    const chosen = await chooseNow(wanted, parts, ctx)
    parts.watched.waiting = []
    const ended = Promise.withResolvers<TabletError | undefined>()
    parts.operations.begin('restore', async (operation) => {
      try {
        await restoreUntilOneHolds(chosen, wanted, operation, parts)
        ended.resolve(undefined)
      } catch (error) {
        ended.resolve(asTabletError(error))
        throw error
      }
    })
    return await ended.promise
  } catch (error) {
    ctx.signal.throwIfAborted()
    return asTabletError(error)
  }
}

async function decide(failed: TabletError, termWhenBegun: number | undefined, parts: Parts): Promise<AfterTry> {
  const record = parts.view.latest?.kind === 'record' ? parts.view.latest.record : undefined
  const newer = record !== undefined && termWhenBegun !== undefined && record.term > termWhenBegun
  const start = record?.start === undefined ? undefined : parsePosition(record.start, 'TOPOLOGY_CORRUPT')
  return afterTry({
    code: failed.code,
    cancelled: failed.code === 'OPERATION_CANCELLED',
    sentinel: await sentinelPresent(parts),
    begunBy: 'start',
    waitForBackupIntervalMs: parts.config['wait-for-backup-interval'],
    namedByNewerTerm: newer && record.primary === parts.tablet.alias,
    shardBeganEmpty: newer && start?.isEmpty() === true,
  })
}

/** Waits with the reason shown; a newer record ends the wait early. */
async function waitFor(pauseMs: number, failed: TabletError, parts: Parts, ctx: ActionContext): Promise<void> {
  const { watched, view, state } = parts
  const nextTry = new Date(Date.now() + pauseMs).toISOString()
  const waits = failed.code === 'NO_BACKUP' || failed.code === 'NO_COMPLETE_BACKUP'
  watched.waiting = [blocker(waits ? 'waiting-for-backup' : 'operation-failed', { code: failed.code, message: failed.message, nextTry })]
  if (!waits) ctx.log.warn({ code: failed.code, hint: failed.hint, nextTry }, `restore failed: ${failed.message}`)
  // what failed once may have been the storage's fault: when nothing else is left, it gets another chance
  if (failed.code === 'NO_COMPLETE_BACKUP') await state.remember({ suspectBackups: {} })
  const early = new AbortController()
  const term = view.newestTerm
  using _ = view.onRead(() => { if (view.newestTerm !== term) early.abort() })
  await sleep(pauseMs, AbortSignal.any([ctx.signal, early.signal])).catch(() => undefined)   // either way: look again
}
