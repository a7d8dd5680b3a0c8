/**
 * Where backups live: `<keyspace>/<shard>/<backup name>/<file>` (reference: vitess-backup.md section 1).
 *
 * Every implementation passes test/contract/backup-storage.ts. All calls: reject with the signal's reason when
 * aborted, and touch nothing if it was aborted on entry. Failures are TabletErrors: STORAGE_UNREACHABLE,
 * STORAGE_DENIED, STORAGE_NO_SPACE, STORAGE_FAILED, PATH_ESCAPES.
 */
import type { Readable } from 'node:stream'
import type { ActionContext } from '../base/action.ts'
import type { ShardName } from '../model/tablet.ts'

export const MANIFEST = 'MANIFEST'

export interface BackupStorage {
  readonly kind: string
  /** Names of the shard's backups in ascending order, unfinished ones too; empty when the shard has no directory. */
  listBackups(shard: ShardName, ctx: ActionContext): Promise<readonly string[]>
  /** A hold on one backup; nothing is read yet, so it need not exist. */
  openBackup(shard: ShardName, name: string): ReadableBackup
  /** A new backup to write into. Rejects BACKUP_EXISTS: a name is used once. */
  startBackup(shard: ShardName, name: string, ctx: ActionContext): Promise<WritableBackup>
  /** Removes a backup with all its files, MANIFEST first: what remains after a crash is never complete. Resolves if there is none. */
  removeBackup(shard: ShardName, name: string, ctx: ActionContext): Promise<void>
}

export interface BackupHandle {
  readonly shard: ShardName
  readonly name: string
}

/** A backup to read. */
export interface ReadableBackup extends BackupHandle {
  /** Files with their stored sizes in bytes, sorted by name; empty when the backup does not exist. */
  listFiles(ctx: ActionContext): Promise<readonly StoredFile[]>
  /** The whole of a small file. Rejects BACKUP_NOT_FOUND when absent, MANIFEST_INVALID when larger than `maxBytes`. */
  readSmallFile(file: string, maxBytes: number, ctx: ActionContext): Promise<Uint8Array>
  /**
   * The stored bytes from `start` (default 0) to before `end` (default: the end). Rejects BACKUP_CORRUPT when absent.
   * The stream fails when fewer bytes come than the object holds.
   */
  readFile(file: string, range: { readonly start?: number, readonly end?: number }, ctx: ActionContext): Promise<Readable>
}

/** A backup being written; after `writeManifest` it is complete; `abort` takes all of it back. */
export interface WritableBackup extends BackupHandle {
  /**
   * Stores the bytes of `source` as `file` and resolves when they are durable: they would survive losing power now.
   * Writing a name again replaces it (a second attempt). `sizeHint` in bytes, -1 when unknown.
   */
  writeFile(
    file: string, source: AsyncIterable<Uint8Array>, options: { readonly sizeHint: number }, ctx: ActionContext,
  ): Promise<StoredFile>
  /** Every object with the size the store itself reports. */
  confirmFiles(ctx: ActionContext): Promise<readonly StoredFile[]>
  /** Writes MANIFEST durably, as the last object. */
  writeManifest(content: string, ctx: ActionContext): Promise<void>
  /** For reading back. */
  asReadable(): ReadableBackup
  /** Removes everything written. */
  abort(ctx: ActionContext): Promise<void>
}

export interface StoredFile {
  readonly file: string
  readonly bytes: number
}
