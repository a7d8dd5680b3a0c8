/** That the bench works from end to end, and nothing about speed: its figures on a busy machine say nothing. */
import t from 'tap'
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findProgram } from '../../scripts/lib/layout.mjs'
import { leavesNothingBehind } from '../support/leftovers.ts'
import { usersOf } from '../support/processes.ts'
import { runProgram } from '../support/run-program.ts'
import { ROOT } from '../support/shard-place.ts'
import { cleanEnv } from '../support/tablet.ts'
import { tempDir } from '../support/temp-dir.ts'
import { waitFor } from '../support/wait-for.ts'

const bench = (...args: readonly string[]): ReturnType<typeof runProgram> =>
  runProgram('npm', ['run', '--silent', 'bench', '--', '--quick', ...args], { cwd: ROOT, env: cleanEnv(), timeoutMs: 200_000 })

const WITHOUT = findProgram('sysbench') === undefined && process.getuid?.() !== 0 ? 'sysbench is not installed, and only root may install it' : false

/** What the names of all its directories begin with, from the one that it says first. */
function prefixIn(stderr: string): string {
  const prefix = /^working in (\S+-)\w+$/m.exec(stderr)?.[1]
  if (prefix === undefined) throw new Error(`it did not say where it works:\n${stderr}`)
  return prefix
}

const leftBy = async (stderr: string): Promise<readonly string[]> => [
  ...(await readdir(tmpdir())).map((name) => join(tmpdir(), name)).filter((path) => path.startsWith(prefixIn(stderr))),
  ...usersOf(prefixIn(stderr)).map(({ command }) => command),
]

/** Figures of the table, by what they are of: reference and ours. */
function figuresIn(stdout: string): Readonly<Record<string, readonly number[]>> {
  const rows = stdout.split('\n').filter((line) => line.startsWith('| ')).slice(1)
  return Object.fromEntries(rows.map((line) => {
    const [what = '', reference = '', ours = ''] = line.split('|').slice(1).map((cell) => cell.trim())
    return [what, [reference, ours].map((cell) => Number.parseFloat(cell))]
  }))
}

t.test('npm run bench copies real tables both ways, tells every figure, and leaves nothing', { skip: WITHOUT }, async (t) => {
  const { code, stdout, stderr } = await bench('--only', 'backup,restore', '--flavor', 'mariadb')
  t.equal(code, 0, stderr)
  const figures = figuresIn(stdout)
  const compared = ['backup, many tables', 'stored', 'backup, one huge table', 'as fast as many', 'restore, many tables', 'restore, one huge table']
  for (const what of compared) t.ok(figures[what]?.every((value) => value > 0), what)
  for (const what of ['backup, peak memory', 'restore, peak memory']) t.ok((figures[what]?.[1] ?? 0) > 10, what)
  t.notMatch(stdout, /held|MISSED/, 'so little data, and one round, judge nothing')
  t.same(await leftBy(stderr), [], 'all that was made is gone')
})

t.test('a directory that is given is copied as it is', async (t) => {
  await using dir = await tempDir()
  const given = join(dir.path, 'given')
  await mkdir(join(given, 'shop'), { recursive: true })
  for (const [name, bytes] of [['ibdata1', 100_000], ['ib_logfile0', 50_000], ['shop/orders.ibd', 3_000_000]] as const) {
    await writeFile(join(given, name), randomBytes(bytes))
  }
  const { code, stdout, stderr } = await bench('--only', 'restore', '--data', given, '--flavor', 'mariadb')
  t.equal(code, 0, stderr)
  t.match(stderr, /3 MB in 3 files/)
  t.match(stdout, /^\| restore, many tables/m)
  t.same((await readdir(given)).sort(), ['ib_logfile0', 'ibdata1', 'shop'])
  t.same(await leftBy(stderr), [])
})

t.test('a directory that is none is refused before anything is measured', async (t) => {
  await using dir = await tempDir()
  const { code, stdout, stderr } = await bench('--only', 'backup', '--data', dir.path, '--flavor', 'mariadb')
  t.equal(code, 1)
  t.equal(stdout, '')
  t.match(stderr, /is no data directory/)
})

t.test('Ctrl-C ends everything that it started, and removes what it made', { skip: WITHOUT }, async (t) => {
  const child = spawn('npm', ['run', '--silent', 'bench', '--', '--only', 'backup', '--flavor', 'mariadb'], {
    cwd: ROOT, env: cleanEnv(), detached: true, stdio: ['ignore', 'pipe', 'pipe'],
  })
  const ended = once(child, 'close')
  let said = ''
  child.stderr.on('data', (bytes: Buffer) => { said += bytes.toString() })
  t.teardown(() => { if (child.exitCode === null && child.signalCode === null) process.kill(-(child.pid as number), 'SIGINT') })
  const fills = (): boolean => usersOf(prefixIn(said)).some(({ command }) => command.startsWith('sysbench'))
  await waitFor('a server is filled', fills, { deadlineMs: 120_000, context: () => said })
  process.kill(-(child.pid as number), 'SIGINT')
  await ended
  t.match(said, /ended by SIGINT/)
  t.same(await leftBy(said), [])
})

leavesNothingBehind(t)
