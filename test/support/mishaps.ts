/** What happens to machines: servers killed, directories emptied. Each resolves when it has happened. */
import { readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { processWith } from './processes.ts'
import type { TestTablet } from './tablet.ts'
import { waitFor } from './wait-for.ts'

/** Signals the tablet's mysqld and waits until that process is gone. Resolves to the pid it had. */
export async function endMysqld(tablet: TestTablet, signal: 'SIGKILL' | 'SIGTERM' = 'SIGKILL'): Promise<number> {
  const pid = tablet.pidOfMysqld()
  if (pid === undefined) throw new Error(`no mysqld of ${tablet.alias} runs`)
  process.kill(pid, signal)
  await waitFor(`mysqld ${pid} is gone`, () => processWith(pid) === undefined, { deadlineMs: 60_000 })
  return pid
}

/** Daemon and mysqld die at once, as when the machine loses power. */
export async function losePower(tablet: TestTablet): Promise<void> {
  await tablet.killDaemon('SIGKILL')
  if (tablet.pidOfMysqld() !== undefined) await endMysqld(tablet)
}

/** Removes everything in a directory, dot names included, and leaves the directory. */
export function emptyDirectory(path: string): void {
  for (const name of readdirSync(path)) rmSync(join(path, name), { recursive: true, force: true })
}

/** A directory that cannot be read any more, whoever asks: a file stands in its place. Returns what puts it back. */
export function makeUnreadable(directory: string): () => void {
  const aside = `${directory}.aside`
  renameSync(directory, aside)
  writeFileSync(directory, 'not a directory')
  return () => {
    rmSync(directory)
    renameSync(aside, directory)
  }
}
