/**
 * One try of a restore: find a backup, restore it, and remember which backups were at fault.
 *
 * Owns      the journal and the operation around restore-backup.ts. Leaves what follows a failure to restore-supervisor.ts
 *           (a restore of the daemon's own) and to restore-request.ts (one that was asked for).
 */
import { readWithin, type ActionContext } from '../base/action.ts'
import { TabletError, asTabletError, hasCode } from '../base/errors.ts'
import type { ErrorCode } from '../base/error-catalogue.ts'
import { parseBackupTime } from '../model/backup-name.ts'
import { readSentinel } from '../mysqld/sentinel.ts'
import { findBackup } from '../restore/find-backup.ts'
import { restoreBackup, type ChosenBackup } from '../restore/restore-backup.ts'
import type { RunningOperation } from './operations.ts'
import type { Parts } from './parts.ts'
import { progressLog } from './progress-log.ts'
import { restoreTools } from './restore-tools.ts'

/** What the backup is at fault for: it is passed over, and the next older one is tried (design.md promise 5). */
const FAULT_OF_THE_BACKUP: readonly ErrorCode[] = [
  'BACKUP_CORRUPT', 'CHECKSUM_MISMATCH', 'MANIFEST_INVALID', 'BACKUP_UNSUPPORTED', 'COMPRESSION_UNSUPPORTED',
  'BACKUP_INCOMPATIBLE', 'PRIVATE_BOOT_FAILED', 'DATADIR_UNREADABLE', 'PATH_ESCAPES',
]

const FIND_DEADLINE_MS = 60_000

export interface Wanted {
  readonly timestamp: string | undefined
  readonly allowedEngines: readonly string[]
}

export const wantedAtStart = ({ config }: Pick<Parts, 'config'>): Wanted =>
  ({ timestamp: config['restore-from-backup-ts'], allowedEngines: config['restore-from-backup-allowed-engines'] })

/** @throws TabletError NO_BACKUP, NO_COMPLETE_BACKUP, STORAGE_NOT_CONFIGURED, or the storage's. */
export async function chooseNow(wanted: Wanted, parts: Parts, ctx: ActionContext): Promise<ChosenBackup> {
  const { storage, shard, restoreEngines, options, state } = parts
  if (storage === undefined) throw new TabletError('STORAGE_NOT_CONFIGURED', 'cannot restore: backup-storage-implementation is not set')
  const notAfterMs = wanted.timestamp === undefined ? undefined : parseBackupTime(wanted.timestamp)
  return await readWithin('find a backup', FIND_DEADLINE_MS, (bounded) => findBackup({ storage, shard, engines: restoreEngines }, {
    running: options.version,
    allowedEngines: wanted.allowedEngines,
    lowerCaseTableNames: options.lowerCaseTableNames,
    quarantined: new Map(Object.entries(state.memory.suspectBackups)),
    ...(notAfterMs === undefined ? {} : { notAfterMs }),
  }, bounded), ctx)
}

/**
 * Restores `chosen`, and the next older one as long as the fault is a backup's own.
 *
 * @throws TabletError of the last try; NO_COMPLETE_BACKUP when none is left.
 */
export async function restoreUntilOneHolds(chosen: ChosenBackup, wanted: Wanted, operation: RunningOperation, parts: Parts): Promise<void> {
  let failedBoot: string | undefined
  for (let next = chosen; ;) {
    try {
      await restoreOnce(next, operation, parts)
      return
    } catch (error) {
      const fault = asTabletError(error)
      if (operation.ctx.signal.aborted || !isFaultOfTheBackup(fault)) throw error
      // its log does not blame the data, so the machine may be at fault: the same backup gets one more chance
      if (fault.code === 'PRIVATE_BOOT_FAILED' && failedBoot !== next.from.name) {
        failedBoot = next.from.name
        operation.ctx.log.warn({ backup: next.from.name, err: fault, code: fault.code, hint: fault.hint }, 'the restored data did not start; restoring this backup once more')
        continue
      }
      operation.ctx.log.error({ backup: next.from.name, err: fault, code: fault.code, hint: fault.hint }, 'this backup does not restore; trying the next older one')
      await parts.state.remember({ suspectBackups: { ...parts.state.memory.suspectBackups, [next.from.name]: fault.message } })
      next = await chooseNow(wanted, parts, operation.ctx)
    }
  }
}

/** A private mysqld that was killed from outside (an operator, the machine short of memory) says nothing of its data. */
const isFaultOfTheBackup = (fault: TabletError): boolean =>
  hasCode(fault, ...FAULT_OF_THE_BACKUP) && fault.details['signal'] !== 'SIGKILL' && fault.details['signal'] !== 'SIGTERM'

async function restoreOnce(chosen: ChosenBackup, operation: RunningOperation, parts: Parts): Promise<void> {
  const { config, journal, view, state } = parts
  operation.note({ backup: chosen.from.name, engine: chosen.engine.name })
  operation.ctx.log.info({ backup: chosen.from.name, position: chosen.manifest.Position }, 'restoring a backup')
  const tools = restoreTools(parts, { drained: state.memory.drained, newestTermBefore: view.certainTerm })
  const everyMs = config['builtinbackup-progress']
  const logProgress = progressLog({ doing: 'restoring', name: chosen.from.name, everyMs }, operation.ctx.log)
  const begin = new Date().toISOString()
  await journal.begin({ operation: operation.id, kind: 'restore', startedAt: begin, step: 'beginning', begunAsPrimary: false })
  const copied = restoreBackup(chosen, tools, {
    concurrency: config['restore-concurrency'],
    onStep: async (step) => {
      await journal.note({ step })
      operation.step(step)
    },
    onStage: parts.operations.onStage,
    onProgress: (progress) => {
      operation.progress(progress.doneBytes, progress.totalBytes)
      logProgress(progress)
    },
  }, operation.ctx)
  await copied.finally(() => journal.clear())   // of a try that failed the sentinel tells all that is left to do
}

export async function sentinelPresent({ config, options }: Pick<Parts, 'config' | 'options'>): Promise<boolean> {
  return (await readSentinel({ tabletDir: config['tablet-dir'], dataDir: options.paths.dataDir })).present
}
