/** tabletctl as an operator runs it: a child process, against real HTTP servers named in a real file topology. */
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { TabletRecord } from '../../src/model/records.ts'
import { openFileTopology } from '../../src/topology/file-topology.ts'
import type { Topology } from '../../src/topology/topology.ts'
import { context, snapshot } from '../http/fake-control.ts'
import { testServer, type TestServer } from '../http/test-server.ts'
import { tempDir } from '../support/temp-dir.ts'

const PROGRAM = join(import.meta.dirname, '../../src/cli/tabletctl.ts')

export interface Ran {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface Running {
  readonly child: ChildProcess
  readonly stderr: () => string
  readonly ended: Promise<Ran>
}

/** With an environment of its own: nothing of the caller's settings gets in. */
export function startTabletctl(args: readonly string[], env: Readonly<Record<string, string>> = {}): Running {
  const child = spawn(process.execPath, [PROGRAM, ...args], {
    env: { PATH: process.env['PATH'], ...env }, stdio: ['ignore', 'pipe', 'pipe'], timeout: 60_000,
  })
  const text = { stdout: '', stderr: '' }
  child.stdout.on('data', (chunk: Buffer) => { text.stdout += chunk.toString() })
  child.stderr.on('data', (chunk: Buffer) => { text.stderr += chunk.toString() })
  const ended = new Promise<Ran>((resolve) => { child.once('close', (code) => { resolve({ code, ...text }) }) })
  return { child, stderr: () => text.stderr, ended }
}

export const tabletctl = (args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ran> =>
  startTabletctl(args, env).ended

export interface TestShard extends AsyncDisposable {
  readonly topology: Topology
  readonly root: string
  readonly storageRoot: string
  /** Flags that name the topology and the token. */
  readonly flags: readonly string[]
  readonly first: TestServer
  /** Another tablet of commerce/0. */
  add(uid: number, changes?: Parameters<typeof snapshot>[0]): Promise<TestServer>
  /** A tablet whose daemon does not answer. */
  publish(record: Partial<TabletRecord> & Pick<TabletRecord, 'alias'>): Promise<void>
}

export async function testShard(): Promise<TestShard> {
  await using opened = new AsyncDisposableStack()
  const dir = opened.use(await tempDir())
  const root = join(dir.path, 'topo')
  const storageRoot = join(dir.path, 'backups')
  await mkdir(root)
  await mkdir(storageRoot)
  const topology = opened.use(await openFileTopology({ root, create: true }, context()))
  const publish: TestShard['publish'] = async (record) => {
    await topology.publishTablet({
      type: 'REPLICA', keyspace: 'commerce', shard: '0', hostname: '127.0.0.1', mysqlPort: 3306, httpPort: 1,
      startedAt: '2026-01-01T00:00:00.000Z', tags: {}, ...record,
    }, 60_000, context())
  }
  const servers = opened.use(new AsyncDisposableStack())
  const add: TestShard['add'] = async (uid, changes = {}) => {
    const alias = `zone1-${String(uid).padStart(10, '0')}`
    const server = servers.use(await testServer())
    server.control.snapshot = snapshot({ alias, ...changes })
    await publish({ alias, httpPort: server.port, type: server.control.snapshot.type })
    return server
  }
  const first = await add(101)
  const owned = opened.move()
  return {
    topology, root, storageRoot, first, add, publish,
    flags: ['--topo-root', root, '--api-token-file', first.tokenFile], [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}
