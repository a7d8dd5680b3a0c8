/**
 * One backup, from the request to a tablet that is back in service.
 *
 * Owns      the tablet's type meanwhile, the journal, and giving the tablet back whatever happened.
 * Leaves    quiescing and committing to backup/, copying to the engine; starting, read-only and attaching to the loop,
 *           which derives them from the current record.
 * Promises  the tablet is given back under a deadline of its own, deaf to the cancel that ended the backup.
 */
import { orAbandon, pollUntil, sleep, undoContext, withDeadline, type ActionContext } from '../base/action.ts'
import { TabletError } from '../base/errors.ts'
import { quiesce } from '../backup/quiesce.ts'
import { takeBackup } from '../backup/take-backup.ts'
import type { BackupRequest } from '../http/control.ts'
import { nextBackupName } from '../model/backup-name.ts'
import type { Operation } from '../model/operation.ts'
import { forgetRunning } from '../replication/operator-stop.ts'
import type { RunningOperation } from './operations.ts'
import type { Parts } from './parts.ts'
import { progressLog } from './progress-log.ts'
import { checkBackup, refuseNow, type CheckedBackup } from './check-backup.ts'

/** After the copy: how long the loop may take to start and attach before the operation ends without waiting for it. */
const GIVE_BACK_MS = 10 * 60_000
/** It was listed when the backup was asked for: a storage that fails now keeps the tablet out of service for nothing. */
const LIST_MS = 10_000

/** After a cancel: how long the copy may take to end. Storage that hangs is then left alone; what is left of the copy only reads. */
const ABANDON_MS = 9_000

interface Hands {
  readonly parts: Parts
  /** Lets the loop turn now. */
  readonly wake: () => void
}

/** @throws TabletError as TabletControl.beginBackup says. */
export async function beginBackup(request: BackupRequest, parts: Parts, wake: () => void, ctx: ActionContext): Promise<Operation> {
  const checked = await checkBackup(request, parts, ctx)
  if (parts.operations.current === undefined) await requireGtids(parts, ctx)
  return parts.operations.begin('backup', (operation) => runBackup(checked, operation, { parts, wake }))
}

/** A copy without a position is none that a replica could be made of. */
async function requireGtids({ mysqld, tablet }: Pick<Parts, 'mysqld' | 'tablet'>, ctx: ActionContext): Promise<void> {
  const { gtidProblems } = await mysqld.observe(ctx)
  if (gtidProblems.length > 0) throw new TabletError('GTID_REQUIRED', `cannot back up ${tablet.alias}: ${gtidProblems.join('; ')}`)
}

async function runBackup(checked: CheckedBackup, operation: RunningOperation, { parts, wake }: Hands): Promise<void> {
  const { manager, journal, keeper, watched, view } = parts
  const begunAsPrimary = manager.state === 'primary'
  const startedAt = new Date()
  await journal.begin({
    operation: operation.id, kind: 'backup', startedAt: startedAt.toISOString(), step: 'beginning', begunAsPrimary, termAtBegin: view.newestTerm ?? 0,
  })
  operation.note({ engine: checked.engine.name })
  try {
    refuseNow(checked, parts)   // it may have been promoted since it was asked
  } catch (error) {
    await journal.clear()
    throw error
  }
  if (parts.origin.closed) operation.ctx.log.warn('this tablet has not served since its data were made; what it holds is backed up all the same')
  manager.apply('cold-backup-began', `backup ${operation.id} by the ${checked.engine.name} engine`)
  watched.replication = forgetRunning(watched.replication)
  wake()
  const outSinceMs = performance.now()
  let ended = false
  const end = (): void => {
    if (ended) return
    ended = true
    watched.replication = forgetRunning(watched.replication)
    keeper.forgetEnds()
    manager.apply('backup-ended', `backup ${operation.id} ended`)
    wake()
  }
  try {
    await orAbandon(copyCold(checked, { operation, startedAt, end }, parts), ABANDON_MS, operation.ctx.signal)
  } finally {
    end()
    using undo = undoContext('give the tablet back', GIVE_BACK_MS, operation.ctx)
    await giveBack(operation, { parts, wake }, undo)
    operation.note({ outOfServiceSeconds: Math.round((performance.now() - outSinceMs) / 100) / 10 })
    await journal.clear()
  }
}

