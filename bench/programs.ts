/**
 * Programs that are measured, each in a process group of its own.
 *
 * Promises  an abort ends the whole group; when the bench dies, whatever it started dies with it (setpriv --pdeathsig).
 */
import { spawn } from 'node:child_process'

export interface Ran {
  readonly seconds: number
  readonly stdout: string
}

export interface RunOptions {
  readonly env?: NodeJS.ProcessEnv
  readonly signal: AbortSignal
  /** Called at once with the pid. */
  readonly onStart?: (pid: number) => void
}

/** Runs a program to its end. @throws Error with what it said unless it exits 0; the signal's reason after an abort. */
export function run(command: readonly string[], { env, signal, onStart }: RunOptions): Promise<Ran> {
  signal.throwIfAborted()
  return new Promise((resolve, reject) => {
    const began = performance.now()
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', ...command], { env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
    let [stdout, stderr] = ['', '']
    child.stdout.on('data', (bytes: Buffer) => { stdout += bytes.toString() })
    child.stderr.on('data', (bytes: Buffer) => { stderr = (stderr + bytes.toString()).slice(-4000) })
    const end = (): void => { endGroup(child.pid) }
    signal.addEventListener('abort', end, { once: true })
    child.once('error', reject)
    if (child.pid !== undefined) onStart?.(child.pid)
    let seconds = 0
    child.once('exit', () => { seconds = (performance.now() - began) / 1000 })
    child.once('close', (code, killed) => {
      signal.removeEventListener('abort', end)
      if (signal.aborted) reject(signal.reason as Error)
      else if (code === 0) resolve({ seconds, stdout })
      else reject(new Error(`${command.join(' ').slice(0, 400)} ended with ${killed ?? code}:\n${stderr}`))
    })
  })
}

function endGroup(pid: number | undefined): void {
  if (pid === undefined) return
  try { process.kill(-pid, 'SIGKILL') } catch { /* all of it has ended */ }
}

/** One argument of a shell's command line. */
export const quoted = (text: string): string => `'${text.replaceAll('\'', '\'\\\'\'')}'`
