/** A real server of each kind: started, adopted, stopped, killed, restarted, and found again after its daemon has gone. */
import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { isAlive } from '../../src/mysqld/process-identity.ts'
import { openTestProcess } from '../support/mysqld-process.ts'
import { processWith } from '../support/processes.ts'
import { forEachServer } from '../support/servers.ts'
import { waitFor } from '../support/wait-for.ts'

const OPEN = { readOnly: false, closedToClients: false }

t.setTimeout(280_000)   // thirty starts of real servers

forEachServer(t, 'a start resolves when the server answers, and a clean stop when its process is gone', async (t, server) => {
  await using box = await openTestProcess(server)
  t.same(await box.process.state(), { kind: 'stopped', exit: undefined })
  const identity = await box.process.start({ ...OPEN, readOnly: true, serverId: 4711 }, box.ctx)
  const [row] = await box.rows(`SELECT @@server_id AS id, @@read_only AS ro${server.name === 'mysql' ? ', @@super_read_only AS sro' : ''}`)
  t.match(row, { id: 4711, ro: 1, ...(server.name === 'mysql' ? { sro: 1 } : {}) }, 'flags beat my.cnf')
  t.same(await box.process.state(), { kind: 'running', identity })
  await box.process.stop(box.ctx)
  t.notOk(await isAlive(identity))
  t.same(await box.process.state(), { kind: 'stopped', exit: { code: 0, signal: undefined, clean: true } })
  await box.process.stop(box.ctx)   // stopped already, and cleanly: nothing to do
})

forEachServer(t, 'a running server is adopted: same pid, nothing started, and its stop is judged from its log', async (t, server) => {
  await using box = await openTestProcess(server)
  const identity = await box.process.start(OPEN, box.ctx)
  const other = box.another()
  t.same(await other.state(), { kind: 'running', identity })
  t.same(await other.start({ ...OPEN, readOnly: true }, box.ctx), identity, 'left alone')
  await other.stop(box.ctx)
  t.match(await other.state(), { kind: 'stopped', exit: { clean: true } })
})

forEachServer(t, 'a server outlives the daemon that started it, and the next daemon adopts it', async (t, server) => {
  await using box = await openTestProcess(server)
  const daemon = spawn(process.execPath, [join(import.meta.dirname, '../support/start-and-wait.ts'), box.dir, server.mysqldPath], { stdio: ['ignore', 'pipe', 'inherit'] })
  const pid = await new Promise<number>((resolve) => { daemon.stdout.once('data', (bytes: Buffer) => { resolve(Number(bytes.toString())) }) })
  const gone = new Promise((resolve) => { daemon.once('exit', resolve) })
  daemon.kill('SIGKILL')
  await gone
  t.match(await box.process.state(), { kind: 'running', identity: { pid } })
  t.equal((await box.process.start(OPEN, box.ctx)).pid, pid)
  t.equal((await box.rows('SELECT 1 AS one'))[0]?.['one'], 1, 'it answers')
  await box.process.stop(box.ctx)
})

forEachServer(t, 'a killed server is stopped uncleanly, says so, and recovers at its next start', async (t, server) => {
  await using box = await openTestProcess(server)
  const identity = await box.process.start(OPEN, box.ctx)
  await box.run('CREATE DATABASE d; CREATE TABLE d.t (id INT PRIMARY KEY) ENGINE=InnoDB; INSERT INTO d.t VALUES (1), (2)')
  process.kill(identity.pid, 'SIGKILL')
  await t.rejects(box.process.stop(box.ctx), { code: 'MYSQLD_UNCLEAN_STOP' })
  t.match(await box.process.state(), { kind: 'stopped' })
  await t.rejects(box.another().stop(box.ctx), { code: 'MYSQLD_UNCLEAN_STOP' }, 'who comes later is not deceived')
  const again = await box.process.start(OPEN, box.ctx)
  t.not(again.startTicks, identity.startTicks)
  t.equal((await box.rows('SELECT COUNT(*) AS n FROM d.t'))[0]?.['n'], 2)
  await box.process.stop(box.ctx)
})

