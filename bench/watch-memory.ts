/**
 * Peak memory of a process and everything it starts.
 *
 * Every process counts with its own high-water mark (VmHWM of proc(5)), whenever that was reached, and shared pages
 * count in each: more than was ever used at once, never less.
 */
import { readFileSync, readdirSync } from 'node:fs'

const EVERY_MS = 50

export interface MemoryWatch extends Disposable {
  /** Bytes, so far. */
  peak(): number
}

/** `leaveOut`: programs that are not counted, as the server that a daemon keeps. */
export function watchMemory(root: number, leaveOut: RegExp = /^$/): MemoryWatch {
  const peaks = new Map<number, number>()
  const look = (): void => {
    for (const pid of withChildren(root)) {
      if (leaveOut.test(fieldOf(pid, 'Name'))) continue
      peaks.set(pid, Math.max(peaks.get(pid) ?? 0, bytesOf(pid, 'VmHWM')))
    }
  }
  look()
  const timer = setInterval(look, EVERY_MS)
  return {
    peak: () => [...peaks.values()].reduce((sum, bytes) => sum + bytes, 0),
    [Symbol.dispose]: () => { look(); clearInterval(timer) },
  }
}

/** Bytes that the process has in memory now; 0 when it is gone. */
export const residentBytes = (pid: number): number => bytesOf(pid, 'VmRSS')

const bytesOf = (pid: number, field: string): number => Number(/^\d+/.exec(fieldOf(pid, field))?.[0] ?? 0) * 1024

function fieldOf(pid: number, field: string): string {
  try {
    return new RegExp(`^${field}:\\s*(.*)$`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? ''
  } catch {
    return ''   // it has ended
  }
}

function withChildren(pid: number): readonly number[] {
  try {
    const children = readdirSync(`/proc/${pid}/task`).flatMap((task) => readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' '))
    return [pid, ...children.filter((text) => text !== '').flatMap((text) => withChildren(Number(text)))]
  } catch {
    return [pid]   // it is ending, or the kernel tells no children: it counts itself
  }
}
