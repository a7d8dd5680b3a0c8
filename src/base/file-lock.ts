/**
 * Advisory locks that the kernel frees when their process ends, however it ends.
 *
 * Node has no flock(2). The lock belongs to the open file description, so flock(1) of util-linux,
 * given our descriptor, takes it for us and may exit: it stays ours until we close the descriptor.
 * Node marks its descriptors close-on-exec, so a mysqld we start does not inherit the lock.
 */
import { spawn } from 'node:child_process'
import { open } from 'node:fs/promises'
import { TabletError, failedTo } from './errors.ts'

export interface FileLock extends AsyncDisposable {
  readonly path: string
}

/**
 * Takes the exclusive lock of `path`, creating the file (0640), without waiting.
 *
 * @throws TabletError LOCK_HELD when another process has it, with what that process wrote into the file.
 */
export async function lockFile(path: string, note: string): Promise<FileLock> {
  const file = await open(path, 'a+', 0o640).catch((error: unknown) => { throw new TabletError('DIRECTORY_UNUSABLE', `cannot open lock ${path}: ${String(error)}`, { cause: error }) })
  try {
    if (!await flock(file.fd)) {
      const holder = (await file.readFile('utf8')).trim()
      throw new TabletError('LOCK_HELD', `cannot lock ${path}: held by ${holder === '' ? 'another process' : holder}`, { details: { holder } })
    }
    await file.truncate(0)
    await file.write(`${note}\n`)
  } catch (error) {
    await file.close()
    throw error
  }
  return { path, [Symbol.asyncDispose]: () => file.close() }
}

function flock(fd: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const child = spawn('flock', ['-n', '-x', '3'], { stdio: ['ignore', 'ignore', 'ignore', fd] })
    child.once('error', (error) => { reject(failedTo('run flock(1) of util-linux', error)) })
    child.once('exit', (code) => { resolve(code === 0) })
  })
}
