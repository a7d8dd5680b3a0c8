/** The composition root: every object of a tablet, built from its settings in reading order. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ActionContext } from '../base/action.ts'
import { TabletError } from '../base/errors.ts'
import type { Config } from '../config/settings.ts'
import { builtinBackupEngine } from '../engine/builtin-backup.ts'
import { builtinRestoreEngine } from '../engine/builtin-restore.ts'
import { formatShardName } from '../model/tablet.ts'
import type { ShardRecord } from '../model/records.ts'
import type { Beat } from '../mysqld/dialects/heartbeat.ts'
import { openHeartbeats } from '../mysqld/heartbeats.ts'
import { DiskWatch } from '../health/disk-watch.ts'
import { openMysqldProcess } from '../mysqld/open-mysqld-process.ts'
import type { Mysqld } from '../mysqld/mysqld.ts'
import { readServerOptions } from '../mysqld/read-server-options.ts'
import { openRemoteMysqld } from '../mysqld/remote-mysqld.ts'
import { openMysqld } from '../mysqld/sql-mysqld.ts'
import type { LookAtSource } from '../replication/judge-source.ts'
import { countedStorage } from '../storage/counted-storage.ts'
import { openStorage } from '../storage/open-storage.ts'
import { openFileTopology } from '../topology/file-topology.ts'
import type { TabletIdentity } from './build-snapshot.ts'
import { compressionSettings } from './compression-settings.ts'
import { HeartbeatWriter } from './heartbeat-writer.ts'
import { Journal } from './journal.ts'
import { lazyTopology } from './lazy-topology.ts'
import { LocalState } from './local-state.ts'
import { MysqldKeeper } from './mysqld-keeper.ts'
import { OperationRegistry } from './operations.ts'
import { Origin } from './origin.ts'
import type { Parts } from './parts.ts'
import { Secrets } from './secrets.ts'
import { TabletManager } from './tablet-manager.ts'
import { TopologyView } from './topology-view.ts'
import { newWatched } from './watched.ts'

/** @throws TabletError SETTINGS_INVALID, MYSQLD_NOT_FOUND, DIRECTORY_UNUSABLE: what no later try mends. */
export async function composeTablet(
  tablet: TabletIdentity, config: Config, opened: AsyncDisposableStack, ctx: ActionContext,
): Promise<Parts> {
  const shard = { keyspace: config['init-keyspace'], shard: config['init-shard'] }
  const mysqldPath = config['mysqld-path']
  if (mysqldPath === undefined) throw new TabletError('MYSQLD_NOT_FOUND', 'no mysqld or mariadbd was found in PATH or the usual directories')
  const secrets = await Secrets.open({ dba: config['db-dba-password-file'], repl: config['db-repl-password-file'] })
  const options = await readServerOptions({ mysqldPath, myCnf: config['my-cnf'] }, ctx)
  const state = await LocalState.open(config['tablet-dir'])

  const server: { mysqld?: Mysqld } = {}   // each needs the other: SHUTDOWN by SQL, and the socket
  const process = openMysqldProcess({
    control: config['mysqld-control'], mysqldPath, myCnf: config['my-cnf'] ?? '', tabletDir: config['tablet-dir'], options,
    requestShutdown: async (inner) => { await server.mysqld?.requestShutdown(inner) },
    ...given('socket', config['db-socket']), ...given('mysqldUser', config['mysqld-user']), ...given('unit', config['mysqld-unit']),
    ...given('startCommand', config['mysqld-start-command']), ...given('stopCommand', config['mysqld-stop-command']),
  })
  const dba = { socket: () => process.socket, user: config['db-dba-user'], get password() { return secrets.dbaPassword } }
  const mysqld = opened.use(openMysqld(dba))
  const heartbeats = opened.use(openHeartbeats(dba))
  server.mysqld = mysqld

  const topology = opened.use(lazyTopology(config['topo-implementation'], (inner) => openFileTopology({ root: config['topo-root'], create: true }, inner)))
  const kind = config['backup-storage-implementation']
  const operations = new OperationRegistry(ctx.log)
  const { compression, decompression } = compressionSettings(config)
  const storageErrors = new Map<string, number>()
  const account = { user: config['db-repl-user'], get password() { return secrets.replPassword } }

  const manager = new TabletManager({
    targetType: config['init-tablet-type'] === 'rdonly' ? 'RDONLY' : 'REPLICA', isDrained: () => state.memory.drained, log: ctx.log,
  })

  return {
    tablet, shard, config, options, mysqldPath, mysqld, heartbeats, process, manager,
    heartbeatWriter: new HeartbeatWriter({
      enabled: config['heartbeat-enable'], everyMs: config['heartbeat-interval'], state: () => manager.state,
      beat: () => beatOf(tablet, state.memory.shardRecord),
    }, heartbeats),
    diskWatch: new DiskWatch({
      dirs: config['disk-write-dir'] === undefined ? [config['tablet-dir'], options.paths.dataDir] : [config['disk-write-dir']],
      everyMs: config['disk-write-interval'], timeoutMs: config['disk-write-timeout'],
      paused: () => manager.state === 'starting' || manager.state === 'restore',   // what is in the data directory is counted then
    }),
    keeper: new MysqldKeeper(process),
    topology,
    view: new TopologyView(topology, shard, state),
    storage: kind === undefined ? undefined : countedStorage(openStorage(kind, config, operations.onStage), (code) => {
      storageErrors.set(code, (storageErrors.get(code) ?? 0) + 1)
    }),
    storageErrors,
    engines: [builtinBackupEngine(compression, decompression)],
    restoreEngines: [builtinRestoreEngine(decompression)],
    state,
    journal: new Journal(config['tablet-dir']),
    origin: await Origin.open(options.paths.dataDir),
    operations,
    watched: newWatched(state.memory.replicationStoppedByOperator),
    lookAtSource: looker(account, config['db-ssl-mode']),
    get replicationAccount() {
      return { ...account, connectRetrySeconds: Math.round(config['replication-connect-retry'] / 1000), ssl: config['db-ssl-mode'] }
    },
    secrets,
  }
}

/** Of the term this tablet is the primary of, also while the topology is away. */
function beatOf({ alias, keyspace, shard }: TabletIdentity, record: ShardRecord | undefined): Beat | undefined {
  return record?.primary === alias ? { shard: formatShardName({ keyspace, shard }), tablet: alias, term: record.term } : undefined
}

/** One connection a look: a source is looked at every few seconds at most. */
function looker(account: { readonly user: string, readonly password: string }, ssl: Config['db-ssl-mode']): LookAtSource {
  return async (address, ctx) => {
    await using remote = openRemoteMysqld(address, { ...account, ssl })
    const facts = await remote.look(ctx)
    return { ...facts, historyWhole: facts.historyWhole === true }   // what may not be looked at is doubt
  }
}

const given = <N extends string, V>(name: N, value: V | undefined): { readonly [K in N]?: V } =>
  (value === undefined ? {} : { [name]: value }) as { readonly [K in N]?: V }

/** The version in package.json, which lies two floors above this file both in src/ and in dist/. */
export function toolVersion(): string {
  const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8')) as { version: string }
  return version
}