async function copyCold(
  { engine, storage, request }: CheckedBackup,
  { operation, startedAt, end }: { readonly operation: RunningOperation, readonly startedAt: Date, readonly end: () => void },
  parts: Parts,
): Promise<void> {
  const { config, mysqld, process, journal, shard, tablet, watched } = parts
  const { ctx } = operation
  const onStep = async (step: string): Promise<void> => {
    ctx.signal.throwIfAborted()   // abandoned: the journal is another operation's by now
    await journal.note({ step })
    operation.step(step)
  }
  await watched.turn   // it might still start replication, or make this server writable
  await onStep('before stop')
  // load balancers read 503 from here on, and may look elsewhere before the server goes
  await sleep(config['serving-state-grace-period'], ctx.signal)
  const listed = await withDeadline('list the backups', LIST_MS, (bounded) => storage.listBackups(shard, bounded), ctx)
  const name = nextBackupName(Date.now(), listed, tablet.alias)
  ctx.signal.throwIfAborted()
  await journal.note({ writing: name })
  operation.note({ backup: name })
  const logProgress = progressLog({ doing: 'backing up', name, everyMs: config['builtinbackup-progress'] }, ctx.log)
  const upgradeSafe = request.upgradeSafe ?? false
  await takeBackup({
    shard, name,
    prepare: async () => {
      const running = await process.state()
      watched.quieted = running.kind === 'running' ? running.identity : undefined
      if (watched.quieted !== undefined) await journal.note({ quieted: watched.quieted })
      const source = await quiesce({
        upgradeSafe,
        stopDeadlineMs: Math.max(config['builtinbackup-mysqld-timeout'], config['mysql-shutdown-timeout'] + 30_000),
        beforeFastShutdown: async (was) => {
          ctx.signal.throwIfAborted()
          await journal.note({ fastShutdown: was })
        },
        beforeStop: () => onStep('stopping'),
        check: (copy) => engine.preflight(copy),
      }, { mysqld, process }, ctx)
      const { alias, hostname, version: toolVersion } = tablet
      return { facts: { ...source, alias, shard, hostname, startedAt, upgradeSafe, toolVersion }, source: source.copy }
    },
    concurrency: request.concurrency ?? config.concurrency,
    onFailed: end,
    onStep,
    onStage: parts.operations.onStage,
    onProgress: (progress) => {
      if (ctx.signal.aborted) return
      operation.progress(progress.doneBytes, progress.totalBytes)
      logProgress(progress)
    },
  }, { engine, storage }, ctx)
}

/** The loop starts mysqld and makes the tablet what the record says; this only watches it happen. */
async function giveBack(operation: RunningOperation, { parts, wake }: Hands, ctx: ActionContext): Promise<void> {
  const { mysqld, manager, journal, watched, view } = parts
  await journal.note({ step: 'starting' })
  operation.step('starting')
  wake()
  try {
    const server = await pollUntil(200, async (bounded) => await mysqld.observe(bounded).catch(() => undefined), ctx)
    await restoreFastShutdown(parts, ctx)
    await journal.note({ step: 'attaching' })
    operation.step('attaching')
    wake()
    // a shard without a primary has nothing to attach to, and an error of replication is the loop's to show
    const attaches = server.replication !== undefined && view.latest?.kind === 'record' && !watched.replication.stoppedByOperator
    if (!attaches) return
    await withDeadline('see replication run again', 30_000, (bounded) => pollUntil(200, async () => {
      if (manager.state === 'primary') return true
      const status = await mysqld.replicationStatus(bounded).catch(() => undefined)
      return status?.io === 'running' && status.sql === 'running' ? true : undefined
    }, bounded), ctx)
  } catch (error) {
    ctx.log.warn({ err: error }, 'the tablet is not back in service yet; the loop goes on with it')
  }
}

/** Only where the stop did not happen: a server that was started anew has its own value again. */
async function restoreFastShutdown({ journal, mysqld }: Pick<Parts, 'journal' | 'mysqld'>, ctx: ActionContext): Promise<void> {
  const was = journal.entry?.fastShutdown
  if (was !== 0 && was !== 1 && was !== 2) return
  if (await mysqld.fastShutdown(ctx) !== was) await mysqld.setFastShutdown(was, ctx)
}
