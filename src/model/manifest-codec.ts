/**
 * Writes and reads MANIFEST (reference: vitess-backup.md section 2; docs/backup-format.md).
 *
 * Owns      the order and the names of fields, and every check of hostile input that needs no storage.
 * Leaves    whether the objects exist and have their hashes to engine/, which backup to take to choose-backup.ts.
 * Promises  1  what is encoded is decoded to the same, and Vitess ignores what we add;
 *           2  a decoded manifest holds only paths inside their bases, positions that parse, and numbers in bounds;
 *           3  decoding takes memory and time in proportion to the bytes, and gives up on too many of them.
 */
import { TabletError, hasCode } from '../base/errors.ts'
import { countOf, flagOf, invalid, listOf, objectOf, pathTo, readHostileJson, textOf, valueOf, type Fields } from './hostile-json.ts'
import { readDirectories, readFileEntries } from './manifest-files.ts'
import type { BackupManifest, EngineManifest, ManifestExtras } from './manifest.ts'
import { parseBinlogState } from './mariadb-gtid-set.ts'
import { parsePosition } from './position.ts'

/** Some 300,000 files. */
export const MAX_MANIFEST_BYTES = 64 * 1024 * 1024
const LIMITS = { maxBytes: MAX_MANIFEST_BYTES, maxDepth: 64, maxValues: 4_000_000 } as const

/** Longer than any server's set, and short enough that a hostile one with an interval every two bytes takes little memory. */
const MAX_POSITION_CHARS = 2 * 1024 * 1024

/** Vitess suffixes stripes with three digits. */
const MAX_STRIPES = 1000
const MAX_STRIPE_BLOCK = 1024 * 1024 * 1024

/**
 * The text of a MANIFEST, fields in Vitess's order, ours at the end.
 *
 * @throws TabletError BACKUP_UNSUPPORTED when it would be larger than a reader takes.
 */
export function encodeManifest(manifest: BackupManifest): string {
  const {
    BackupName, BackupMethod, Position, PurgedPosition, FromPosition, FromBackup, Incremental, BackupTime, FinishedTime,
    ServerUUID, TabletAlias, Hostname, Keyspace, Shard, MySQLVersion, UpgradeSafe, IncrementalDetails,
    CompressionEngine, FileEntries, FileName, ExtraCommandLineParams, StreamMode, NumStripes, StripeBlockSize,
    SkipCompress, ExternalDecompressor, TransformHook, Directories, Tabletd, ...unknown
  } = manifest
  void (unknown satisfies Readonly<Record<string, never>>)   // a field added to the type and forgotten here does not compile
  const text = JSON.stringify({
    BackupName, BackupMethod, Position, PurgedPosition, FromPosition, FromBackup, Incremental, BackupTime, FinishedTime,
    ServerUUID, TabletAlias, Hostname, Keyspace, Shard, MySQLVersion, UpgradeSafe, IncrementalDetails,
    CompressionEngine: CompressionEngine === '' ? undefined : CompressionEngine,
    FileEntries, FileName, ExtraCommandLineParams, StreamMode, NumStripes, StripeBlockSize,
    SkipCompress, ExternalDecompressor, TransformHook, Directories, Tabletd,
  }, null, 2)
  const bytes = Buffer.byteLength(text)
  if (bytes > MAX_MANIFEST_BYTES) {
    throw new TabletError('BACKUP_UNSUPPORTED', `cannot write MANIFEST: ${FileEntries?.length ?? 0} files make ${bytes} bytes, more than ${MAX_MANIFEST_BYTES}`)
  }
  return text
}

/**
 * The manifest in `bytes`, of whatever age. Absent fields have Go's zero value; engine fields stay absent.
 *
 * @throws TabletError MANIFEST_INVALID naming the field; BACKUP_UNSUPPORTED for data that went through a transform
 *   hook (up to v15) and for positions without GTIDs.
 */
export function decodeManifest(bytes: Uint8Array): BackupManifest {
  const fields = readHostileJson(bytes, LIMITS)
  const tabletd = readExtras(fields)
  return {
    BackupName: textOf(fields, 'BackupName'),
    Position: readPosition(fields, 'Position'),
    PurgedPosition: readPosition(fields, 'PurgedPosition'),
    FromPosition: readPosition(fields, 'FromPosition'),
    FromBackup: textOf(fields, 'FromBackup'),
    Incremental: flagOf(fields, 'Incremental'),
    BackupTime: textOf(fields, 'BackupTime'),
    FinishedTime: textOf(fields, 'FinishedTime'),
    ServerUUID: textOf(fields, 'ServerUUID'),
    TabletAlias: textOf(fields, 'TabletAlias'),
    Hostname: textOf(fields, 'Hostname'),
    Keyspace: textOf(fields, 'Keyspace'),
    Shard: textOf(fields, 'Shard'),
    MySQLVersion: textOf(fields, 'MySQLVersion'),
    UpgradeSafe: flagOf(fields, 'UpgradeSafe'),
    IncrementalDetails: valueOf(fields, 'IncrementalDetails') ?? null,
    ...readEngineFields(fields),
    ...tabletd === undefined ? {} : { Tabletd: tabletd },
  }
}

