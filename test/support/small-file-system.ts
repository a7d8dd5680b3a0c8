/** A file system of a few bytes, for tests of full, read-only and vanishing storage. Needs the right to mount. */
import { mkdir, mkdtemp, rmdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runProgram } from './run-program.ts'

export interface SmallFileSystem extends AsyncDisposable {
  readonly path: string
  remount(options: string): Promise<void>
  /** At once, whoever uses it (umount -l). */
  unmount(): Promise<void>
}

let mountable: Promise<boolean> | undefined

/** Whether this process may mount; tests that must say so when they skip. */
export function canMount(): Promise<boolean> {
  mountable ??= tryToMount()
  return mountable
}

/** A tmpfs of `size` (as mount(8) spells it) at `path`, unmounted when disposed. Mode 0777, so any server may write. */
export async function smallFileSystem(path: string, size: string): Promise<SmallFileSystem> {
  await mkdir(path, { recursive: true })
  await must('mount', '-t', 'tmpfs', '-o', `size=${size},mode=0777`, 'tabletd-test', path)
  let mounted = true
  const unmount = async (): Promise<void> => {
    if (!mounted) return
    mounted = false
    await must('umount', '-l', path)
  }
  return { path, unmount, remount: (options) => must('mount', '-o', `remount,${options}`, path), [Symbol.asyncDispose]: unmount }
}

async function tryToMount(): Promise<boolean> {
  const path = await mkdtemp(join(tmpdir(), 'td-mount-'))
  try {
    await (await smallFileSystem(path, '64k'))[Symbol.asyncDispose]()
    return true
  } catch {
    return false
  } finally {
    await rmdir(path)
  }
}

async function must(program: string, ...args: readonly string[]): Promise<void> {
  const { code, stderr } = await runProgram(program, args)
  if (code !== 0) throw new Error(`${program} ${args.join(' ')} exited with ${code}: ${stderr}`)
}
