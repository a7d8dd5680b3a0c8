/**
 * Restores one chosen backup: from a verified MANIFEST to data that a private boot has proven.
 *
 * Owns      the order of steps. Nothing is stopped, moved or deleted before the MANIFEST was checked and every object seen.
 * Leaves    choosing (find-backup.ts), the normal start and attaching (daemon).
 * Promises  R1  from before the first deletion until the data are proven and on disk, both sentinels say that the
 *               directory is no database (sentinel.ts).
 *           R2  the sentinels go last, after everything is fsynced.
 *           R3  data moved aside stay aside until the restored tablet is healthy.
 */
import type { ActionContext } from '../base/action.ts'
import { failedTo } from '../base/errors.ts'
import type { ProgressListener, RestoreEngine, RestoreEstimate, RestoreParams } from '../engine/backup-engine.ts'
import type { BackupManifest } from '../model/manifest.ts'
import type { StageListener } from '../model/stage.ts'
import type { ReadableBackup } from '../storage/backup-storage.ts'

export interface ChosenBackup {
  readonly from: ReadableBackup
  readonly manifest: BackupManifest
  readonly engine: RestoreEngine
}

/** What a restore does to the server and its directories. Declared by the one who asks; the daemon fits itself to it. */
export interface RestoreTools {
  readonly to: RestoreParams['to']
  /** Refuses (NO_SPACE) before anything is changed. */
  checkSpace(estimate: RestoreEstimate): Promise<void>
  stopMysqld(ctx: ActionContext): Promise<void>
  writeSentinels(backup: string): Promise<void>
  /** Empties the directories that are filled anew: contents moved aside or removed, never the directories themselves. */
  makeRoom(estimate: RestoreEstimate, ctx: ActionContext): Promise<void>
  /** The inert boot: no channel, the position, our accounts, a log-in; then a clean stop. */
  proveInPrivate(manifest: BackupManifest, ctx: ActionContext): Promise<void>
  /** Says durably how the data came to be. */
  writeOriginMark(backup: string, position: string): Promise<void>
  removeSentinels(): Promise<void>
}

export interface RestoreRequest {
  readonly concurrency: number
  readonly onStep: (step: string) => Promise<void>
  readonly onProgress: ProgressListener
  readonly onStage?: StageListener | undefined
}

/**
 * Fills the server's directories from `chosen` and leaves mysqld stopped.
 *
 * @throws TabletError BACKUP_CORRUPT, CHECKSUM_MISMATCH, MANIFEST_INVALID, BACKUP_UNSUPPORTED: this backup is at fault.
 *   PRIVATE_BOOT_FAILED: the data do not start. NO_SPACE, MYSQLD_STOP_FAILED and storage codes: try the same backup again.
 */
export async function restoreBackup(chosen: ChosenBackup, tools: RestoreTools, request: RestoreRequest, ctx: ActionContext): Promise<void> {
  const name = chosen.from.name
  try {
    await request.onStep('checking every object')
    const estimate = await chosen.engine.verify(chosen, ctx)
    await tools.checkSpace(estimate)
    await request.onStep('stopping mysqld')
    await tools.stopMysqld(ctx)
    ctx.signal.throwIfAborted()
    await tools.writeSentinels(name)
    await request.onStep('sentinel written')
    await request.onStep('moving aside')
    await tools.makeRoom(estimate, ctx)
    await request.onStep('copying')
    const { concurrency, onProgress, onStage } = request
    await chosen.engine.executeRestore({ ...chosen, to: tools.to, concurrency, onProgress, onStage }, ctx)
    await request.onStep('first boot')
    await tools.proveInPrivate(chosen.manifest, ctx)
    await request.onStep('removing the sentinel')
    await tools.writeOriginMark(name, chosen.manifest.Position)
    await tools.removeSentinels()
  } catch (error) {
    throw failedTo(`restore backup ${name}`, error)
  }
}
