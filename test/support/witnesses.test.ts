/** The helpers by which other tests prove things, proven themselves: each must be able to say no. */
import t from 'tap'
import { appendFile, chmod, mkdir, writeFile } from 'node:fs/promises'
import { spawn } from 'node:child_process'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { directoryState, tableChecksums } from './checksum.ts'
import { LogFollower, readLog } from './daemon-log.ts'
import { freePort } from './free-port.ts'
import { leavesNothingBehind, leftovers } from './leftovers.ts'
import { processWith } from './processes.ts'
import { forEachServer } from './servers.ts'
import { tempDir } from './temp-dir.ts'
import { startMysqld } from './throwaway-mysqld.ts'
import { waitFor } from './wait-for.ts'
import { startWriter } from './writer.ts'

t.test('directoryState sees content, permissions and new files, and leaves out what it is told to', async (t) => {
  await using dir = await tempDir()
  await mkdir(join(dir.path, 'd'))
  await writeFile(join(dir.path, 'd/f'), 'text')
  const before = await directoryState(dir.path)
  t.strictSame(await directoryState(dir.path), before, 'the same when nothing happened')
  await writeFile(join(dir.path, 'd/f'), 'txet')
  t.notSame(await directoryState(dir.path), before, 'content of equal size')
  await writeFile(join(dir.path, 'd/f'), 'text')
  await chmod(join(dir.path, 'd/f'), 0o600)
  t.notSame(await directoryState(dir.path), before, 'permissions')
  await chmod(join(dir.path, 'd/f'), 0o644)
  await writeFile(join(dir.path, 'new'), '')
  t.notSame(await directoryState(dir.path), before, 'a new file')
  t.strictSame(await directoryState(dir.path, (path) => path === 'new'), before, 'left out')
})

t.test('leftovers names a child, a directory and a listener, each until it is gone', async (t) => {
  const server = createServer()
  const port = await freePort()
  await new Promise<void>((resolve) => { server.listen(port, '127.0.0.1', () => { resolve() }) })
  const dir = await tempDir()
  const child = spawn('sleep', ['600'])
  t.match(await leftovers(), [/^child \d+: sleep 600$/, /^directory /, /^port \d+ accepts/])
  const gone = new Promise((resolve) => { child.once('exit', resolve) })
  child.kill('SIGKILL')
  await gone
  await dir[Symbol.asyncDispose]()
  await new Promise((resolve) => { server.close(resolve) })
  t.strictSame(await leftovers(), [])
})

t.test('free ports are never given twice while claimed', async (t) => {
  const ports = await Promise.all(Array.from({ length: 200 }, () => freePort()))
  t.equal(new Set(ports).size, ports.length)
  t.ok(ports.every((port) => port < 32_768), 'below the ports of outgoing connections')
})

t.test('waitFor says what it saw last when it gives up', async (t) => {
  let looks = 0
  t.equal(await waitFor('the third look', () => ++looks === 3 && 'seen', { everyMs: 1 }), 'seen')
  const never = waitFor('never', () => { throw new Error('it is 41') }, { deadlineMs: 20, everyMs: 5, context: () => 'log' })
  await t.rejects(never, /in vain: never \(it is 41\)\nlog/)
})

t.test('a log is followed line by line, however it is cut', async (t) => {
  await using dir = await tempDir()
  const path = join(dir.path, 'log')
  const follower = new LogFollower(path)
  t.strictSame(follower.next(), [], 'no file yet')
  await writeFile(path, '{"msg":"one"}\n{"msg":"t')
  t.strictSame(follower.next(), [{ msg: 'one' }])
  await appendFile(path, 'wo"}\nnot json\n')
  t.strictSame(follower.next(), [{ msg: 'two' }, { msg: 'not json' }])
  t.strictSame(readLog(path).length, 3)
})

t.test('a zombie is gone', async (t) => {
  // a shell that turned into sleep never asks how its first child ended
  const parent = spawn('sh', ['-c', 'sleep 600 & echo $!; exec sleep 601'], { stdio: ['ignore', 'pipe', 'ignore'] })
  const pid = Number(await new Promise((resolve) => { parent.stdout.once('data', resolve) }))
  await waitFor('the shell has turned into sleep', () => processWith(parent.pid ?? 0)?.command.startsWith('sleep 601'))
  process.kill(pid, 'SIGKILL')
  await waitFor('the child has ended', () => processWith(pid) === undefined, { deadlineMs: 5000 })
  t.doesNotThrow(() => process.kill(pid, 0), 'though signals still find it')
  const gone = new Promise((resolve) => { parent.once('exit', resolve) })
  parent.kill('SIGKILL')
  await gone
})

forEachServer(t, 'a writer notes what was acknowledged, through a crash of its server, and checksums tell tables apart', async (t, server) => {
  await using mysqld = await startMysqld({ server })
  await mysqld.run('create database app; create database hollow; create table app.t (id int primary key); insert into app.t values (1)')
  const writer = await startWriter({ schema: 'app', primary: () => Promise.resolve(mysqld.running ? { socketPath: mysqld.socket, user: 'root' } : undefined) })
  await waitFor('some rows', () => writer.acknowledged.length > 20)
  await mysqld.kill('SIGKILL')
  const before = writer.acknowledged.length
  await mysqld.start()
  await waitFor('rows after the crash', () => writer.acknowledged.length > before + 20)
  await writer.stop()
  const stored = new Set((await mysqld.rows('select number from app.numbered')).map((row) => row['number']))
  t.strictSame(writer.acknowledged.filter((number) => !stored.has(number)), [], 'every acknowledged row is there')
  t.ok(writer.longestRefusalMs() > 100, 'the crash was noticed')

  const rows = (sql: string): ReturnType<typeof mysqld.rows> => mysqld.rows(sql)
  const sums = await tableChecksums(rows)
  t.match(sums, { 'app.t': /^\d+$/, 'app.numbered': /^\d+$/, 'hollow.': 'empty' })
  await mysqld.run('update app.t set id = 2')
  t.not((await tableChecksums(rows))['app.t'], sums['app.t'], 'another row, another checksum')
})

leavesNothingBehind(t)
