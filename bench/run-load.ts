/** A process that asks a daemon's probes at a steady rate, from its start until it is stopped. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { LoadOutcome } from './probe-load.ts'

const PROCESS = join(import.meta.dirname, 'probe-load.ts')

export interface Load extends AsyncDisposable {
  /** What was asked so far does not count. */
  count(): void
  stop(): Promise<LoadOutcome>
}

export interface Asked {
  readonly port: number
  readonly path: string
  readonly perSecond: number
  readonly connections: number
}

export function startLoad({ port, path, perSecond, connections }: Asked): Load {
  const args = [PROCESS, port, path, perSecond, connections].map(String)
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', process.execPath, ...args], { stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = once(child, 'close')
  let said = ''
  child.stdout.on('data', (bytes: Buffer) => { said += bytes.toString() })
  child.stdin.on('error', () => undefined)   // it has ended: what it said tells
  return {
    count: () => { child.stdin.write('count\n') },
    async stop() {
      child.stdin.end('stop\n')
      await ended
      return JSON.parse(said) as LoadOutcome
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await ended
    },
  }
}
