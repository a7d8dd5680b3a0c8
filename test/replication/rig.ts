/** Real servers as tablets of one shard, seen through `Mysqld`; and `Mysqld`s that fail at a step. */
import { openFileTopology } from '../../src/topology/file-topology.ts'
import type { ShardRecord } from '../../src/model/records.ts'
import type { Mysqld, ReplicationSource } from '../../src/mysqld/mysqld.ts'
import { openRemoteMysqld } from '../../src/mysqld/remote-mysqld.ts'
import { openMysqld } from '../../src/mysqld/sql-mysqld.ts'
import type { AttachOrder } from '../../src/replication/attach.ts'
import type { LookAtSource } from '../../src/replication/judge-source.ts'
import type { Topology, VersionedShardRecord } from '../../src/topology/topology.ts'
import type { TestServer } from '../support/servers.ts'
import { tempDir } from '../support/temp-dir.ts'
import { startMysqld, type ThrowawayMysqld } from '../support/throwaway-mysqld.ts'
import { ctx, record } from './builders.ts'

const ACCOUNT = { user: 'repl', password: 'repl-secret' } as const

export interface Server extends AsyncDisposable {
  readonly real: ThrowawayMysqld
  readonly mysqld: Mysqld
  readonly source: ReplicationSource
}

/** Writable, with a replication account that no other server receives. */
export async function startServer(server: TestServer, cnf: readonly string[] = []): Promise<Server> {
  await using opened = new AsyncDisposableStack()
  const real = opened.use(await startMysqld({ server, cnf: [server.name === 'mysql' ? 'skip-replica-start=ON' : 'skip-slave-start=ON', ...cnf] }))
  const monitor = server.name === 'mysql' ? 'REPLICATION CLIENT' : 'BINLOG MONITOR'
  await real.run(`SET SESSION sql_log_bin=0; CREATE USER 'repl'@'%' IDENTIFIED BY '${ACCOUNT.password}'; GRANT REPLICATION SLAVE, ${monitor} ON *.* TO 'repl'@'%';
    CREATE USER 'app'@'%' IDENTIFIED BY 'app-secret'; GRANT CREATE, INSERT, SELECT, LOCK TABLES ON *.* TO 'app'@'%'`)
  const mysqld = opened.use(openMysqld({ socket: () => real.socket, user: 'root', password: '' }))
  const closing = opened.move()
  return {
    real, mysqld,
    source: { address: { host: '127.0.0.1', port: real.port }, ...ACCOUNT, connectRetrySeconds: 1, ssl: 'preferred' },
    [Symbol.asyncDispose]: () => closing[Symbol.asyncDispose](),
  }
}

export const lookAtSource: LookAtSource = async (address, ctx) => {
  await using remote = openRemoteMysqld(address, { ...ACCOUNT, ssl: 'preferred', queryTimeoutMs: 3000 })
  return await remote.look(ctx)
}

export const follow = (source: Server, more: Partial<AttachOrder> = {}): AttachOrder =>
  ({ source: source.source, semiSync: { setting: 'unset', acknowledges: false }, connectWaitMs: 20_000, ...more })

export interface Place extends AsyncDisposable {
  readonly topology: Topology
  readonly stored: VersionedShardRecord
}

/** A topology of its own that holds `first`. */
export async function topologyWith(first: Partial<ShardRecord>): Promise<Place> {
  const dir = await tempDir()
  const topology = await openFileTopology({ root: `${dir.path}/topology`, create: true }, ctx)
  const { claimed: _claimed, ...unclaimed } = record()
  const stored = await topology.writeShardRecord({ ...unclaimed, ...first }, undefined, ctx)
  return { topology, stored, [Symbol.asyncDispose]: () => dir[Symbol.asyncDispose]() }
}

/** The same server, whose call number `n` (from 1) to a verb is lost before it is made. */
export function failingAt(n: number, mysqld: Mysqld): Mysqld {
  let calls = 0
  return new Proxy(mysqld, {
    get: (target, name, receiver) => {
      const verb: unknown = Reflect.get(target, name, receiver)
      if (typeof verb !== 'function') return verb
      return (...args: unknown[]): unknown => {
        calls += 1
        if (calls === n) return Promise.reject(new Error(`call ${n} was lost: ${String(name)}`))
        return Reflect.apply(verb, target, args)
      }
    },
  })
}
