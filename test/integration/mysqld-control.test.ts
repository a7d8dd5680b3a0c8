/** mysqld-control command, none and systemd through real daemons: what is started, stopped, refused, and never started writable. */
import t from 'tap'
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TabletSnapshot } from '../../src/model/snapshot.ts'
import { startReplicaOf, startWithAccounts, tabletBeside } from '../support/adopt.ts'
import { beginToServe } from '../support/app.ts'
import { untilSameTables } from '../support/checksum.ts'
import { leavesNothingBehind } from '../support/leftovers.ts'
import { endMysqld } from '../support/mishaps.ts'
import { forEachServer } from '../support/servers.ts'
import type { TestServer } from '../support/servers.ts'
import { startShard } from '../support/shard.ts'
import type { TestTablet } from '../support/tablet.ts'

const MOST_MS = 120_000

const readOnlyAtBoot = (server: TestServer): string => server.name === 'mysql' ? 'super-read-only=ON' : 'read-only=ON'
const hasCode = (seen: TabletSnapshot, code: string): boolean => seen.blockers.some((blocker) => blocker.code === code)

function script(path: string, text: string): string {
  writeFileSync(path, `#!/bin/sh\n${text}\n`)
  chmodSync(path, 0o755)
  return path
}

/** As an init script: it notes what it does, leaves the server in the background, and returns. */
function controlScripts(server: TestServer, { place }: TestTablet): { readonly flags: readonly string[], readonly calls: () => string } {
  const noted = join(place.dir, 'calls')
  writeFileSync(noted, '')
  const start = script(join(place.dir, 'start'), `echo start >>"${noted}"; "${server.mysqldPath}" --defaults-file="${place.cnfPath}" </dev/null >/dev/null 2>&1 &`)
  const stop = script(join(place.dir, 'stop'), `echo stop >>"${noted}"; kill $(cat "${place.pidFile}")`)
  return {
    flags: ['--mysqld-control=command', `--mysqld-start-command='${start}'`, `--mysqld-stop-command='${stop}'`],
    calls: () => readFileSync(noted, 'utf8').trim().split('\n').join(' '),
  }
}

forEachServer(t, 'command: the scripts start and stop the server, for its first start, a backup and a crash', async (t, server) => {
  await using shard = await startShard({ server, tablets: 1 })
  const tablet = await shard.addTablet({ start: false })
  const { flags, calls } = controlScripts(server, tablet)
  tablet.flags = [...tablet.flags, ...flags]
  await tablet.startDaemon()

  await t.test('it is not started while it would come up writable, and the code says so', async (t) => {
    const seen = await tablet.waitFor('the code', async () => {
      const snapshot = await tablet.snapshot()
      return hasCode(snapshot, 'NOT_READ_ONLY_AT_BOOT') ? snapshot : undefined
    }, MOST_MS)
    t.equal(seen.type, 'SPARE')
    t.match(seen.blockers.find(({ code }) => code === 'NOT_READ_ONLY_AT_BOOT')?.message, /my\.cnf does not set/)
    t.equal(calls(), '', 'its script was not asked')
    t.equal(tablet.pidOfMysqld(), undefined)
    await tablet.killDaemon('SIGTERM')
    tablet.addCnf(readOnlyAtBoot(server))
    await tablet.startDaemon()
  })

  await t.test('a backup stops and starts it by its scripts', async (t) => {
    await beginToServe(shard)
    t.equal(calls(), server.name === 'mysql' ? 'start' : 'start stop start', 'MariaDB is opened to clients by one restart')
    const before = calls()
    await shard.backup(tablet)
    t.equal(calls(), `${before} stop start`)
    await tablet.becomes('REPLICA', { healthy: true, deadlineMs: MOST_MS })
  })

  await t.test('after a crash it is started by its script, read-only and replicating', async (t) => {
    const before = calls()
    const pid = await endMysqld(tablet)
    await tablet.waitFor('another server runs', () => tablet.pidOfMysqld() !== undefined && tablet.pidOfMysqld() !== pid, MOST_MS)
    await tablet.becomes('REPLICA', { healthy: true, deadlineMs: MOST_MS })
    t.equal(calls(), `${before} start`)
    await untilSameTables((sql) => shard.tablet(0).rows(sql), (sql) => tablet.rows(sql))
  })

  await t.test('systemd: the unit is asked, and a daemon that restarts leaves the server alone', async (t) => {
    const pid = tablet.pidOfMysqld()
    await tablet.killDaemon('SIGTERM')
    // systemd does not run where the tests do: a double that notes its arguments and does what the unit would
    const bin = join(tablet.place.dir, 'bin')
    const { mkdirSync } = await import('node:fs')
    mkdirSync(bin)
    const noted = join(tablet.place.dir, 'systemctl-calls')
    script(join(bin, 'systemctl'), `echo "$@" >>"${noted}"; case " $* " in *" start "*) "${join(tablet.place.dir, 'start')}";; *) "${join(tablet.place.dir, 'stop')}";; esac`)
    const path = process.env['PATH'] ?? ''
    process.env['PATH'] = `${bin}:${path}`   // the daemon that starts now inherits it
    t.teardown(() => { process.env['PATH'] = path })
    const unit = tablet.flags.filter((flag) => !flag.startsWith('--mysqld-'))
    tablet.flags = [...unit, `--mysqld-path=${server.mysqldPath}`, '--mysqld-control=systemd', '--mysqld-unit=mysqld@test.service']
    await tablet.startDaemon()
    process.env['PATH'] = path
    await tablet.becomes('REPLICA', { healthy: true, deadlineMs: MOST_MS })
    t.equal(tablet.pidOfMysqld(), pid)
    await shard.backup(tablet)
    await tablet.becomes('REPLICA', { healthy: true, deadlineMs: MOST_MS })
    t.strictSame(readFileSync(noted, 'utf8').trim().split('\n'),
      ['--no-ask-password stop -- mysqld@test.service', '--no-ask-password start -- mysqld@test.service'])
  })
})

