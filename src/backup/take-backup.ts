/**
 * Takes one backup of a quiesced or hot source: from its name to a MANIFEST that was read back.
 *
 * Owns      the order: a place in storage → the source made ready → data objects → sizes confirmed by storage →
 *           MANIFEST → read back → complete. A storage that cannot be written to so costs no stop of mysqld.
 * Leaves    copying to the engine, tablet types and mysqld to the daemon.
 * Promises  B1  MANIFEST is the last object written; without it there is no backup.
 *           B2  a backup that did not end complete is removed, under a deadline of its own.
 * See       docs/backup-format.md
 */
import { orAbandon, undoContext, type ActionContext } from '../base/action.ts'
import { TabletError, failedTo } from '../base/errors.ts'
import type { BackupEngine, BackupParams, BackupResult, ProgressListener } from '../engine/backup-engine.ts'
import type { BackupManifest } from '../model/manifest.ts'
import { decodeManifest, encodeManifest, MAX_MANIFEST_BYTES } from '../model/manifest-codec.ts'
import type { StageListener } from '../model/stage.ts'
import type { ShardName } from '../model/tablet.ts'
import { MANIFEST, type BackupStorage, type StoredFile, type WritableBackup } from '../storage/backup-storage.ts'
import { buildManifest, type BackupFacts } from './build-manifest.ts'

export interface TakeBackupRequest {
  readonly shard: ShardName
  readonly name: string
  /** Makes the source ready to be copied, and says what it is then. */
  readonly prepare: () => Promise<{ readonly facts: BackupFacts, readonly source: BackupParams['source'] }>
  readonly concurrency: number
  /** The backup failed and reads the source no more: it need not wait until what was written is removed. */
  readonly onFailed: () => void
  readonly onStep: (step: string) => Promise<void>
  readonly onProgress: ProgressListener
  readonly onStage?: StageListener | undefined
}

const ABORT_DEADLINE_MS = 30_000

/** The manifest of the complete backup, and what it took. Errors: of the engine and the storage; BACKUP_NOT_PROVEN. */
export async function takeBackup(
  request: TakeBackupRequest, { engine, storage }: { readonly engine: BackupEngine, readonly storage: BackupStorage }, ctx: ActionContext,
): Promise<BackupResult & { readonly complete: BackupManifest }> {
  const into = await storage.startBackup(request.shard, request.name, ctx)
  try {
    ctx.signal.throwIfAborted()   // storage may have hung, and the tablet be in service again
    const { facts, source } = await request.prepare()
    await request.onStep('copying')
    const { concurrency, onProgress, onStage } = request
    const result = await engine.executeBackup({ into, source, concurrency, onProgress, onStage }, ctx)
    await request.onStep('confirming sizes')
    assertStored(result, await into.confirmFiles(ctx))
    const manifest = buildManifest(request.name, { facts, engine: result.manifest }, new Date())
    await request.onStep('writing MANIFEST')
    await commit(into, encodeManifest(manifest), { beforeReadBack: () => request.onStep('reading MANIFEST back') }, ctx)
    return { ...result, complete: manifest }
  } catch (error) {
    request.onFailed()
    await abort(into, ctx)
    throw failedTo(`back up to ${request.name}`, error)
  }
}

async function commit(
  into: WritableBackup, text: string, hooks: { readonly beforeReadBack: () => Promise<void> }, ctx: ActionContext,
): Promise<void> {
  await into.writeManifest(text, ctx)
  await hooks.beforeReadBack()
  const back = await into.asReadable().readSmallFile(MANIFEST, MAX_MANIFEST_BYTES, ctx)
  if (Buffer.compare(Buffer.from(text), back) !== 0) throw new TabletError('BACKUP_NOT_PROVEN', 'the MANIFEST read back is not the one written')
  decodeManifest(back)
}

/** Every object that the manifest will name is in storage with the size that was written. */
function assertStored(result: BackupResult, stored: readonly StoredFile[]): void {
  const sizes = new Map(stored.map(({ file, bytes }) => [file, bytes]))
  for (const [index, entry] of (result.manifest.FileEntries ?? []).entries()) {
    const bytes = sizes.get(String(index))
    if (bytes === undefined || bytes !== entry.StoredSize) {
      throw new TabletError('BACKUP_NOT_PROVEN', `storage holds ${bytes ?? 'no'} bytes of object ${index} (${entry.Name}), ${entry.StoredSize} were written`)
    }
  }
}

async function abort(into: WritableBackup, ctx: ActionContext): Promise<void> {
  using undo = undoContext('remove the unfinished backup', ABORT_DEADLINE_MS, ctx)
  try {
    await orAbandon(into.abort(undo), 0, undo.signal)
  } catch (error) {
    // it stays listed as incomplete, which nobody restores; the error that ended the backup is the one to tell
    ctx.log.warn({ err: error, backup: into.name }, 'the unfinished backup could not be removed')
  }
}
