/**
 * Programs run beside us: short ones whose output we read, and servers that outlive us.
 *
 * The one door to execa. Nothing here ever kills a server: `startServer` detaches it, gives it a file to write
 * to (a pipe would end with us) and asks execa for no cleanup and no forced end.
 */
import { open } from 'node:fs/promises'
import { execa, type Options } from 'execa'
import type { ActionContext } from '../base/action.ts'
import { isErrno, TabletError } from '../base/errors.ts'
import type { ProcessExit } from './mysqld-process.ts'

export interface ProgramResult {
  readonly code: number | undefined
  readonly stdout: string
  readonly stderr: string
}

export interface RunningServer {
  readonly pid: number
  /** Resolves when it has ended. Known only to the daemon that started it. Does not keep this process alive. */
  readonly exited: Promise<ProcessExit>
  /** The same, for one that is ending: keeps this process alive until it has. */
  ended(): Promise<ProcessExit>
}

export interface ProgramCall {
  readonly program: string
  readonly arguments: readonly string[]
  /** Added to ours. The place for a secret that a program takes no other way: only its own user reads it there. */
  readonly environment?: Readonly<Record<string, string>>
}

export interface ServerStart extends ProgramCall {
  /** Standard output and error are appended to it. */
  readonly outputFile: string
}

/** How this room runs programs; systemd's argument lists are tested behind it. */
export interface ProgramRunner {
  /** Runs to the end. @throws TabletError MYSQLD_NOT_FOUND when there is no such program; the signal's reason when aborted. */
  run(call: ProgramCall, ctx: ActionContext): Promise<ProgramResult>
  /** Starts a program that lives on without us. @throws TabletError MYSQLD_NOT_FOUND. */
  startServer(start: ServerStart): Promise<RunningServer>
}

export const programs: ProgramRunner = { run: runProgram, startServer }

async function runProgram(call: ProgramCall, ctx: ActionContext): Promise<ProgramResult> {
  ctx.signal.throwIfAborted()
  const result = await execa(call.program, call.arguments, {
    stdin: 'ignore', reject: false, cancelSignal: ctx.signal, env: { LC_ALL: 'C', ...call.environment }, maxBuffer: 8 * 1024 * 1024,
  })
  ctx.signal.throwIfAborted()
  if (isNotRunnable(result.cause)) throw notFound(call.program, result.cause)
  return { code: result.exitCode, stdout: result.stdout, stderr: result.stderr }
}

async function startServer(start: ServerStart): Promise<RunningServer> {
  const output = await open(start.outputFile, 'a', 0o640)
  try {
    const fd = output.fd as 3   // execa's types know only small descriptors; it hands any of them down as it is (tried)
    const options: Options = {
      stdio: ['ignore', fd, fd], buffer: false, reject: false,
      detached: true, cleanup: false, forceKillAfterDelay: false,
      env: { ...start.environment },
    }
    const child = execa(start.program, start.arguments, options)
    const exited = child.then((result): ProcessExit => ({
      code: result.exitCode, signal: result.signal, clean: result.exitCode === 0,
    }))
    if (child.pid === undefined) {
      const result = await child
      throw notFound(start.program, result.cause)
    }
    child.nodeChildProcess.unref()   // the daemon may exit while the server lives
    return { pid: child.pid, exited, ended: () => { child.nodeChildProcess.ref(); return exited } }
  } finally {
    await output.close()
  }
}

const isNotRunnable = (cause: unknown): boolean => isErrno(cause, 'ENOENT', 'EACCES', 'ENOEXEC', 'ENOTDIR')

function notFound(program: string, cause: unknown): TabletError {
  const why = isErrno(cause, 'EACCES') ? 'it may not be executed' : cause instanceof Error ? cause.message : 'there is no such program'
  return new TabletError('MYSQLD_NOT_FOUND', `cannot run ${program}: ${why}`, { cause, details: { program } })
}
