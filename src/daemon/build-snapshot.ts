/** The snapshot that readers see, from what a turn saw and decided. Pure. */
import type { Blocker } from '../model/blocker.ts'
import type { Operation } from '../model/operation.ts'
import { formatPosition } from '../model/position.ts'
import type { DataFacts, LagSigns, MysqldFacts, ReplicationFacts, TabletSnapshot, TypeChange } from '../model/snapshot.ts'
import type { ShardRecord } from '../model/records.ts'
import type { ServerFacts } from '../mysqld/mysqld.ts'
import type { RecordRead } from '../replication/decide-authority.ts'
import type { TabletManager } from './tablet-manager.ts'

/** What does not change while the daemon runs. */
export type TabletIdentity = Pick<TabletSnapshot, 'alias' | 'keyspace' | 'shard' | 'hostname' | 'version' | 'startedAt'>

export interface SeenFacts {
  readonly nowMs: number
  readonly httpPort: number
  readonly mysqlPort: number
  readonly drained: boolean
  readonly mysqldRuns: boolean
  readonly pid: number | undefined
  /** undefined: it does not answer, or was not asked. */
  readonly server: ServerFacts | undefined
  readonly lagSeconds: number | undefined
  readonly lagSigns: LagSigns
  readonly lagLimits: NonNullable<TabletSnapshot['lagLimits']>
  readonly record: RecordRead | undefined
  readonly cached: ShardRecord | undefined
  readonly data: DataFacts
  readonly blockers: readonly Blocker[]
  readonly sentence: string
  readonly operation: Operation | undefined
}

export function buildSnapshot(
  tablet: TabletIdentity, manager: Pick<TabletManager, 'state' | 'type' | 'targetType' | 'history'>, seen: SeenFacts,
): TabletSnapshot {
  const { server } = seen
  return {
    ...tablet,
    observedAtMs: seen.nowMs,
    httpPort: seen.httpPort,
    mysqlPort: seen.mysqlPort,
    state: manager.state,
    type: manager.type,
    targetType: manager.targetType,
    drained: seen.drained,
    blockers: seen.blockers,
    sentence: seen.sentence,
    mysqld: mysqldFacts(seen),
    ...(server?.replication === undefined ? {} : { replication: replicationFacts(server) }),
    ...(server === undefined ? {} : lagFacts(seen)),   // one measured before would stand still and look fresh
    lagLimits: seen.lagLimits,
    ...lastChangeOf(manager),
    ...(server === undefined ? {} : { position: formatPosition(server.executed) }),
    ...(server?.binlogState === undefined ? {} : { binlogState: server.binlogState }),
    shardRecord: {
      read: seen.record?.kind ?? 'not-yet',
      ...(seen.record?.kind === 'record' ? { record: seen.record.record } : {}),
      ...(seen.cached === undefined ? {} : { cached: seen.cached }),
    },
    data: {
      ...seen.data,
      ...(server === undefined ? {} : { hasUserData: server.userSchemas.length > 0 || !server.executed.isEmpty() }),
    },
    ...(seen.operation === undefined ? {} : { operation: seen.operation }),
  }
}

const lagFacts = ({ lagSeconds, lagSigns }: SeenFacts): Pick<TabletSnapshot, 'lagSeconds' | 'lag'> => ({
  ...(lagSeconds === undefined ? {} : { lagSeconds }),
  ...(Object.keys(lagSigns).length === 0 ? {} : { lag: lagSigns }),
})

function lastChangeOf({ history }: Pick<TabletManager, 'history'>): { readonly lastChange?: TypeChange } {
  const last = history.at(-1)
  if (last === undefined) return {}
  const { from, to, why, time } = last
  return { lastChange: { from, to, why, time } }
}

function mysqldFacts({ mysqldRuns, pid, server }: SeenFacts): MysqldFacts {
  return {
    running: mysqldRuns,
    answers: server !== undefined,
    ...(pid === undefined ? {} : { pid }),
    ...(server === undefined ? {} : {
      writable: !server.readOnly,
      version: server.identity.versionText,
      flavor: server.identity.flavor,
      serverUuid: server.identity.serverUuid,
      serverId: server.identity.serverId,
    }),
  }
}

function replicationFacts(server: ServerFacts): ReplicationFacts {
  const status = server.replication
  if (status === undefined) throw new TypeError('no channel')
  const error = status.sqlError !== '' ? status.sqlError : status.ioError
  return {
    source: `${status.source.host}:${status.source.port}`,
    io: status.io,
    sql: status.sql,
    ...(error === '' ? {} : { error }),
    ...(server.semiSync.replicaEnabled === undefined ? {} : { semiSync: server.semiSync.replicaActive }),
  }
}
