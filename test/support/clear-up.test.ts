import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rmdir, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { clearUp } from '../../scripts/lib/clear-up.mjs'
import { canMount, smallFileSystem } from './small-file-system.ts'

/** A process that has ended, and a directory that bears its name, as a test file leaves one that was killed. */
async function deadFile(): Promise<{ readonly pid: number, readonly dir: string }> {
  const child = spawn('true', { stdio: 'ignore' })
  const { pid = 0 } = child
  await once(child, 'exit')
  return { pid, dir: await mkdtemp(join(tmpdir(), `td-${pid}-`)) }
}

t.test('what a test file left running and lying about is ended, removed and named', async (t) => {
  const { pid, dir } = await deadFile()
  await writeFile(join(dir, 'file'), 'text')
  const left = spawn('tail', ['-f', join(dir, 'file')], { detached: true, stdio: 'ignore' })
  const gone = once(left, 'exit')
  t.strictSame(clearUp(pid), [`process ${left.pid}: tail -f ${join(dir, 'file')} `, `directory ${dir}`])
  t.strictSame(await gone, [null, 'SIGKILL'])
  t.notOk(existsSync(dir))
  t.strictSame(clearUp(pid), [], 'and nothing is left for a second time')
})

t.test('a file system that is mounted and in use there is unmounted', { skip: !await canMount() && 'this process may not mount' }, async (t) => {
  const { pid, dir } = await deadFile()
  const outer = join(dir, 'with a space')
  const inner = join(outer, 'inner')
  await smallFileSystem(outer, '64k')
  await mkdir(inner)
  await smallFileSystem(inner, '64k')
  // its working directory keeps the file system busy, and its command line does not name it
  const user = spawn('sleep', ['60'], { cwd: inner, stdio: 'ignore' })
  await once(user, 'spawn')
  try {
    t.strictSame(clearUp(pid), [`mount ${inner}`, `mount ${outer}`, `directory ${dir}`])
    t.notOk(existsSync(dir))
  } finally {
    user.kill('SIGKILL')
  }
})

t.test('a directory that cannot be removed is named, and nothing is thrown', { skip: !await canFix() && 'no immutable directories here' }, async (t) => {
  const { pid, dir } = await deadFile()
  spawnSync('chattr', ['+i', dir])
  try {
    const [said = '', ...more] = clearUp(pid)
    t.match(said, `directory ${dir} (it cannot be removed: `)
    t.strictSame(more, [])
  } finally {
    await loosen(dir)
  }
})

/** Whether this user and file system know immutable directories. */
async function canFix(): Promise<boolean> {
  const { dir } = await deadFile()
  const { status } = spawnSync('chattr', ['+i', dir])
  await loosen(dir)
  return status === 0
}

async function loosen(dir: string): Promise<void> {
  spawnSync('chattr', ['-i', dir])
  await rmdir(dir)
}
