/** tabletctl as a process that a test can kill. `shard.tabletctl` is the one that runs to its end. */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { ROOT } from './shard-place.ts'
import type { ShardPlace } from './shard-place.ts'
import type { TestShard } from './shard.ts'
import { cleanEnv } from './tablet.ts'

export interface RunningTabletctl {
  readonly ended: Promise<{ readonly code: number | null, readonly stdout: string, readonly stderr: string }>
  kill(signal: NodeJS.Signals): void
}

/** Settings of the shard's topology, storage and token, and nothing of the environment that is one. */
export const tabletctlEnv = (place: ShardPlace): NodeJS.ProcessEnv => cleanEnv({
  TABLETD_TOPO_IMPLEMENTATION: 'file', TABLETD_TOPO_ROOT: place.topology, TABLETD_API_TOKEN_FILE: place.tokenFile,
  TABLETD_BACKUP_STORAGE_IMPLEMENTATION: 'file', TABLETD_FILE_BACKUP_STORAGE_ROOT: place.storage,
  TABLETD_INIT_KEYSPACE: place.keyspace, TABLETD_INIT_SHARD: place.shard,
})

/** It dies with the test process. */
export function startTabletctl(shard: TestShard, ...args: readonly string[]): RunningTabletctl {
  const command = ['--pdeathsig', 'KILL', process.execPath, join(ROOT, 'src/cli/tabletctl.ts'), ...args]
  const child = spawn('setpriv', command, { env: tabletctlEnv(shard.place), cwd: shard.place.dir, stdio: ['ignore', 'pipe', 'pipe'] })
  let [stdout, stderr] = ['', '']
  child.stdout.on('data', (bytes: Buffer) => { stdout += bytes.toString() })
  child.stderr.on('data', (bytes: Buffer) => { stderr += bytes.toString() })
  return {
    ended: new Promise((resolve, reject) => {
      child.once('error', reject)
      child.once('close', (code) => { resolve({ code, stdout, stderr }) })
    }),
    kill: (signal) => { child.kill(signal) },
  }
}
