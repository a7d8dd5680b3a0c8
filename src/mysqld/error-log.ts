/**
 * What mysqld's error log says: its end for people, and the last word on how a server ended or where it stands.
 *
 * The sentences are the servers' own: "ready for connections", "Received SHUTDOWN" (MySQL), "Normal shutdown"
 * (MariaDB), "Shutdown complete" (both; InnoDB's "Shutdown completed;" is an earlier one and does not count).
 */
import { open } from 'node:fs/promises'
import { isErrno } from '../base/errors.ts'

/** Where the last server that wrote into the log stands. `silent`: the log says nothing of it. */
export type LogPhase = 'silent' | 'starting' | 'ready' | 'shutting-down' | 'shut-down'

const MARKS: readonly (readonly [LogPhase, RegExp])[] = [
  ['shut-down', /: Shutdown complete(?:\s|$)/],
  ['shutting-down', /Received SHUTDOWN from user|\): Normal shutdown|: Normal shutdown$/],
  ['ready', /: ready for connections/],
  ['starting', /\bstarting as process \d+|Starting MariaDB \S+ source revision/],
]

export function logPhase(text: string): LogPhase {
  for (const line of text.trimEnd().split('\n').reverse()) {
    const mark = MARKS.find(([, pattern]) => pattern.test(line))
    if (mark !== undefined) return mark[0]
  }
  return 'silent'
}

/**
 * Where the server with this pid stands, by the log. A log may end with an older run, because the running server writes
 * elsewhere (journald, another log-error): what another pid's start stands above is not this server's.
 */
export function logPhaseOf(text: string, pid: number): LogPhase {
  const starts = [...text.matchAll(/\b(?:starting|Starting MariaDB .*) as process (\d+)/g)]
  const last = starts.at(-1)
  return last === undefined || Number(last[1]) === pid ? logPhase(text) : 'silent'
}

/** Why a server cannot read its data directory, in its own words; undefined when its log gives no such reason. */
export function unreadableReason(log: string): string | undefined {
  for (const line of log.trimEnd().split('\n').reverse()) {
    if (UNREADABLE.some((pattern) => pattern.test(line))) return line.replace(/^\S+(?:\s+[\d:]+)?\s+\d+\s+/, '').trim()
  }
  return undefined
}

/** InnoDB's and the server's own words for ENOSPC. */
export const saysDiskFull = (log: string): boolean =>
  /No space left on device|errno:? 28\b|error number 28|disk (?:is )?full|out of disk space|Check that the (?:disk|partition) is not full/i.test(log)

const UNREADABLE: readonly RegExp[] = [
  /Invalid MySQL server (?:up|down)grade/i,
  /Cannot boot server version/i,
  /Data Dictionary initialization failed/i,
  /Cannot create redo log files because data files are corrupt/i,
  /(?:Missing|Could not find) (?:redo log|ib_logfile)|ib_logfile0 was not found|Unable to find redo log/i,
  /Upgrade after a crash is not supported|unsupported redo log format|Unsupported redo log format/i,
  /Upgrading? (?:from|is) .*not supported/i,
  /does not exist in the InnoDB internal data dictionary|Only one log file found/i,
  /The innodb_system data file .* (?:was not found|must be writable)|Expected to open .* undo tablespaces/i,
  /Invalid flags 0x[0-9a-f]+ in .*ibdata|page size .* (?:differs|does not match)|innodb-page-size mismatch/i,
  /Different lower_case_table_names settings/i,
  /Can't open and lock privilege tables|Table 'mysql\.(?:user|db|global_priv|plugin)' doesn't exist in engine/i,
  /Fatal error: mysql\.user table is damaged|Database page corruption on disk/i,
]

const TAIL_BYTES = 64 * 1024

/** The last 64 KiB of the log, '' when there is none or it may not be read. */
export async function readLogEnd(path: string | undefined, fromByte = 0): Promise<string> {
  if (path === undefined) return ''
  try {
    await using file = await open(path, 'r')
    const { size } = await file.stat()
    const start = Math.max(fromByte > size ? 0 : fromByte, size - TAIL_BYTES)   // smaller than before: it was rotated
    const { bytesRead, buffer } = await file.read(Buffer.alloc(size - start), 0, size - start, start)
    return buffer.subarray(0, bytesRead).toString('utf8')
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR', 'EACCES', 'EISDIR')) return ''
    throw error
  }
}

/** Size of the log now: what is written after it belongs to the start that follows. */
export async function logSize(path: string | undefined): Promise<number> {
  if (path === undefined) return 0
  try {
    await using file = await open(path, 'r')
    return (await file.stat()).size
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR', 'EACCES', 'EISDIR')) return 0
    throw error
  }
}

/** The lines worth telling an operator: errors if there are any, else the last ones; at most `count`. */
export function logTail(log: string, count = 6): string {
  const lines = log.split('\n').map((line) => line.trim()).filter((line) => line !== '')
  const errors = lines.filter((line) => /\[ERROR\]|\bERROR\b|Can't|Cannot/.test(line))
  return (errors.length > 0 ? errors : lines).slice(-count).join(' | ')
}
