/** The MANIFEST of a finished copy: what Vitess reads, and what we add. */
import t from 'tap'
import { buildManifest } from '../../src/backup/build-manifest.ts'
import { decodeManifest, encodeManifest } from '../../src/model/manifest-codec.ts'
import type { EngineManifest } from '../../src/model/manifest.ts'
import { serverIdentity } from '../daemon/builders.ts'
import { factsOf } from '../engine/fake-server.ts'
import { UUID_A, UUID_B, mariadbSet } from '../replication/builders.ts'
import { NAME, backupFacts } from './fakes.ts'

const ENGINE: EngineManifest = { BackupMethod: 'builtin', CompressionEngine: 'zstd', FileEntries: [], SkipCompress: false, Directories: ['Data/empty'] }
const FINISHED = new Date('2026-08-19T10:16:01.999Z')
const build = (more: Parameters<typeof backupFacts>[0] = {}) => buildManifest(NAME, { facts: backupFacts(more), engine: ENGINE }, FINISHED)

t.test('a MySQL backup says what Vitess needs, in its words', (t) => {
  t.same(build(), {
    BackupName: NAME, BackupMethod: 'builtin', CompressionEngine: 'zstd', FileEntries: [], SkipCompress: false, Directories: ['Data/empty'],
    Position: `MySQL56/${UUID_A}:1-5`, PurgedPosition: `MySQL56/${UUID_A}:1-2`, FromPosition: '', FromBackup: '', Incremental: false,
    BackupTime: '2026-08-19T10:15:00Z', FinishedTime: '2026-08-19T10:16:01Z',
    ServerUUID: UUID_B, TabletAlias: 'zone1-0000000102', Hostname: 'db7.example', Keyspace: 'commerce', Shard: '0',
    MySQLVersion: 'Ver 9.1.0 MySQL Community Server', UpgradeSafe: false, IncrementalDetails: null,
    Tabletd: {
      ToolVersion: '0.1.0', PageSize: 16_384, LowerCaseTableNames: 0, InnodbDataFilePath: 'ibdata1:12M:autoextend', EncryptionInUse: false,
      EnginesWithTables: ['InnoDB'],
    },
  })
  t.end()
})

t.test('a MariaDB backup has the state of its binary log, and no purged position', (t) => {
  const identity = serverIdentity({ flavor: 'mariadb', serverUuid: '', versionText: '10.11.19-MariaDB-log', versionComment: 'Debian' })
  const manifest = build({ identity, position: mariadbSet('0-1-7,1-1-3'), purged: mariadbSet(''), binlogState: '0-2-4,0-1-7,1-1-3' })
  t.match(manifest, {
    Position: 'MariaDB/0-1-7,1-1-3', PurgedPosition: '', ServerUUID: '', MySQLVersion: 'Ver 10.11.19-MariaDB-log Debian',
    Tabletd: { GtidBinlogState: '0-2-4,0-1-7,1-1-3' },
  })
  t.end()
})

t.test('a server that has executed nothing has the empty position, not none', (t) => {
  t.equal(build({ position: mariadbSet(''), identity: serverIdentity({ flavor: 'mariadb' }) }).Position, 'MariaDB/')
  t.end()
})

t.test('what an upgrade or another server must know is said', (t) => {
  const copy = factsOf('/srv', { encrypted: ['app'], engines: ['InnoDB', 'MyISAM'], pageSize: 4096, lowerCaseTableNames: 1 })
  t.match(build({ upgradeSafe: true, copy }), {
    UpgradeSafe: true, Tabletd: { EncryptionInUse: true, EnginesWithTables: ['InnoDB', 'MyISAM'], PageSize: 4096, LowerCaseTableNames: 1 },
  })
  t.end()
})

t.test('it is read back as it was written', (t) => {
  t.match(decodeManifest(Buffer.from(encodeManifest(build()))), build())
  t.end()
})
