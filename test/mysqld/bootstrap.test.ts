/** Empty directories become servers with our accounts, without a GTID; what was there before is never touched. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import t from 'tap'
import type { ActionContext } from '../../src/base/action.ts'
import { TabletError } from '../../src/base/errors.ts'
import { bootstrapServer, cleanUpBrokenBootstrap, type Bootstrap } from '../../src/mysqld/bootstrap.ts'
import { directoryVerdict, inspectDirectory } from '../../src/mysqld/data-directory.ts'
import { readOriginMark } from '../../src/mysqld/origin-mark.ts'
import { programs } from '../../src/mysqld/program.ts'
import { openTestProcess, rowsOver, type ProcessBox } from '../support/mysqld-process.ts'
import { forEachServer, type TestServer } from '../support/servers.ts'

t.setTimeout(280_000)

const OPEN = { readOnly: false, closedToClients: false }
const DBA = { user: 'tabletd_dba', password: 'p\'w\\x";# ü' }
const REPL = { user: 'tabletd_repl', password: 'r\'e"p\\l' }

const plan = (server: TestServer, box: ProcessBox, more: Partial<Bootstrap> = {}): Bootstrap => ({
  mysqldPath: server.mysqldPath, myCnf: box.cnfPath, tabletDir: box.tabletDir, options: box.options,
  dba: DBA, repl: REPL, origin: { newestTermBefore: 3 }, ...more,
})

forEachServer(t, 'an empty mount point becomes a server with our accounts, no GTID, and the mark that we made it', async (t, server) => {
  await using box = await openTestProcess(server, { template: false })
  await mkdir(join(box.dataDir, 'lost+found'), { recursive: true })
  const { ino } = statSync(box.dataDir)
  await bootstrapServer(plan(server, box), box.ctx)
  t.equal(statSync(box.dataDir).ino, ino, 'the directory itself stayed')
  t.ok(existsSync(join(box.dataDir, 'lost+found')))
  t.match(await readOriginMark(box.dataDir), { kind: 'mark', mark: { made: 'bootstrap', newestTermBefore: 3 } })
  t.same(readdirSync(box.tabletDir), [], 'no init file, no private directory remains')
  t.same(directoryVerdict(await inspectDirectory(box.options.paths), box.options), { verdict: 'something' })

  await box.process.start(OPEN, box.ctx)
  const asDba = (sql: string): ReturnType<typeof rowsOver> => rowsOver(box.process.socket, sql, DBA)
  const gtids = server.name === 'mysql' ? '@@gtid_executed' : "CONCAT(@@gtid_binlog_state, @@gtid_slave_pos)"
  t.same(await asDba(`SELECT ${gtids} AS gtids`), [{ gtids: '' }])
  const grants = (await asDba("SHOW GRANTS FOR 'tabletd_repl'@'%'")).map((row) => Object.values(row)[0])
  t.match(grants[0], /^GRANT REPLICATION SLAVE(?:, BINLOG MONITOR)? ON \*\.\* TO/)
  await asDba('CREATE DATABASE d')
  await t.rejects(rowsOver(box.process.socket, 'SELECT 1', REPL).then(() => rowsOver(box.process.socket, 'CREATE DATABASE e', REPL)), { code: /DENIED/ })
  if (server.name === 'mysql') await t.rejects(rowsOver(box.process.socket, 'SELECT 1'), { code: 'ER_ACCOUNT_HAS_BEEN_LOCKED' }, 'root has no password, so it is locked')
  t.notMatch(readFileSync(box.errorLog, 'utf8'), DBA.password)
  await box.process.stop(box.ctx)
})

forEachServer(t, 'a directory that holds anything is refused and left as it is', async (t, server) => {
  await using box = await openTestProcess(server, { template: false })
  await mkdir(box.dataDir)
  await writeFile(join(box.dataDir, 'ibdata1'), 'precious')
  await t.rejects(bootstrapServer(plan(server, box), box.ctx), { code: 'DATA_PRESENT' })
  t.equal(readFileSync(join(box.dataDir, 'ibdata1'), 'utf8'), 'precious')
  t.same(readdirSync(box.dataDir), ['ibdata1'])
})

forEachServer(t, 'a bootstrap broken off between its steps is cleaned up, and the next one succeeds', async (t, server) => {
  await using box = await openTestProcess(server, { template: false })
  let starts = 0
  const dying = { ...programs, startServer: (start: Parameters<typeof programs.startServer>[0]) => {
    starts += 1
    // after initialisation, when the accounts are about to be made, the daemon is gone: nothing of it runs any more
    return starts === 1 ? programs.startServer(start) : Promise.reject(new TabletError('STOPPING', 'gone'))
  } }
  const mark = join(box.tabletDir, 'bootstrap_in_progress')
  await t.rejects(bootstrapServer(plan(server, box, { runner: dying }), box.ctx), { code: 'STOPPING' })
  t.same(readdirSync(box.dataDir), [], 'nothing remains of a failed one')
  await mkdir(join(box.dataDir, 'mysql'))   // as a kill -9 in the middle leaves it
  await writeFile(join(box.dataDir, 'ibdata1'), 'half')
  await writeFile(join(box.dataDir, 'ca.pem'), 'made by the server')
  await writeFile(mark, JSON.stringify({ since: '', before: ['mysqld-auto.cnf'] }))
  await writeFile(join(box.dataDir, 'mysqld-auto.cnf'), 'the operator\'s')
  // an initialising server that outlived its daemon: it works in the data directory and would go on writing
  const orphan = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)', '--', `--datadir=${box.dataDir}`], { cwd: box.dataDir, stdio: 'ignore' })
  const ended = once(orphan, 'exit')
  await once(orphan, 'spawn')
  await cleanUpBrokenBootstrap(plan(server, box))
  t.same(await ended, [null, 'SIGKILL'], 'it was ended first')
  t.same(readdirSync(box.dataDir), ['mysqld-auto.cnf'], 'only what it made is gone')
  t.notOk(existsSync(mark))
  await rm(join(box.dataDir, 'mysqld-auto.cnf'))
  await bootstrapServer(plan(server, box), box.ctx)
})

forEachServer(t, 'separate InnoDB directories of my.cnf are made and used', async (t, server) => {
  await using box = await openTestProcess(server, {
    template: false,
    cnf: ['innodb-data-home-dir=../home', 'innodb-log-group-home-dir=../redo', 'innodb-undo-directory=../undo', ...(server.name === 'mariadb' ? ['innodb-undo-tablespaces=3'] : [])],
  })
  t.equal(box.options.paths.innodbDataHome, join(box.dir, 'home'), 'relative paths are the data directory\'s')
  await bootstrapServer(plan(server, box), box.ctx)
  t.ok(existsSync(join(box.dir, 'home/ibdata1')))
  t.ok(existsSync(join(box.dir, server.name === 'mysql' ? 'redo/#innodb_redo' : 'redo/ib_logfile0')))
  t.ok(existsSync(join(box.dir, server.name === 'mysql' ? 'undo/undo_001' : 'undo/undo001')))
  await box.process.start(OPEN, box.ctx)
  await box.process.stop(box.ctx)
})

forEachServer(t, 'an abort ends the initialisation and leaves nothing behind', async (t, server) => {
  await using box = await openTestProcess(server, { template: false })
  const stop = new AbortController()
  const runner = { ...programs, startServer: async (start: Parameters<typeof programs.startServer>[0]) => {
    const running = await programs.startServer(start)
    stop.abort(new TabletError('OPERATION_CANCELLED', 'cancelled'))
    return running
  } }
  const ctx: ActionContext = { ...box.ctx, signal: stop.signal }
  await t.rejects(bootstrapServer(plan(server, box, { runner }), ctx), { code: 'OPERATION_CANCELLED' })
  t.same(readdirSync(box.dataDir), [])
  t.same(readdirSync(box.tabletDir), [])
})
