/**
 * Who published a tablet's record, and whether that daemon still lives.
 *
 * A record is live while three things hold: it was published in this boot, its time to live has not passed on the
 * monotonic clock (one clock for all processes of a machine, untouched when the wall clock jumps), and its process
 * is there. The last makes a killed daemon not-live at once; it is asked only within one pid namespace, so
 * that daemons in different containers judge each other by time alone.
 *
 * See proc(5), pid_namespaces(7), clock_gettime(2).
 */
import { readFile, readlink } from 'node:fs/promises'
import { isErrno } from '../base/errors.ts'

export interface Publisher {
  readonly pid: number
  /** Field 22 of /proc/<pid>/stat: tells the process from a later one with the same pid. */
  readonly startTicks: string
  readonly bootId: string
  readonly pidNamespace: string
}

/** Milliseconds of CLOCK_MONOTONIC: since boot, the same in every process of the machine. */
export const monotonicMs = (): number => Number(process.hrtime.bigint() / 1_000_000n)

/** This process. */
export async function thisPublisher(): Promise<Publisher> {
  const [bootId, pidNamespace, stat] = await Promise.all([
    readFile('/proc/sys/kernel/random/boot_id', 'utf8'), readlink('/proc/self/ns/pid'), readFile('/proc/self/stat', 'utf8'),
  ])
  return { pid: process.pid, startTicks: startTicksOf(stat), bootId: bootId.trim(), pidNamespace }
}

/** Whether the process of `publisher` may still run. True in doubt: time decides then. */
export async function mayStillRun(publisher: Publisher, observer: Publisher): Promise<boolean> {
  if (publisher.bootId !== observer.bootId) return false
  if (publisher.pidNamespace !== observer.pidNamespace) return true
  try {
    process.kill(publisher.pid, 0)
  } catch (error) {
    if (isErrno(error, 'ESRCH')) return false   // EPERM: it is there, and somebody else's
  }
  try {
    const stat = await readFile(`/proc/${publisher.pid}/stat`, 'utf8')
    return startTicksOf(stat) === publisher.startTicks && stateOf(stat) !== 'Z'
  } catch {
    return true   // hidden from us (hidepid), or gone this instant; the next look will tell
  }
}

/** The fields after the command name, which may itself hold blanks and parentheses. */
const fieldsOf = (stat: string): readonly string[] => stat.slice(stat.lastIndexOf(')') + 2).split(' ')
const stateOf = (stat: string): string => fieldsOf(stat)[0] ?? ''
const startTicksOf = (stat: string): string => fieldsOf(stat)[19] ?? ''