forEachServer(t, 'none: somebody else\'s server is made primary and replica, and never stopped or started', async (t, server) => {
  await using shard = await startShard({ server, tablets: 0 })
  await using source = await startWithAccounts(server)
  await using target = await startReplicaOf(source)
  await using primary = await tabletBeside(source, shard, 100)
  await using replica = await tabletBeside(target, shard, 101)
  const uncontrolled = (tablet: TestTablet): readonly string[] =>
    [...tablet.flags.filter((flag) => !/^--(restore-from-backup|mysqld-path)=/.test(flag)), '--mysqld-control=none', `--mysqld-path=${server.mysqldPath}`]
  for (const tablet of [primary, replica]) {
    tablet.flags = uncontrolled(tablet)
    t.equal(await tablet.startDaemon(), undefined)
    await tablet.becomes('SPARE', { deadlineMs: MOST_MS })
  }
  await shard.mustTabletctl('init-shard-primary', shard.name, primary.alias)
  await primary.becomes('PRIMARY', { deadlineMs: MOST_MS })
  await source.run('create database app; create table app.t (id int primary key)')
  await replica.becomes('REPLICA', { healthy: true, deadlineMs: MOST_MS })

  const refused = await replica.admin('POST', '/v1/backups', {})
  t.equal(refused.status, 412)
  t.match(refused.body, { code: 'MYSQLD_NOT_CONTROLLED' })
  const restore = await replica.admin('POST', '/v1/restore', { force: true, confirm: replica.alias })
  t.equal(restore.status, 412)
  t.match(restore.body, { code: 'MYSQLD_NOT_CONTROLLED' })
  t.equal((await replica.snapshot()).type, 'REPLICA', 'nothing has changed')

  await target.stop()
  await replica.becomes('SPARE', { deadlineMs: MOST_MS })
  await replica.waitFor('it says that nobody starts it', async () =>
    (await replica.snapshot()).blockers.some(({ name, message }) => name === 'mysqld-down' && message.includes('mysqld-control none')), MOST_MS)
  t.equal(target.running, false)
  await target.start()
  await replica.becomes('REPLICA', { healthy: true, deadlineMs: MOST_MS })
})

leavesNothingBehind(t)
