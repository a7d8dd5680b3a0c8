/**
 * Finds the mysqld that uses a data directory, whoever started it.
 *
 * Three witnesses, in order: the pid file (believed only when that process works in the data directory or holds
 * its files), InnoDB's lock on the system tablespace (/proc/locks, readable without rights over the process), and
 * every process whose working directory is the data directory (mysqld goes there early, before it locks anything).
 */
import { readFileSync, readdirSync } from 'node:fs'
import { realpath, stat } from 'node:fs/promises'
import { isAbsolute, join } from 'node:path'
import { readIfPresent } from '../base/durable-file.ts'
import { isErrno } from '../base/errors.ts'
import { commandLineOf, identityOf, linkTarget } from './process-identity.ts'
import type { ProcessIdentity } from './mysqld-process.ts'

export interface FoundMysqld {
  readonly identity: ProcessIdentity
  readonly arguments: readonly string[]
  /** The --socket it was started with, as it stands on its command line. */
  readonly socketArgument: string | undefined
  /** Started by us on a copy or before the first normal start; nobody's to serve from (private-boot.ts). */
  readonly isPrivate: boolean
}

export interface WhereToLook {
  readonly dataDir: string
  /** Directory of ibdata1, where it is not the data directory. */
  readonly innodbDataHome?: string
  readonly innodbDataFilePath?: string
  readonly pidFile?: string
}

/** Part of every private boot's directory name, and so of its --socket. */
export const PRIVATE_DIRECTORY_PREFIX = 'tabletd-private-'

export async function findMysqldOf(where: WhereToLook): Promise<FoundMysqld | undefined> {
  const dataDir = await realpathIfPresent(where.dataDir)
  if (dataDir === undefined) return undefined
  const holders = await lockHolders(where, dataDir)
  const written = where.pidFile === undefined ? undefined : await pidIn(where.pidFile)
  const candidates = [...(written === undefined ? [] : [written]), ...holders]
  for (const pid of candidates) {
    if (holders.includes(pid) || worksIn(pid, dataDir)) {
      const found = await describe(pid)
      if (found !== undefined) return found
    }
  }
  return await scanByDirectory(dataDir)
}

async function scanByDirectory(dataDir: string): Promise<FoundMysqld | undefined> {
  for (const name of readdirSync('/proc')) {
    const pid = Number(name)
    if (!Number.isInteger(pid) || !worksIn(pid, dataDir)) continue
    const found = await describe(pid)
    if (found !== undefined && looksLikeMysqld(found.arguments)) return found
  }
  return undefined
}

/** A shell or an editor may stand in the data directory too. The first three: a loader or an interpreter may come before the name. */
export function looksLikeMysqld(args: readonly string[]): boolean {
  return args.slice(0, 5).some((arg) => /(?:^|\/)(?:mysqld|mariadbd)(?:-debug|-[0-9.]+)?$/.test(arg))
    || args.some((arg) => arg.startsWith('--datadir='))
}

/** The last `--<name>=value` (or `--<name> value`) of a command line: the one the server uses. */
export function argumentOf(args: readonly string[], name: string): string | undefined {
  const spelled = (arg: string): string => arg.replace(/^--?/, '').replaceAll('_', '-')
  let value: string | undefined
  for (const [index, arg] of args.entries()) {
    if (!arg.startsWith('--')) continue
    const equals = arg.indexOf('=')
    if (equals >= 0 && spelled(arg.slice(0, equals)) === name) value = arg.slice(equals + 1)
    else if (equals < 0 && spelled(arg) === name) value = args[index + 1]
  }
  return value
}

/** Pids that hold a write lock on the inode, from the text of /proc/locks (proc(5)). */
export function holdersIn(locks: string, inode: number | bigint): readonly number[] {
  const pids: number[] = []
  for (const line of locks.split('\n')) {
    const [, pid, ino] = /^\d+: POSIX\s+\S+\s+WRITE\s+(\d+)\s+[0-9a-f]+:[0-9a-f]+:(\d+)\s/.exec(line) ?? []
    if (pid !== undefined && ino === String(inode) && Number(pid) > 0) pids.push(Number(pid))
  }
  return pids
}

async function lockHolders(where: WhereToLook, dataDir: string): Promise<readonly number[]> {
  const locks = systemLocks()
  const home = where.innodbDataHome ?? dataDir
  const first = (where.innodbDataFilePath ?? 'ibdata1').split(/[:;]/)[0] ?? 'ibdata1'
  const path = isAbsolute(first) ? first : join(home, first)
  try {
    const { ino } = await stat(path, { bigint: true })
    const holders: number[] = []
    for (const pid of holdersIn(locks, ino)) {
      // inode numbers repeat across file systems; device numbers differ under overlayfs: the open file decides where it can be seen
      if (await opens(pid, path)) holders.push(pid)
    }
    return holders
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR', 'EACCES')) return []
    throw error
  }
}

function systemLocks(): string {
  try {
    return readFileSync('/proc/locks', 'utf8')
  } catch {
    return ''   // absent in some containers: the other witnesses remain
  }
}

async function opens(pid: number, path: string): Promise<boolean> {
  const real = await realpathIfPresent(path)
  try {
    for (const fd of readdirSync(`/proc/${pid}/fd`)) {
      if (linkTarget(`/proc/${pid}/fd/${fd}`) === real) return true
    }
    return false
  } catch (error) {
    if (isErrno(error, 'EACCES', 'EPERM')) return looksLikeMysqld(await commandLineOf(pid))   // another user's: the lock is the witness
    if (isErrno(error, 'ENOENT', 'ESRCH')) return false
    throw error
  }
}

async function describe(pid: number): Promise<FoundMysqld | undefined> {
  const identity = await identityOf(pid)
  if (identity === undefined) return undefined
  const args = await commandLineOf(pid)
  const socketArgument = argumentOf(args, 'socket')
  return { identity, arguments: args, socketArgument, isPrivate: socketArgument?.includes(`/${PRIVATE_DIRECTORY_PREFIX}boot-`) ?? false }
}

const worksIn = (pid: number, dataDir: string): boolean => linkTarget(`/proc/${pid}/cwd`) === dataDir

async function pidIn(path: string): Promise<number | undefined> {
  const text = await readIfPresent(path).catch(() => undefined)   // unreadable for us: no witness
  const pid = Number(text?.trim() ?? '')
  return Number.isInteger(pid) && pid > 1 ? pid : undefined
}

async function realpathIfPresent(path: string): Promise<string | undefined> {
  try {
    return await realpath(path)
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return undefined
    throw error
  }
}
