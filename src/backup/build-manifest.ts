/** The MANIFEST of a finished copy, from what was read before the stop and what the engine reports. Pure. */
import type { BackupManifest, EngineManifest } from '../model/manifest.ts'
import { formatPosition } from '../model/position.ts'
import type { GtidSet } from '../model/gtid-set.ts'
import type { ShardName, TabletAlias } from '../model/tablet.ts'
import type { CopyFacts, ServerIdentity } from '../mysqld/mysqld.ts'

export interface BackupFacts {
  readonly alias: TabletAlias
  readonly shard: ShardName
  readonly hostname: string
  readonly identity: ServerIdentity
  readonly position: GtidSet
  /** MySQL: gtid_purged. MariaDB: an empty set. */
  readonly purged: GtidSet
  /** MariaDB: gtid_binlog_state after the stop. */
  readonly binlogState: string | undefined
  readonly copy: CopyFacts
  readonly upgradeSafe: boolean
  readonly startedAt: Date
  readonly toolVersion: string
}

const rfc3339 = (time: Date): string => time.toISOString().replace(/\.\d+Z$/, 'Z')

export function buildManifest(
  name: string, { facts, engine }: { readonly facts: BackupFacts, readonly engine: EngineManifest }, finishedAt: Date,
): BackupManifest {
  const { identity, copy } = facts
  return {
    BackupName: name,
    Position: formatPosition(facts.position),
    PurgedPosition: identity.flavor === 'mysql' ? formatPosition(facts.purged) : '',
    FromPosition: '',
    FromBackup: '',
    Incremental: false,
    BackupTime: rfc3339(facts.startedAt),
    FinishedTime: rfc3339(finishedAt),
    ServerUUID: identity.serverUuid,
    TabletAlias: facts.alias,
    Hostname: facts.hostname,
    Keyspace: facts.shard.keyspace,
    Shard: facts.shard.shard,
    MySQLVersion: `Ver ${identity.versionText} ${identity.versionComment}`,
    UpgradeSafe: facts.upgradeSafe,
    IncrementalDetails: null,
    ...engine,
    Tabletd: {
      ToolVersion: facts.toolVersion,
      PageSize: copy.pageSize,
      LowerCaseTableNames: copy.lowerCaseTableNames,
      InnodbDataFilePath: copy.innodbDataFilePath,
      EncryptionInUse: copy.encrypted.length > 0,
      EnginesWithTables: copy.engines,
      ...(facts.binlogState === undefined ? {} : { GtidBinlogState: facts.binlogState }),
    },
  }
}
