/** A donor that would do everything by itself (events, a running channel, relay log recovery) does nothing in a private boot. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { cp, mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { TabletError } from '../../src/base/errors.ts'
import { accountsSql } from '../../src/mysqld/accounts.ts'
import { ownBootPlan, positionBootPlan } from '../../src/mysqld/boot-plan.ts'
import { withPrivateBoot, type PrivateBoot } from '../../src/mysqld/private-boot.ts'
import { isAlive } from '../../src/mysqld/process-identity.ts'
import { upgradeTables } from '../../src/mysqld/upgrade-tables.ts'
import { openTestProcess, rowsOver, type ProcessBox } from '../support/mysqld-process.ts'
import { processWith, usersOf } from '../support/processes.ts'
import { forEachServer, type TestServer } from '../support/servers.ts'
import { startMysqld, type Row, type ThrowawayMysqld } from '../support/throwaway-mysqld.ts'
import { waitFor } from '../support/wait-for.ts'

t.setTimeout(280_000)

const OPEN = { readOnly: false, closedToClients: false }
const LIVELY = ['event-scheduler=ON', 'relay-log-recovery=ON']

const bootOf = (server: TestServer, box: ProcessBox, more: Partial<PrivateBoot> = {}): PrivateBoot => ({
  mysqldPath: server.mysqldPath, runAs: { name: 'root', uid: 0, gid: 0 }, parent: box.tabletDir, plan: ownBootPlan(box.options),
  ...(process.getuid?.() === 0 ? {} : { runAs: undefined }), ...more,
})

/** A primary, and the cold copy of a replica of it that had an enabled event and a running channel. */
async function livelyCopy(server: TestServer, box: ProcessBox): Promise<ThrowawayMysqld> {
  const primary = await startMysqld({ server })
  const mysql = server.name === 'mysql'
  await primary.run(`CREATE DATABASE d; CREATE TABLE d.t (id INT PRIMARY KEY AUTO_INCREMENT) ENGINE=InnoDB; INSERT INTO d.t VALUES ();
    CREATE USER 'r'@'%' IDENTIFIED BY 'r'; GRANT REPLICATION SLAVE ON *.* TO 'r'@'%'`)
  await using replica = await startMysqld({ server, cnf: LIVELY })
  await replica.run(mysql
    ? `CHANGE REPLICATION SOURCE TO SOURCE_HOST='127.0.0.1', SOURCE_PORT=${primary.port}, SOURCE_USER='r', SOURCE_PASSWORD='r', SOURCE_AUTO_POSITION=1, GET_SOURCE_PUBLIC_KEY=1; START REPLICA`
    : `CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT=${primary.port}, MASTER_USER='r', MASTER_PASSWORD='r', MASTER_USE_GTID=slave_pos; START SLAVE`)
  await waitFor('the replica has the table', async () => (await replica.rows('SELECT COUNT(*) AS n FROM d.t'))[0]?.['n'] === 1)
  // under SQL_LOG_BIN=0 the event writes rows and no GTIDs: what nothing but a count of rows shows
  await replica.run(`CREATE DATABASE e; CREATE TABLE e.t (id INT PRIMARY KEY AUTO_INCREMENT) ENGINE=InnoDB;
    CREATE EVENT e.tick ON SCHEDULE EVERY 1 SECOND ENABLE DO INSERT INTO e.t VALUES ()`)
  await waitFor('the event ticks', async () => Number((await replica.rows('SELECT COUNT(*) AS n FROM e.t'))[0]?.['n']) > 0)
  await replica.stop()
  await rm(box.dataDir, { recursive: true })
  await cp(replica.dataDir, box.dataDir, { recursive: true })
  return primary
}

const gtidsOf = (server: TestServer): string => server.name === 'mysql'
  ? 'SELECT REPLACE(@@gtid_executed, "\\n", "") AS gtids' : 'SELECT CONCAT(@@gtid_slave_pos, "/", @@gtid_binlog_state) AS gtids'

