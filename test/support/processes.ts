/** What /proc says about processes: the only witness tests trust about who runs. */
import { readFileSync, readdirSync } from 'node:fs'

export interface SeenProcess {
  readonly pid: number
  readonly parent: number
  /** One letter of proc(5): R, S, D, Z, T … */
  readonly state: string
  readonly command: string
}

/** The process, or undefined when it is gone. A zombie is gone: only its parent has not noticed. */
export function processWith(pid: number): SeenProcess | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const [state = '', parent = ''] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    if (state === 'Z' || state === 'X') return undefined
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()
    return { pid, parent: Number(parent), state, command }
  } catch {
    return undefined
  }
}

export function allProcesses(): readonly SeenProcess[] {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).flatMap((name) => processWith(Number(name)) ?? [])
}

/** Kills every process whose command line names `path`, and waits until none is left. Only for paths of our own temporary directories. */
export async function killUsersOf(path: string): Promise<void> {
  if (!path.includes('/td-')) throw new Error(`${path} is not a temporary directory of a test`)
  const deadline = Date.now() + 20_000
  for (;;) {
    const users = usersOf(path)
    if (users.length === 0) return
    if (Date.now() > deadline) throw new Error(`still running after SIGKILL: ${users.map((user) => user.command).join('; ')}`)
    for (const user of users) {
      try { process.kill(user.pid, 'SIGKILL') } catch { /* it went by itself */ }
    }
    await new Promise((resolve) => { setTimeout(resolve, 20) })
  }
}

/** Processes other than this one whose command line names `path`. */
export function usersOf(path: string): readonly SeenProcess[] {
  return allProcesses().filter((seen) => seen.pid !== process.pid && seen.command.includes(path))
}
