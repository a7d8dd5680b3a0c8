/** A real HAProxy with a configuration of ours, and what it says of its servers. */
import { spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import type { Test } from 'tap'
import { findHaproxy } from '../../scripts/lib/load-balancer.mjs'
import { freePort } from './free-port.ts'
import { ROOT } from './shard-place.ts'
import { waitFor } from './wait-for.ts'

export interface Backend {
  readonly name: string
  readonly mysqlPort: number
  readonly httpPort: number
  readonly agentPort: number
}

/** One server of one `listen`, as `show stat` has it. */
export interface HaproxyServer {
  /** UP, DOWN, DRAIN, MAINT, and what HAProxy adds: `UP 1/2`, `DOWN (agent)`. */
  readonly status: string
  readonly weight: number
  readonly lastCheck: string
  readonly lastAgent: string
}

export interface Haproxy extends AsyncDisposable {
  readonly writesPort: number
  readonly readsPort: number
  /** A command of the runtime socket. */
  say(command: string): Promise<string>
  server(listen: 'mysql_writes' | 'mysql_reads', name: string): Promise<HaproxyServer>
}

/** False, and the test is skipped with the reason, where there is no HAProxy; in CI that is a failure. */
export function hasHaproxy(t: Test): boolean {
  if (findHaproxy() !== undefined) return true
  if (process.env['CI'] === 'true' || process.env['CI'] === '1') t.fail('haproxy is not installed')
  else t.test('HAProxy', { skip: 'haproxy is not installed: run scripts/lib/install.mjs' }, () => undefined)
  return false
}

/** Runs config/haproxy.cfg with only its places changed (addresses, ports, the runtime socket), and the lag it asks for. */
export async function startHaproxy(dir: string, backends: readonly Backend[], lag = '30s'): Promise<Haproxy> {
  const found = findHaproxy()
  if (found === undefined) throw new Error('haproxy is not installed: run scripts/lib/install.mjs')
  const [writesPort, readsPort] = [await freePort(), await freePort()]
  const [config, socket] = [join(dir, 'haproxy.cfg'), join(dir, 'h.sock')]
  const shipped = readFileSync(join(ROOT, 'config/haproxy.cfg'), 'utf8').replace('lag=30s', `lag=${lag}`)
  writeFileSync(config, placed(shipped, backends, { writesPort, readsPort, socket }))
  const env = { ...process.env, ...found.env }
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', found.program, '-db', '-f', config], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes: Buffer) => { said += bytes.toString() })
  const ended = new Promise<void>((resolve) => { child.once('close', () => { resolve() }) })
  const haproxy: Haproxy = {
    writesPort, readsPort,
    say: (command) => ask(socket, command),
    server: async (listen, name) => serverIn(await ask(socket, 'show stat'), listen, name),
    [Symbol.asyncDispose]: async () => { child.kill('SIGKILL'); await ended },
  }
  await waitFor('HAProxy answers', async () => {
    if (child.exitCode !== null) throw new Error(said)
    return (await haproxy.say('show info')).includes('Pid:')
  }, { context: () => said })
  return haproxy
}

interface Own { readonly writesPort: number, readonly readsPort: number, readonly socket: string }

function placed(text: string, backends: readonly Backend[], own: Own): string {
  const servers = backends.map(({ name, mysqlPort, httpPort, agentPort }) =>
    `    server ${name} 127.0.0.1:${mysqlPort} port ${httpPort} agent-port ${agentPort}`)
  let listen = 0
  return text.split('\n').flatMap((line) => {
    if (/^ {4}bind :330[67]$/.test(line)) return [`    bind 127.0.0.1:${line.endsWith('6') ? own.writesPort : own.readsPort}`]
    if (line.startsWith('    stats socket ')) return [line.replace('/run/haproxy/admin.sock', own.socket)]
    if (line.startsWith('    server db1 ')) return listen++ === 0 ? servers.map((each) => each.replace(/ agent-port \d+/, '')) : servers
    return line.startsWith('    server ') ? [] : [line]
  }).join('\n')
}

function ask(socket: string, command: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = ''
    const connection = connect({ path: socket }, () => { connection.write(`${command}\n`) })
    connection.on('data', (bytes: Buffer) => { answer += bytes.toString() })
    connection.once('end', () => { resolve(answer) })
    connection.once('error', reject)
  })
}

function serverIn(csv: string, listen: string, name: string): HaproxyServer {
  const [head = '', ...lines] = csv.replace(/^# /, '').split('\n')
  const names = head.split(',')
  const cells = lines.map((line) => line.split(',')).find(([px, sv]) => px === listen && sv === name)
  if (cells === undefined) throw new Error(`HAProxy knows no server ${name} of ${listen}:\n${csv}`)
  const value = (column: string): string => cells[names.indexOf(column)] ?? ''
  return { status: value('status'), weight: Number(value('weight')), lastCheck: value('last_chk'), lastAgent: value('last_agt') }
}