function readEngineFields(fields: Fields): EngineManifest {
  const transformHook = textOf(fields, 'TransformHook')
  if (transformHook !== '') {
    throw new TabletError('BACKUP_UNSUPPORTED', 'cannot use this backup: its data went through a transform hook, which only Vitess up to v15 undoes')
  }
  const fileName = textOf(fields, 'FileName')
  if (!/^[-.\w]*$/.test(fileName) || /^\.+$/.test(fileName)) throw invalid('FileName must be the name of one object')
  return {
    BackupMethod: textOf(fields, 'BackupMethod'),
    ...given('CompressionEngine', presentText(fields, 'CompressionEngine')),
    ...given('FileEntries', readFileEntries(fields)),
    ...given('SkipCompress', valueOf(fields, 'SkipCompress') === undefined ? undefined : flagOf(fields, 'SkipCompress')),
    ...given('ExternalDecompressor', presentText(fields, 'ExternalDecompressor')),
    ...given('TransformHook', presentText(fields, 'TransformHook')),
    ...given('FileName', presentText(fields, 'FileName')),
    ...given('ExtraCommandLineParams', presentText(fields, 'ExtraCommandLineParams')),
    ...given('StreamMode', presentText(fields, 'StreamMode')),
    ...given('NumStripes', countOf(fields, 'NumStripes', MAX_STRIPES)),
    ...given('StripeBlockSize', countOf(fields, 'StripeBlockSize', MAX_STRIPE_BLOCK)),
    ...given('Directories', readDirectories(fields)),
  }
}

function readExtras(fields: Fields): ManifestExtras | undefined {
  const extras = objectOf(fields, 'Tabletd')
  if (extras === undefined) return undefined
  const engines = listOf(extras, 'EnginesWithTables')
  if (engines !== undefined && !engines.every((engine): engine is string => typeof engine === 'string')) {
    throw invalid(`${pathTo(extras, 'EnginesWithTables')} must hold strings`)
  }
  return {
    ToolVersion: textOf(extras, 'ToolVersion'),
    ...given('PageSize', countOf(extras, 'PageSize', 65_536)),
    ...given('LowerCaseTableNames', countOf(extras, 'LowerCaseTableNames', 2)),
    ...given('InnodbDataFilePath', presentText(extras, 'InnodbDataFilePath')),
    ...given('EncryptionInUse', valueOf(extras, 'EncryptionInUse') === undefined ? undefined : flagOf(extras, 'EncryptionInUse')),
    ...given('EnginesWithTables', engines),
    ...given('GtidBinlogState', readBinlogState(extras)),
  }
}

/** A position that parses, as written. */
function readPosition(fields: Fields, name: string): string {
  const text = bounded(fields, name, textOf(fields, name))
  try {
    parsePosition(text)
  } catch (error) {
    if (hasCode(error, 'MANIFEST_INVALID')) throw invalid(`${pathTo(fields, name)}: ${error.message}`)
    throw error
  }
  return text
}

function readBinlogState(fields: Fields): string | undefined {
  const text = presentText(fields, 'GtidBinlogState')
  try {
    if (text !== undefined) parseBinlogState(bounded(fields, 'GtidBinlogState', text))
  } catch (error) {
    if (hasCode(error, 'BAD_REQUEST')) throw invalid(`${pathTo(fields, 'GtidBinlogState')}: ${error.message}`)
    throw error
  }
  return text
}

function bounded(fields: Fields, name: string, text: string): string {
  if (text.length > MAX_POSITION_CHARS) throw invalid(`${pathTo(fields, name)} has ${text.length} characters, more than ${MAX_POSITION_CHARS}`)
  return text
}

const presentText = (fields: Fields, name: string): string | undefined =>
  valueOf(fields, name) === undefined ? undefined : textOf(fields, name)

/** `{ [name]: value }`, or nothing: an absent field stays absent. */
function given<N extends string, V>(name: N, value: V | undefined): { readonly [K in N]?: V } {
  return value === undefined ? {} : { [name]: value } as { readonly [K in N]?: V }
}
