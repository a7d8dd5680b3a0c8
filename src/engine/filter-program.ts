/**
 * Bytes through a program, from its standard input to its standard output, as compressors work.
 *
 * Owns      one process, in a process group of its own: all of it is ended when its work is done, not wanted or failed.
 * Promises  the bytes count only when the program took all of its input, closed its output and left with status 0;
 *           memory is bounded; its standard error is read on, and the end of it is part of the error. It runs niced,
 *           in `/`, without the daemon's environment, where credentials of object stores may stand.
 */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { constants } from 'node:fs'
import { access, stat } from 'node:fs/promises'
import { setPriority } from 'node:os'
import { join, resolve } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { TabletError, isErrno, messageOf } from '../base/errors.ts'
import type { Command } from '../base/shell-words.ts'

/** As much of the daemon's environment as a filter gets. */
const ENVIRONMENT = ['PATH', 'HOME', 'USER', 'LOGNAME', 'LANG', 'LC_ALL', 'TMPDIR', 'TZ']
const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
/** Probes stay fast beside it. */
const NICENESS = 10
const STDERR_TAIL_CHARACTERS = 1000
/** The slowest compressors stop for seconds, at the end of a large block. */
const IDLE_MS = 600_000

/**
 * A program that does nothing for `idleMs`, though there is input for it and its output is waited for, has failed.
 *
 * @throws TabletError EXTERNAL_COMMAND_FAILED; what the source throws; the signal's reason.
 */
export async function* throughProgram(
  command: Command, source: AsyncIterable<Uint8Array>, signal?: AbortSignal, idleMs = IDLE_MS,
): AsyncGenerator<Buffer, void, undefined> {
  const path = await findExecutable(command.program)
  signal?.throwIfAborted()
  const child = start(path, command)
  const end = (): void => { killGroup(child) }
  signal?.addEventListener('abort', end, { once: true })
  const watch = watchProgram(child)
  const idle = idleClock(idleMs, end)
  const feeding = feed(child, source, idle)
  try {
    for await (const chunk of child.stdout) {
      idle.pause()
      yield chunk as Buffer
      idle.resume()
    }
    const [fed, ending] = await Promise.all([feeding, watch.ended])
    signal?.throwIfAborted()
    if ('sourceFailed' in fed) throw fed.sourceFailed
    const wrong = idle.struck() ? `it neither took nor gave anything for ${idleMs / 1000} s` : ending.wrong ?? (fed.all ? undefined : 'it left before it had read everything')
    if (wrong !== undefined) throw new TabletError('EXTERNAL_COMMAND_FAILED', `${command.program} failed: ${wrong}${watch.lastWords()}`)
  } finally {
    signal?.removeEventListener('abort', end)
    idle.stop()
    end()
    for (const stream of [child.stdin, child.stdout, child.stderr]) stream.destroy()
    await Promise.all([feeding, watch.ended])
  }
}

function start(path: string, { program, arguments: args }: Command): ChildProcessWithoutNullStreams {
  const environment = Object.fromEntries(ENVIRONMENT.map((name) => [name, process.env[name]]))
  let child: ChildProcessWithoutNullStreams
  try {
    child = spawn(path, args, { stdio: 'pipe', detached: true, cwd: '/', env: environment })
  } catch (error) {
    // only some errors come as an event (spawn(2) with E2BIG does not); the cause would show the arguments
    throw new TabletError('EXTERNAL_COMMAND_FAILED', `cannot run ${program}: ${isErrno(error, 'E2BIG') ? 'its arguments are too long' : 'the system refuses it'}`)
  }
  return child
}

interface IdleClock {
  /** The program waits for us, not we for it. May be called by several, each of which resumes. */
  pause(): void
  resume(): void
  struck(): boolean
  stop(): void
}

/** Calls `strike` when nothing was paused or resumed for `ms`, and nothing is paused. */
function idleClock(ms: number, strike: () => void): IdleClock {
  let paused = 0
  let struck = false
  const timer = setTimeout(() => {
    if (paused > 0) return
    struck = true
    strike()
  }, ms)
  return {
    pause: () => { paused++ },
    resume: () => {
      paused--
      timer.refresh()
    },
    struck: () => struck,
    stop: () => { clearTimeout(timer) },
  }
}

type Fed = { readonly all: boolean } | { readonly sourceFailed: unknown }

/** All of `source` into the program's standard input. What the source throws must not look like its end: the program is killed then. */
async function feed(child: ChildProcessWithoutNullStreams, source: AsyncIterable<Uint8Array>, idle: IdleClock): Promise<Fed> {
  let failed: { readonly sourceFailed: unknown } | undefined
  const watched = async function* (): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      idle.pause()
      for await (const chunk of source) {
        idle.resume()
        yield chunk
        idle.pause()
      }
      idle.resume()
    } catch (error) {
      failed = { sourceFailed: error }
      killGroup(child)
      throw error
    }
  }
  return await pipeline(watched(), child.stdin).then(() => ({ all: true }), () => failed ?? { all: false })
}

interface Ending {
  readonly wrong: string | undefined
}

function watchProgram(child: ChildProcessWithoutNullStreams): { readonly ended: Promise<Ending>, lastWords(): string } {
  const stderr = tailOf(child.stderr)
  for (const stream of [child.stdout, child.stderr]) stream.on('error', () => undefined)   // a broken pipe ends with its program, which is judged
  try {
    if (child.pid !== undefined) setPriority(child.pid, NICENESS)
  } catch {
    // it has left already
  }
  const ended = new Promise<Ending>((settle) => {
    child.once('error', (error) => { settle({ wrong: messageOf(error) }) })
    child.once('exit', () => { killGroup(child) })   // what it started and left behind would keep its pipes open
    child.once('close', (code: number | null, signal: NodeJS.Signals | null) => {
      settle({ wrong: signal !== null ? `killed by ${signal}` : code === 0 ? undefined : `exit status ${code}` })
    })
  })
  return { ended, lastWords: () => stderr() === '' ? '' : `; it said: ${stderr()}` }
}

function tailOf(stream: Readable): () => string {
  let tail = ''
  stream.setEncoding('utf8').on('data', (text: string) => { tail = (tail + text).slice(-STDERR_TAIL_CHARACTERS) })
  return () => tail.replace(/[\x00-\x1f\x7f]+/g, ' ').trim()
}

function killGroup({ pid }: ChildProcessWithoutNullStreams): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL')
  } catch {
    // nothing of it is left
  }
}

/** The program's absolute path, by PATH unless its name has a slash. @throws TabletError EXTERNAL_COMMAND_FAILED when it cannot be run. */
export async function findExecutable(program: string): Promise<string> {
  const directories = (process.env['PATH'] ?? DEFAULT_PATH).split(':').filter((directory) => directory !== '')
  const paths = program.includes('/') ? [resolve(program)] : directories.map((directory) => join(directory, program))
  for (const path of paths) {
    if (await isExecutable(path)) return path
  }
  throw new TabletError('EXTERNAL_COMMAND_FAILED', `cannot run ${program}: ${program.includes('/') ? 'it is no program that may be executed' : 'no directory of PATH has such a program'}`)
}

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK)
    return (await stat(path)).isFile()
  } catch {
    return false
  }
}