forEachServer(t, 'rows and GTIDs of a lively copy stay as they are, and it connects to nobody', async (t, server) => {
  await using box = await openTestProcess(server, { cnf: LIVELY })
  await using primary = await livelyCopy(server, box)
  // threads for the replica that is gone may linger until the primary writes to them
  const dumps = async (): Promise<unknown[]> => (await primary.rows('SHOW PROCESSLIST')).filter((row) => row['User'] === 'r').map((row) => row['Id'])
  const counts = `SELECT (SELECT COUNT(*) FROM d.t) AS replicated, (SELECT COUNT(*) FROM e.t) AS ticked`
  const before = await withPrivateBoot(bootOf(server, box), async ({ socket }) => {
    const seen = [...await rowsOver(socket, counts), ...await rowsOver(socket, gtidsOf(server))]
    await primary.run('INSERT INTO d.t VALUES ()')
    const dumpsBefore = await dumps()
    // the primary's clock is the witness that the event was due twice
    await primary.rows('SELECT SLEEP(2.2)')
    t.same([...await rowsOver(socket, counts), ...await rowsOver(socket, gtidsOf(server))], seen, 'constant while it runs')
    const busy = (await rowsOver(socket, 'SHOW PROCESSLIST')).filter((row) => row['User'] === 'system user' && /source|master|Connect/i.test(JSON.stringify(row)))
    t.same(busy, [], 'no replication thread')
    t.same((await dumps()).filter((id) => !dumpsBefore.includes(id)), [], 'the primary is not asked')
    t.match((await rowsOver(socket, 'SELECT @@event_scheduler AS e, @@read_only AS ro, @@skip_networking AS n, @@log_bin AS b'))[0],
      { e: /DISABLED|OFF/, ro: 1, n: 1, b: 0 })
    return seen
  }, box.ctx)
  const after = await withPrivateBoot(bootOf(server, box), async ({ socket }) =>
    [...await rowsOver(socket, counts), ...await rowsOver(socket, gtidsOf(server))], box.ctx)
  t.same(after, before, 'constant over boots')
  t.same(readdirSync(box.tabletDir), [])
})

forEachServer(t, 'in a private boot the channel is removed, the position set and our accounts made, and the normal start has them', async (t, server) => {
  await using box = await openTestProcess(server, { cnf: [...LIVELY, 'event-scheduler=OFF'] })
  await using _ = await livelyCopy(server, box)
  for (const name of readdirSync(box.dataDir)) if (/^(?:binlog|relay)\.|\.info$|^auto\.cnf$/.test(name)) await rm(join(box.dataDir, name))   // as a backup's file set
  const [dba, repl] = [{ user: 'our_dba', password: 'new' }, { user: 'our_repl', password: 'new' }]
  const initSql = accountsSql({ flavor: box.options.flavor, dba, repl })
  const uuid = '3E11FA47-71CA-11E1-9E33-C80AA9429562'
  const asDba = (socket: string, sql: string): Promise<Row[]> => rowsOver(socket, sql, dba)
  if (server.name === 'mysql') {
    await withPrivateBoot(bootOf(server, box, { initSql }), ({ socket }) =>
      asDba(socket, `RESET REPLICA ALL; RESET BINARY LOGS AND GTIDS; SET GLOBAL gtid_purged='${uuid}:1-5'`), box.ctx)
  } else {
    await withPrivateBoot(bootOf(server, box, { initSql }), ({ socket }) => asDba(socket, 'RESET SLAVE ALL'), box.ctx)
    await withPrivateBoot(bootOf(server, box, { plan: positionBootPlan(box.options, 77) }), ({ socket }) =>
      asDba(socket, "RESET MASTER; SET GLOBAL gtid_slave_pos='0-9-12'; SET GLOBAL gtid_binlog_state='0-8-11,0-9-12'"), box.ctx)
  }
  await box.process.start({ ...OPEN, readOnly: true }, box.ctx)
  const [row] = await asDba(box.process.socket, gtidsOf(server))
  t.equal(row?.['gtids'], server.name === 'mysql' ? `${uuid.toLowerCase()}:1-5` : '0-9-12/0-8-11,0-9-12')
  t.same(await asDba(box.process.socket, server.name === 'mysql' ? 'SHOW REPLICA STATUS' : 'SHOW ALL SLAVES STATUS'), [])
  t.match(await asDba(box.process.socket, "SHOW GRANTS FOR 'our_repl'@'%'"), { length: 1 })
  await box.process.stop(box.ctx)
})

forEachServer(t, 'accounts of a donor with other passwords, a lock and limits become ours again, and twice is as good as once', async (t, server) => {
  await using box = await openTestProcess(server)
  await box.process.start(OPEN, box.ctx)
  await box.run(`CREATE USER 'our_dba'@'localhost' IDENTIFIED BY 'theirs' REQUIRE SSL WITH MAX_USER_CONNECTIONS 1; ALTER USER 'our_dba'@'localhost' ACCOUNT LOCK;
    CREATE USER 'our_repl'@'%' IDENTIFIED BY 'theirs' PASSWORD EXPIRE`)
  const [before] = await box.rows(gtidsOf(server))
  await box.process.stop(box.ctx)
  const dba = { user: 'our_dba', password: 'ours' }
  const boot = bootOf(server, box, { initSql: accountsSql({ flavor: box.options.flavor, dba, repl: { user: 'our_repl', password: 'ours' } }) })
  for (const _ of [1, 2]) await withPrivateBoot(boot, ({ socket }) => rowsOver(socket, 'SELECT 1', dba), box.ctx)
  await box.process.start(OPEN, box.ctx)
  t.same((await rowsOver(box.process.socket, gtidsOf(server), dba))[0], before, 'no GTID was written')
  t.same(await rowsOver(box.process.socket, 'SELECT 1 AS one', { user: 'our_repl', password: 'ours' }), [{ one: 1 }])
  await box.process.stop(box.ctx)
})

