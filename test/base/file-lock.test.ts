import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { lockFile } from '../../src/base/file-lock.ts'

const MODULE = JSON.stringify(join(import.meta.dirname, '../../src/base/file-lock.ts'))

/** Another process that has taken the lock of `path` and holds it until it ends. */
async function holder(path: string, note: string): Promise<ChildProcess> {
  const code = `const { lockFile } = await import(${MODULE}); globalThis.lock = await lockFile(${JSON.stringify(path)}, ${JSON.stringify(note)});
    process.stdout.write('locked'); process.stdin.resume()`
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['pipe', 'pipe', 'ignore'] })
  await Promise.race([once(child.stdout, 'data'), once(child, 'exit').then(() => { throw new Error('the other process got no lock') })])
  return child
}

async function killed(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  const exit = once(child, 'exit')
  child.kill(signal)
  await exit
}

t.test('a lock keeps another process out, says who has it, and is free after kill -9', async (t) => {
  const path = join(t.testdir({}), 'lock')
  const other = await holder(path, 'pid 4711')
  t.teardown(() => { other.kill('SIGKILL') })
  await t.rejects(lockFile(path, 'us'), { code: 'LOCK_HELD', message: `cannot lock ${path}: held by pid 4711`, details: { holder: 'pid 4711' } })
  await killed(other, 'SIGKILL')
  const lock = await lockFile(path, 'us')
  t.equal((await stat(path)).mode & 0o007, 0, 'nothing for the world')
  await t.rejects(lockFile(path, 'us again'), { code: 'LOCK_HELD', message: /held by us$/ }, 'not twice in one process either')
  await lock[Symbol.asyncDispose]()
  const again = await lockFile(path, 'us again')
  await again[Symbol.asyncDispose]()
})

t.test('we can lock what we hold out of another process', async (t) => {
  const path = join(t.testdir({}), 'lock')
  const lock = await lockFile(path, 'us')
  await t.rejects(holder(path, 'them'), { message: 'the other process got no lock' })
  await lock[Symbol.asyncDispose]()
  await killed(await holder(path, 'them'), 'SIGTERM')
})

t.test('a program started while the lock is held does not keep it', async (t) => {
  const path = join(t.testdir({}), 'lock')
  const lock = await lockFile(path, 'us')
  const program = spawn('cat', { stdio: ['pipe', 'ignore', 'ignore'] })
  t.teardown(() => { program.kill('SIGKILL') })
  await once(program, 'spawn')
  await lock[Symbol.asyncDispose]()
  await (await lockFile(path, 'us again'))[Symbol.asyncDispose]()
  t.equal(program.exitCode, null, 'it still runs')
  await killed(program, 'SIGKILL')
})

t.test('a lock in a directory that is not there is refused under its code', async (t) => {
  await t.rejects(lockFile(join(t.testdir({}), 'missing', 'lock'), 'us'), { code: 'DIRECTORY_UNUSABLE' })
})
