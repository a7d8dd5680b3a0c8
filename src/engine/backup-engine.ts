/**
 * Ways of copying a database. Engines state facts as data; callers read `properties`, never the name.
 *
 * An engine neither stops nor starts mysqld, writes no MANIFEST and knows no tablet types: the flow around it does.
 */
import type { ActionContext } from '../base/action.ts'
import type { BackupManifest, EngineManifest } from '../model/manifest.ts'
import type { StageListener } from '../model/stage.ts'
import type { CopyFacts, ServerPaths } from '../mysqld/mysqld.ts'
import type { ReadableBackup, WritableBackup } from '../storage/backup-storage.ts'

export interface BackupEngine {
  readonly name: string
  readonly properties: {
    /** 'stopped': mysqld must have been shut down cleanly, so the tablet is out of service meanwhile. */
    readonly mysqldDuringBackup: 'running' | 'stopped'
  }
  /** Refuses what it cannot copy, while the server still serves. Rejects TABLESPACE_OUTSIDE, ENCRYPTION_UNSUPPORTED. Changes nothing. */
  preflight(source: CopyFacts): Promise<void>
  /** Copies the database into `params.into`; resolves when every object is durable. */
  executeBackup(params: BackupParams, ctx: ActionContext): Promise<BackupResult>
}

export interface BackupParams {
  readonly into: WritableBackup
  readonly source: CopyFacts
  readonly concurrency: number
  readonly onProgress: ProgressListener
  /** Told of read and compress; the storage's stages are counted around it. */
  readonly onStage?: StageListener | undefined
}

export interface BackupResult {
  readonly manifest: EngineManifest
  readonly bytes: number
  readonly storedBytes: number
}

export interface RestoreEngine {
  readonly name: string
  /**
   * Checks the parts of the manifest this engine reads and that every object is in storage with its size. Changes nothing.
   * Rejects MANIFEST_INVALID, BACKUP_CORRUPT, BACKUP_UNSUPPORTED, COMPRESSION_UNSUPPORTED, EXTERNAL_COMMAND_FAILED.
   */
  verify(params: RestoreSource, ctx: ActionContext): Promise<RestoreEstimate>
  /** Fills empty directories from the backup; resolves when all of it is on disk, fsynced. */
  executeRestore(params: RestoreParams, ctx: ActionContext): Promise<void>
}

export interface RestoreSource {
  readonly from: ReadableBackup
  readonly manifest: BackupManifest
}

export interface RestoreEstimate {
  readonly files: number
  /** Bytes on disk after the restore; undefined when the manifest does not tell. */
  readonly bytes: number | undefined
  /** The same if no file keeps its holes: what the data may grow to. */
  readonly fullBytes: number | undefined
  readonly storedBytes: number
}

export interface RestoreParams extends RestoreSource {
  readonly to: Pick<ServerPaths, 'dataDir' | 'innodbDataHome' | 'innodbLogHome' | 'undoDir'>
  readonly concurrency: number
  readonly onProgress: ProgressListener
  /** Told of decompress and write. */
  readonly onStage?: StageListener | undefined
}

export type ProgressListener = (progress: Progress) => void

/** Uncompressed bytes; `doneBytes` shrinks when an attempt failed and is repeated. */
export interface Progress {
  readonly doneBytes: number
  readonly totalBytes: number | undefined
  readonly file?: string
}
