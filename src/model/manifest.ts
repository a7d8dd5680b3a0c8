/**
 * The MANIFEST of a backup (format: reference vitess-backup.md section 2). What we add is ignored by Vitess and not
 * needed to read a backup.
 *
 * This file holds the types; manifest-codec.ts reads and writes them, hostile input included.
 */

export type FileBase = 'InnoDBData' | 'InnoDBLog' | 'Data' | 'BinLog'

export interface ManifestChunk {
  readonly StorageName: string
  readonly Offset: number
  /** Uncompressed bytes. */
  readonly Size: number
  readonly Hash: string
}

export interface FileEntry {
  readonly Base: FileBase
  /** Relative to the base, with `/`. */
  readonly Name: string
  /** CRC-32 (IEEE) of the stored bytes, 8 lowercase hex digits; '' when chunked. */
  readonly Hash: string
  readonly ParentPath: string
  readonly Chunks?: readonly ManifestChunk[]
  /** Ours: bytes on disk, and bytes stored. */
  readonly Size?: number
  readonly StoredSize?: number
  /** Ours: bytes that the file system had allocated, where these are fewer than Size: the file had holes. */
  readonly Allocated?: number
}

/** The fields an engine contributes (builtin: reference 2.3). */
export interface EngineManifest {
  readonly BackupMethod: string
  readonly CompressionEngine?: string
  readonly FileEntries?: readonly FileEntry[]
  readonly SkipCompress?: boolean
  readonly ExternalDecompressor?: string
  readonly TransformHook?: string
  /** xtrabackup (reference 2.4). */
  readonly FileName?: string
  readonly ExtraCommandLineParams?: string
  readonly StreamMode?: string
  readonly NumStripes?: number
  readonly StripeBlockSize?: number
  /** Ours: empty directories to make again, `Base/relative`. */
  readonly Directories?: readonly string[]
}

export interface BackupManifest extends EngineManifest {
  readonly BackupName: string
  readonly Position: string
  readonly PurgedPosition: string
  readonly FromPosition: string
  readonly FromBackup: string
  readonly Incremental: boolean
  /** RFC 3339, UTC, whole seconds; '' in manifests of before 2019. */
  readonly BackupTime: string
  readonly FinishedTime: string
  readonly ServerUUID: string
  readonly TabletAlias: string
  readonly Hostname: string
  readonly Keyspace: string
  readonly Shard: string
  /** `Ver <@@version> <@@version_comment>`; '' in old manifests. */
  readonly MySQLVersion: string
  readonly UpgradeSafe: boolean
  readonly IncrementalDetails: unknown
  /** Ours, all optional (design.md section 5). */
  readonly Tabletd?: ManifestExtras
}

export interface ManifestExtras {
  readonly ToolVersion: string
  readonly PageSize?: number
  readonly LowerCaseTableNames?: number
  readonly InnodbDataFilePath?: string
  readonly EncryptionInUse?: boolean
  readonly EnginesWithTables?: readonly string[]
  /** MariaDB: gtid_binlog_state of the donor. */
  readonly GtidBinlogState?: string
}
