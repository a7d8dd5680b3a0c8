/** Control by command on real servers, systemd by its argument lists, none; and what is found and read of a real server. */
import { chmodSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { findMysqldOf } from '../../src/mysqld/find-mysqld.ts'
import { tracesOf } from '../../src/mysqld/process-settings.ts'
import { programs, type ProgramRunner } from '../../src/mysqld/program.ts'
import { readServerOptions } from '../../src/mysqld/read-server-options.ts'
import { setAside } from '../../src/mysqld/set-aside.ts'
import { openTestProcess, type ProcessBox } from '../support/mysqld-process.ts'
import { forEachServer, type TestServer } from '../support/servers.ts'
import { copyTemplate } from '../support/template.ts'
import { moveBack } from './move-back.ts'

t.setTimeout(280_000)

const OPEN = { readOnly: false, closedToClients: false }

function script(box: ProcessBox, name: string, text: string): string {
  const path = join(box.dir, name)
  writeFileSync(path, `#!/bin/sh\n${text}\n`)
  chmodSync(path, 0o755)
  return path
}

/** An init script's way: it leaves the server in the background and returns. */
const background = (server: TestServer, box: ProcessBox): string =>
  script(box, 'start', `"${server.mysqldPath}" --defaults-file="${box.cnfPath}" </dev/null >/dev/null 2>&1 &`)

forEachServer(t, 'control by command: its scripts start and stop the server, and the end is judged from the log', async (t, server) => {
  await using box = await openTestProcess(server)
  const start = background(server, box)
  const stop = script(box, 'stop', `kill $(cat "${box.dir}/mysqld.pid")`)
  const command = box.another({ control: 'command', startCommand: `'${start}' "an argument"`, stopCommand: stop })
  t.same(await command.state(), { kind: 'stopped', exit: undefined })
  const identity = await command.start(OPEN, box.ctx)
  t.same(await command.state(), { kind: 'running', identity })
  t.equal((await command.start(OPEN, box.ctx)).pid, identity.pid, 'a running one is left alone')
  await command.stop(box.ctx)
  t.match(await command.state(), { kind: 'stopped', exit: { clean: true } })

  const foreground = script(box, 'foreground', `exec "${server.mysqldPath}" --defaults-file="${box.cnfPath}"`)
  const other = box.another({ control: 'command', startCommand: foreground })
  const again = await other.start(OPEN, box.ctx)
  t.equal((await box.another().state()).kind, 'running', 'a server in the foreground of its command')
  process.kill(again.pid, 'SIGKILL')
  await t.rejects(other.stop(box.ctx), { code: 'MYSQLD_UNCLEAN_STOP' })
  await other.start(OPEN, box.ctx)
  await other.stop(box.ctx)   // without a stop command: SIGTERM
  t.match(await other.state(), { kind: 'stopped', exit: { clean: true } })
})

forEachServer(t, 'control by command: a start command that fails and a stop command that does nothing say so', async (t, server) => {
  await using box = await openTestProcess(server)
  const failing = box.another({ control: 'command', startCommand: script(box, 'bad', 'echo no such service; exit 5') })
  await t.rejects(failing.start(OPEN, box.ctx), { code: 'MYSQLD_START_FAILED', message: /status 5.*no such service/ })
  const missing = box.another({ control: 'command', startCommand: join(box.dir, 'nothing') })
  await t.rejects(missing.start(OPEN, box.ctx), { code: 'MYSQLD_NOT_FOUND' })
  const command = box.another({ control: 'command', startCommand: background(server, box), stopCommand: script(box, 'badstop', 'echo may not >&2; exit 4') })
  const { pid } = await command.start(OPEN, box.ctx)
  await t.rejects(command.stop(box.ctx), { code: 'MYSQLD_STOP_FAILED', message: /status 4: may not/ })
  t.match(await command.state(), { kind: 'running', identity: { pid } }, 'it is never killed')
  await box.process.stop(box.ctx)
})

forEachServer(t, 'control none: looked at, never touched', async (t, server) => {
  await using box = await openTestProcess(server)
  const none = box.another({ control: 'none' })
  t.equal(none.canStop, false)
  await t.rejects(none.start(OPEN, box.ctx), { code: 'MYSQLD_NOT_CONTROLLED' })
  const { pid } = await box.process.start(OPEN, box.ctx)
  t.match(await none.state(), { kind: 'running', identity: { pid } })
  await t.rejects(none.stop(box.ctx), { code: 'MYSQLD_NOT_CONTROLLED' })
  await box.process.stop(box.ctx)
  t.same(await none.state(), { kind: 'stopped', exit: undefined })
})

forEachServer(t, 'systemctl is asked with the unit as its last word, and where it fails its message is told', async (t, server) => {
  await using box = await openTestProcess(server)
  const asked: string[] = []
  // systemd does not run where the tests do: a recording double that starts the real server in its place
  const runner: ProgramRunner = {
    run: (call) => { asked.push([call.program, ...call.arguments].join(' ')); return Promise.resolve({ code: 1, stdout: '', stderr: 'Access denied' }) },
    startServer: (start) => {
      asked.push([start.program, ...start.arguments].join(' '))
      return programs.startServer({ ...start, program: server.mysqldPath, arguments: [`--defaults-file=${box.cnfPath}`] })
    },
  }
  const unit = box.another({ control: 'systemd', unit: 'mysqld@a.service', runner })
  t.equal(unit.control, 'systemd')
  await unit.start(OPEN, box.ctx)
  await t.rejects(unit.stop(box.ctx), { code: 'MYSQLD_STOP_FAILED', message: /Access denied/ })
  t.same(asked, ['systemctl --no-ask-password start -- mysqld@a.service', 'systemctl --no-ask-password stop -- mysqld@a.service'])
  t.throws(() => box.another({ control: 'systemd' }), { code: 'SETTINGS_INVALID', message: /mysqld-unit/ })
  t.throws(() => box.another({ control: 'command' }), { code: 'SETTINGS_INVALID', message: /mysqld-start-command/ })
})

forEachServer(t, 'a server is found by its directory without a pid file, and a stale pid file deceives nobody', async (t, server) => {
  await using box = await openTestProcess(server)
  const { where } = tracesOf({ options: box.options, tabletDir: box.tabletDir, control: 'supervised' })
  writeFileSync(join(box.dir, 'mysqld.pid'), `${process.pid}\n`)   // alive, and no mysqld of this directory
  t.equal(await findMysqldOf(where), undefined)
  const { pid } = await box.process.start(OPEN, box.ctx)
  t.match(await findMysqldOf(where), { identity: { pid }, isPrivate: false })
  t.match(await findMysqldOf({ dataDir: box.dataDir }), { identity: { pid } }, 'no pid file is needed')
  t.equal(await findMysqldOf({ dataDir: box.tabletDir }), undefined)
  t.equal(await findMysqldOf({ dataDir: join(box.dir, 'nowhere') }), undefined)
  await box.process.stop(box.ctx)
})

forEachServer(t, 'options are the server\'s own view: paths resolved, logs named, read-only seen', async (t, server) => {
  await using box = await openTestProcess(server, {
    cnf: ['log-bin=../logs/bin.x', 'innodb-undo-directory=undo', 'read-only=ON', 'log-error=../my', 'relay-log=rel', 'server-id=12', ...(server.name === 'mysql' ? ['super-read-only=ON'] : [])],
  })
  const { paths } = box.options
  t.match(box.options, { flavor: server.name, serverId: 12, readOnly: true, superReadOnly: true, gtid: true, skipReplicaStart: false })
  t.match(paths, {
    dataDir: box.dataDir, innodbDataHome: box.dataDir, undoDir: join(box.dataDir, 'undo'), socket: box.cnfSocket, pidFile: join(box.dir, 'mysqld.pid'),
    binlogBase: join(box.dir, 'logs/bin'), relayLogBase: join(box.dataDir, 'rel'), errorLog: join(box.dir, 'my.err'), innodbPageSize: 16384,
  })
  t.equal(Object.values(box.options.version).slice(1).join('.'), server.version)
  await using without = await openTestProcess(server, { cnf: ['skip-log-bin'] })
  t.equal(without.options.paths.binlogBase, undefined)
  await t.rejects(readServerOptions({ mysqldPath: '/bin/echo', myCnf: undefined }, box.ctx), { code: 'MYSQLD_NOT_FOUND' })
  await t.rejects(readServerOptions({ mysqldPath: '/no/such', myCnf: undefined }, box.ctx), { code: 'MYSQLD_NOT_FOUND' })
})

forEachServer(t, 'a server runs beside what was set aside and does not see it, and the old data come back whole', async (t, server) => {
  await using box = await openTestProcess(server)
  await box.process.start(OPEN, box.ctx)
  await box.run('CREATE DATABASE d; CREATE TABLE d.t (id INT PRIMARY KEY) ENGINE=InnoDB; INSERT INTO d.t VALUES (1)')
  await box.process.stop(box.ctx)
  await setAside(box.options.paths, 'S')
  await copyTemplate(server, box.dataDir)
  await box.process.start(OPEN, box.ctx)
  t.notOk((await box.rows('SHOW DATABASES')).some((row) => /before|^d$/.test(String(row['Database']))), 'neither its name nor its schemas')
  await box.process.stop(box.ctx)
  await moveBack(box.options.paths, 'S')
  t.notOk(readdirSync(box.dataDir).some((name) => /before/.test(name)))
  await box.process.start(OPEN, box.ctx)
  t.same(await box.rows('SELECT * FROM d.t'), [{ id: 1 }])
  await box.process.stop(box.ctx)
})
