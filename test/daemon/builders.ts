/** Plain facts of a server and a mysqld process that is none, for tests of the daemon's decisions. */
import type { TabletIdentity } from '../../src/daemon/build-snapshot.ts'
import type { TabletAlias } from '../../src/model/tablet.ts'
import type { ServerFacts, ServerIdentity } from '../../src/mysqld/mysqld.ts'
import type { MysqldProcess, ProcessExit, ProcessIdentity, ProcessState, StartOptions } from '../../src/mysqld/mysqld-process.ts'
import type { ServerVersion } from '../../src/model/server-version.ts'
import { factsOf } from '../engine/fake-server.ts'
import { NOW, UUID_A, UUID_B, mysqlSet } from '../replication/builders.ts'

/** What does not change of a tablet while its daemon runs. */
export const identity = (alias: TabletAlias): TabletIdentity => ({
  alias, keyspace: 'commerce', shard: '0', hostname: 'db7.example', version: '0.1.0', startedAt: NOW,
})

const VERSION: ServerVersion = { product: 'MySQL', major: 9, minor: 1, patch: 0 }

export const serverIdentity = (more: Partial<ServerIdentity> = {}): ServerIdentity => ({
  flavor: 'mysql', version: VERSION, versionText: '9.1.0', versionComment: 'MySQL Community Server', serverUuid: UUID_B, serverId: 2,
  paths: factsOf('/srv').paths, pid: 4711, lowerCaseTableNames: 0, ...more,
})

/** A read-only server with one schema and five transactions, and no channel. */
export const serverFacts = (more: Partial<ServerFacts> = {}): ServerFacts => ({
  identity: serverIdentity(), readOnly: true, superReadOnly: true, offlineMode: false, executed: mysqlSet(`${UUID_A}:1-5`), purged: mysqlSet(''),
  binlogState: undefined, historyWhole: true, replication: undefined, userSchemas: ['app'], gtidProblems: [],
  semiSync: { sourceEnabled: undefined, replicaEnabled: undefined, acknowledgingReplicas: 0, waitingCommits: 0, replicaActive: false },
  uptimeSeconds: 60, writersDespiteReadOnly: [], ...more,
})

export const processIdentity = (pid: number): ProcessIdentity => ({ pid, startTicks: `${pid}00`, bootId: 'boot', executable: '/usr/sbin/mysqld' })

export interface FakeProcess extends MysqldProcess {
  /** What was asked of it, in order. */
  readonly asked: readonly string[]
  readonly startedWith: readonly StartOptions[]
  /** It ended by itself. */
  end(exit?: Partial<ProcessExit>): void
  now(state: ProcessState): void
}

/** A process that starts at once, unless `onStart` waits or throws. */
export function fakeProcess(more: { readonly canStop?: boolean, readonly onStart?: () => Promise<void> } = {}): FakeProcess {
  let state: ProcessState = { kind: 'stopped', exit: undefined }
  let pid = 100
  const asked: string[] = []
  const startedWith: StartOptions[] = []
  return {
    control: more.canStop === false ? 'none' : 'supervised', canStop: more.canStop ?? true, socket: '/s', asked, startedWith,
    state: () => Promise.resolve(state),
    start: async (options) => {
      asked.push('start')
      startedWith.push(options)
      await more.onStart?.()
      const identity = processIdentity(++pid)
      state = { kind: 'running', identity }
      return identity
    },
    stop: () => {
      asked.push('stop')
      state = { kind: 'stopped', exit: { code: 0, signal: undefined, clean: true } }
      return Promise.resolve()
    },
    end: (exit = {}) => { state = { kind: 'stopped', exit: { code: undefined, signal: 'SIGKILL', clean: false, ...exit } } },
    now: (next) => { state = next },
  }
}
