/**
 * One process, told apart from a later one with the same pid.
 *
 * Owns      reading /proc (proc(5)): start time, state, executable, and the machine's boot id. What the kernel answers from
 *           memory is read at once, several times at every look: it costs a tenth of what a thread's hand-over does. A
 *           command line is the process's own memory, for which the kernel may have to wait.
 * Promises  A zombie is gone: an orphan that was killed can stay one for ever under a PID 1 that does not
 *           reap, and kill(pid, 0) alone would wait for it as long.
 */
import { readFileSync, readlinkSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { sleep, type ActionContext } from '../base/action.ts'
import { isErrno } from '../base/errors.ts'
import type { ProcessIdentity } from './mysqld-process.ts'

export interface ProcStat {
  readonly state: string
  readonly parentPid: number
  readonly threads: number
  /** Clock ticks after boot. */
  readonly startTicks: string
}

/** Reads the text of /proc/<pid>/stat; the command in it may hold spaces and parentheses. */
export function parseProcStat(text: string): ProcStat | undefined {
  const fields = text.slice(text.lastIndexOf(')') + 1).trim().split(/\s+/)   // field 3 and on
  const [state, parent] = fields
  const startTicks = fields[22 - 3]
  if (!text.includes(')') || state === undefined || startTicks === undefined) return undefined
  return { state, parentPid: Number(parent), threads: Number(fields[20 - 3]), startTicks }
}

/** The process that has `pid` now; undefined when there is none, or only a zombie of it. */
export async function identityOf(pid: number): Promise<ProcessIdentity | undefined> {
  const stat = parseProcStat(orGone(() => readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? '')
  // a killed leader is a zombie while its threads still hold files open
  if (stat === undefined || stat.state === 'X' || (stat.state === 'Z' && stat.threads <= 1)) return undefined
  return { pid, startTicks: stat.startTicks, bootId: await bootId(), executable: linkTarget(`/proc/${pid}/exe`) }
}

/** Whether both name one process. An executable that could not be read (another user's) says nothing. */
export function sameProcess(a: ProcessIdentity, b: ProcessIdentity): boolean {
  return a.pid === b.pid && a.startTicks === b.startTicks && a.bootId === b.bootId
    && (a.executable === b.executable || a.executable === '' || b.executable === '')
}

export async function isAlive(identity: ProcessIdentity): Promise<boolean> {
  const now = await identityOf(identity.pid)
  return now !== undefined && sameProcess(now, identity)
}

/** Resolves when the process is gone; rejects with the signal's reason when it aborts first. */
export async function waitUntilGone(identity: ProcessIdentity, { signal }: Pick<ActionContext, 'signal'>): Promise<void> {
  while (await isAlive(identity)) await sleep(100, signal)
}

let boot: string | undefined

/** The same for as long as this process can run. */
export async function bootId(): Promise<string> {
  boot ??= (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim()
  return boot
}

/** Arguments of the process; empty when it is gone. */
export async function commandLineOf(pid: number): Promise<readonly string[]> {
  const text = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch((error: unknown) => orGone(() => { throw error }))
  return (text ?? '').split('\0').slice(0, -1)
}

/** Target of a link in /proc, without the mark of a deleted file; '' when it may not be read or is gone. */
export function linkTarget(path: string): string {
  try {
    return readlinkSync(path).replace(/ \(deleted\)$/, '')   // an upgrade of the package replaces the file of a running server
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'EACCES', 'EPERM', 'ESRCH')) return ''
    throw error
  }
}

function orGone<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ESRCH')) return undefined   // ESRCH: it ended between open and read
    throw error
  }
}