forEachServer(t, 'whatever happens, no process and no directory of it remain', async (t, server) => {
  await using box = await openTestProcess(server)
  await t.rejects(withPrivateBoot(bootOf(server, box), () => Promise.reject(new TabletError('BACKUP_CORRUPT', 'so it was')), box.ctx), { code: 'BACKUP_CORRUPT' })
  t.same([readdirSync(box.tabletDir), usersOf(box.dataDir)], [[], []], 'after a failure of the work')
  const stop = new AbortController()
  const cancelled = withPrivateBoot(bootOf(server, box), ({ pid }) => {
    t.ok(processWith(pid))
    stop.abort(new TabletError('OPERATION_CANCELLED', 'cancelled'))
    return Promise.resolve()
  }, { ...box.ctx, signal: stop.signal })
  await t.rejects(cancelled, { code: 'OPERATION_CANCELLED' })
  t.same([readdirSync(box.tabletDir), usersOf(box.dataDir)], [[], []], 'after an abort')
  await writeFile(join(box.dataDir, 'ibdata1'), 'no tablespace')
  const keepLogAs = join(box.tabletDir, 'kept.log')
  await t.rejects(withPrivateBoot(bootOf(server, box, { keepLogAs }), () => Promise.resolve(), box.ctx), { code: /PRIVATE_BOOT_FAILED|DATADIR_UNREADABLE/, message: /InnoDB|innodb|ibdata1/ })
  t.match(readFileSync(keepLogAs, 'utf8'), /InnoDB/)
  t.same([readdirSync(box.tabletDir), usersOf(box.dataDir)], [['kept.log'], []], 'after a boot that failed')
})

forEachServer(t, 'a private server that outlived its daemon is never adopted: start and stop end it first', async (t, server) => {
  await using box = await openTestProcess(server)
  const leftover = async (then: () => Promise<unknown>): Promise<void> => {
    await t.rejects(withPrivateBoot(bootOf(server, box), async ({ pid }) => {
      t.match(await box.process.state(), { kind: 'stopping', identity: { pid } })
      await then()
      t.equal(processWith(pid), undefined)
    }, box.ctx).then(() => { throw new Error('as the lost daemon would see it') }))
  }
  await leftover(async () => {
    const identity = await box.process.start(OPEN, box.ctx)
    t.ok(await isAlive(identity))
    t.equal(box.process.socket, box.cnfSocket)
    await box.process.stop(box.ctx)
  })
  await leftover(() => box.process.stop(box.ctx))
})

forEachServer(t, 'a tablet directory whose path is too long for a socket is no obstacle', async (t, server) => {
  await using box = await openTestProcess(server)
  const parent = join(box.dir, 'a-long-name-'.repeat(9))
  await mkdir(parent)
  t.ok(await withPrivateBoot(bootOf(server, box, { parent }), ({ socket }) => Promise.resolve(existsSync(socket)), box.ctx))
})

forEachServer(t, 'system tables are upgraded where the server does not do it, and what lies beside the data is not taken for a schema', async (t, server) => {
  await using box = await openTestProcess(server)
  await mkdir(join(box.dataDir, '.before-restore-S/d'), { recursive: true })
  await mkdir(join(box.dataDir, 'lost+found'))
  const dba = { user: 'our_dba', password: 'a"b\\c\'d #e' }
  const boot = bootOf(server, box, { initSql: accountsSql({ flavor: box.options.flavor, dba, repl: undefined }) })
  const upgrade = (): Promise<string> => withPrivateBoot(boot, ({ socket }, ctx) =>
    upgradeTables({ mysqldPath: server.mysqldPath, options: box.options, socket, dba }, ctx), box.ctx)
  t.equal(await upgrade(), server.name === 'mysql' ? 'by-the-server' : 'not-needed')
  if (server.name === 'mysql') return
  await writeFile(join(box.dataDir, 'mysql_upgrade_info'), '10.5.1-MariaDB')
  t.equal(await upgrade(), 'done')
  t.equal(await upgrade(), 'not-needed', 'it leaves the new version')
  t.ok(existsSync(join(box.dataDir, '.before-restore-S/d')))
  t.ok(existsSync(join(box.dataDir, 'lost+found')))
})
