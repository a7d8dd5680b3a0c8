/** Plain facts for tables: one good case each, and what differs. */
import { silentLogger } from '../../src/base/logger.ts'
import type { ActionContext } from '../../src/base/action.ts'
import type { GtidSet } from '../../src/model/gtid-set.ts'
import { parseGtidSet } from '../../src/model/position.ts'
import type { ShardRecord, TabletRecord } from '../../src/model/records.ts'
import type { TabletSnapshot } from '../../src/model/snapshot.ts'
import type { ReplicationStatus } from '../../src/mysqld/mysqld.ts'
import type { FollowerFacts, SourceFacts } from '../../src/replication/judge-source.ts'
import type { ShardView, TabletView } from '../../src/replication/shard-view.ts'

export const UUID_A = 'aaaaaaaa-0000-0000-0000-000000000001'
export const UUID_B = 'bbbbbbbb-0000-0000-0000-000000000002'
export const NOW = '2026-01-02T03:04:05.000Z'

export const mysqlSet = (text: string): GtidSet => parseGtidSet('mysql', text)
export const mariadbSet = (text: string): GtidSet => parseGtidSet('mariadb', text)
export const ctx: ActionContext = { signal: new AbortController().signal, log: silentLogger() }

export const PRIMARY_ADDRESS = { host: '10.0.0.1', port: 3306 }

/** A replica at A:1-5. */
export const follower = (more: Partial<FollowerFacts> = {}): FollowerFacts => ({
  flavor: 'mysql', serverUuid: UUID_B, serverId: 2, userSchemas: ['app'], executed: mysqlSet(`${UUID_A}:1-5`), binlogState: undefined,
  hasChannel: true, ...more,
})

/** A primary at A:1-9 with its whole history. */
export const source = (more: Partial<SourceFacts> = {}): SourceFacts => ({
  flavor: 'mysql', serverUuid: UUID_A, serverId: 1, readOnly: false, executed: mysqlSet(`${UUID_A}:1-9`), purged: mysqlSet(''),
  binlogState: undefined, historyWhole: true, ...more,
})

/** Both threads run against PRIMARY_ADDRESS. */
export const status = (more: Partial<ReplicationStatus> = {}): ReplicationStatus => ({
  source: PRIMARY_ADDRESS, user: 'repl', io: 'running', sql: 'running', ioErrorNumber: 0, ioError: '', sqlErrorNumber: 0, sqlError: '',
  secondsBehind: 0, retrieved: mysqlSet(`${UUID_A}:1-5`), executed: mysqlSet(`${UUID_A}:1-5`), autoPosition: true, sourceUuid: UUID_A, ...more,
})

export const alias = (uid: number): string => `zone1-${String(uid).padStart(10, '0')}`

export const record = (more: Partial<ShardRecord> = {}): ShardRecord => ({
  keyspace: 'commerce', shard: '0', primary: alias(101), term: 3, since: NOW, start: `MySQL56/${UUID_A}:1-5`, claimed: true, ...more,
})

export const tabletRecord = (uid: number): TabletRecord => ({
  alias: alias(uid), type: 'REPLICA', keyspace: 'commerce', shard: '0', hostname: '127.0.0.1', mysqlPort: 3306, httpPort: 15100 + uid, startedAt: NOW, tags: {},
})

/** A healthy replica at A:1-5 that has read term 3. */
export const snapshot = (uid: number, more: Partial<TabletSnapshot> = {}): TabletSnapshot => ({
  observedAtMs: 0, alias: alias(uid), keyspace: 'commerce', shard: '0', hostname: '127.0.0.1', httpPort: 15100 + uid, mysqlPort: 3306,
  version: '0', startedAt: NOW, state: 'serving', type: 'REPLICA', targetType: 'REPLICA', drained: false, blockers: [], sentence: '',
  mysqld: { running: true, answers: true, writable: false, flavor: 'mysql' },
  replication: { source: '10.0.0.1:3306', io: 'running', sql: 'running' }, lagSeconds: 0, position: `MySQL56/${UUID_A}:1-5`,
  shardRecord: { read: 'record', record: record(), cached: record() }, data: { hasUserData: true, origin: 'found' }, ...more,
})

const WRITABLE = { running: true, answers: true, writable: true, flavor: 'mysql' } as const
/** What a primary's snapshot has otherwise. */
export const AS_PRIMARY: Partial<TabletSnapshot> = { state: 'primary', type: 'PRIMARY', mysqld: WRITABLE }
/** A tablet before any record was written. */
export const UNNAMED: Partial<TabletSnapshot> = {
  state: 'spare', type: 'SPARE', shardRecord: { read: 'none' }, replication: { source: '10.0.0.1:3306', io: 'stopped', sql: 'stopped' },
}

export const tablet = (uid: number, more: Partial<TabletSnapshot> | 'unreachable' = {}): TabletView =>
  ({ record: tabletRecord(uid), snapshot: more === 'unreachable' ? undefined : snapshot(uid, more) })

export const view = (tablets: readonly TabletView[], stored: ShardRecord | undefined): ShardView =>
  ({ name: { keyspace: 'commerce', shard: '0' }, record: stored, version: stored === undefined ? undefined : 'v1', tablets })
