/** What a newcomer runs first. */
import t from 'tap'
import { spawn } from 'node:child_process'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { leavesNothingBehind } from '../support/leftovers.ts'
import { usersOf } from '../support/processes.ts'
import { runProgram } from '../support/run-program.ts'
import { forEachServer } from '../support/servers.ts'
import type { TestServer } from '../support/servers.ts'
import { ROOT } from '../support/shard-place.ts'
import { cleanEnv } from '../support/tablet.ts'
import { tempDir } from '../support/temp-dir.ts'

const QUICKSTART = join(ROOT, 'scripts/quickstart')

forEachServer(t, 'the story comes true from its first to its last line, and nothing of it stays', async (t, server) => {
  await using dir = await tempDir()
  const told = await runProgram(QUICKSTART, ['--once', '--mysqld', server.mysqldPath], { env: cleanEnv({ TMPDIR: dir.path }), timeoutMs: 240_000 })
  t.equal(told.code, 0, 'exits 0')
  if (told.code !== 0) t.comment(told.stdout + told.stderr)
  t.match(told.stdout, /is SPARE: .*no-shard-primary/, 'tablets wait for a primary')
  t.match(told.stdout, /is PRIMARY and writable/, 'a primary is named')
  t.match(told.stdout, /backup \S+ is complete/, 'a backup is taken')
  t.match(told.stdout, /restored \S+, caught up and is a healthy REPLICA/, 'a new tablet restores it')
  t.match(told.stdout, /that is the life of a shard\n$/, 'to the end')
  t.strictSame(await leftIn(dir.path), [], 'no process and no directory stays')
})

forEachServer(t, 'Ctrl-C in the middle of the story cleans up and exits 130', async (t, server) => {
  await using dir = await tempDir()
  const { code, stdout } = await interruptAt(/two tablets of/, server, dir.path)
  t.equal(code, 130)
  t.notMatch(stdout, /that is the life/, 'the story was not at its end')
  t.strictSame(await leftIn(dir.path), [], 'no process and no directory stays')
})

t.test('bad arguments are refused in one line with the usage', async (t) => {
  for (const args of [['--flavor', 'postgres'], ['--nonsense'], ['--mysqld', '/does/not/exist']]) {
    const { code, stderr } = await runProgram(QUICKSTART, args, { env: cleanEnv() })
    t.equal(code, 1, args.join(' '))
    t.match(stderr, /\nusage: npm run quickstart/, `${args.join(' ')} shows the usage`)
  }
})

async function leftIn(dir: string): Promise<readonly string[]> {
  const names = (await readdir(dir)).filter((name) => name.startsWith('tabletd'))
  return [...names, ...usersOf(dir).map((user) => user.command)]
}

/** Sends SIGINT to the whole group, as a terminal does, when the output first matches. */
function interruptAt(line: RegExp, server: TestServer, tmp: string): Promise<{ readonly code: number | null, readonly stdout: string }> {
  const child = spawn(QUICKSTART, ['--mysqld', server.mysqldPath], { detached: true, env: cleanEnv({ TMPDIR: tmp }), stdio: ['ignore', 'pipe', 'ignore'] })
  let stdout = ''
  let sent = false
  child.stdout.on('data', (bytes: Buffer) => {
    stdout += bytes.toString()
    if (sent || !line.test(stdout) || child.pid === undefined) return
    sent = true
    process.kill(-child.pid, 'SIGINT')
  })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => { resolve({ code, stdout }) })
  })
}

leavesNothingBehind(t)