forEachServer(t, 'a shutdown that somebody else began is waited for by stop and by start, and not asked for again', async (t, server) => {
  await using box = await openTestProcess(server)
  const identity = await box.process.start(OPEN, box.ctx)
  process.kill(identity.pid, 'SIGTERM')
  await waitFor('the shutdown shows', async () => (await box.process.state()).kind !== 'running', { everyMs: 5 })
  const again = await box.process.start(OPEN, box.ctx)
  t.not(again.pid, identity.pid)
  process.kill(again.pid, 'SIGTERM')
  await box.process.stop(box.ctx)
  t.match(await box.process.state(), { kind: 'stopped', exit: { clean: true } })
  const asked = readFileSync(box.errorLog, 'utf8').match(/Received SHUTDOWN|\): Normal shutdown/g)?.length
  t.equal(asked, 2, 'each server was asked once')
})

forEachServer(t, 'a server that is told to RESTART ends with 16 and can be started at once', async (t, server) => {
  await using box = await openTestProcess(server)
  const identity = await box.process.start(OPEN, box.ctx)
  await box.run('RESTART')
  await waitFor('it ended', async () => !await isAlive(identity))
  t.match(await waitFor('the exit is known', async () => {
    const state = await box.process.state()
    return state.kind === 'stopped' && state.exit !== undefined ? state.exit : undefined
  }), { code: 16 })
  await box.process.start(OPEN, box.ctx)
  await box.process.stop(box.ctx)
}, { server: 'mysql', why: 'MariaDB has no RESTART statement' })

forEachServer(t, 'closed to clients: our socket answers, the network does not, and a second object knows that socket', async (t, server) => {
  await using box = await openTestProcess(server)
  await box.process.start({ readOnly: true, closedToClients: true }, box.ctx)
  if (server.name === 'mysql') {
    t.equal((await box.rows('SELECT @@offline_mode AS off'))[0]?.['off'], 1)
  } else {
    t.equal(box.process.socket, join(box.dir, 'tablet/private.sock'))
    t.notOk(existsSync(box.cnfSocket), 'clients find no socket')
    t.equal((await box.rows('SELECT @@skip_networking AS off'))[0]?.['off'], 1)
    const other = box.another()
    await other.state()
    t.equal(other.socket, box.process.socket)
  }
  await box.process.stop(box.ctx)
  await box.process.start(OPEN, box.ctx)
  t.equal(box.process.socket, box.cnfSocket, 'the next start is open again')
  await box.process.stop(box.ctx)
})

forEachServer(t, 'a start that fails carries what the server said', async (t, server) => {
  await using box = await openTestProcess(server)
  await writeFile(box.cnfPath, `${readFileSync(box.cnfPath, 'utf8')}no-such-option-of-any-server=1\n`)
  await t.rejects(box.process.start(OPEN, box.ctx), { code: 'MYSQLD_START_FAILED', message: /no-such-option-of-any-server/ })
  t.match(await box.process.state(), { kind: 'stopped', exit: { clean: false } })
})

forEachServer(t, 'a start whose signal aborts leaves the server to come up, and the next start adopts it', async (t, server) => {
  await using box = await openTestProcess(server)
  const stop = new AbortController()
  const starting = box.process.start(OPEN, { ...box.ctx, signal: stop.signal })
  const pid = await waitFor('a process', async () => {
    const state = await box.process.state()
    return state.kind === 'running' ? state.identity.pid : undefined
  }, { everyMs: 5 })
  stop.abort(new Error('no longer wanted'))
  await starting.catch((error: unknown) => { t.match(error, { message: 'no longer wanted' }) })
  t.ok(processWith(pid), 'it lives')
  t.equal((await box.process.start(OPEN, box.ctx)).pid, pid)
  await box.process.stop(box.ctx)
})

t.test('a program that is not there has its code', async (t) => {
  const { programs } = await import('../../src/mysqld/program.ts')
  const start = { program: '/nowhere/mysqld', arguments: [], outputFile: `/tmp/td-${process.pid}-none.log` }
  await t.rejects(programs.startServer(start), { code: 'MYSQLD_NOT_FOUND' })
  await rm(start.outputFile, { force: true })
})
