/** A mysqld that dies under a backup, and backups that must not begin: the tablet serves afterwards as before. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { spawn } from 'node:child_process'
import t from 'tap'
import type { Test } from 'tap'
import type { Operation } from '../../src/model/operation.ts'
import { askForBackup, endOf, listBackups, post } from '../support/backups.ts'
import { untilSameTables } from '../support/checksum.ts'
import { startDonor } from '../support/donor.ts'
import type { HttpAnswer } from '../support/http-client.ts'
import { leavesNothingBehind } from '../support/leftovers.ts'
import { processWith } from '../support/processes.ts'
import { forEachServer } from '../support/servers.ts'
import type { TestServer } from '../support/servers.ts'
import type { TestShard } from '../support/shard.ts'
import { ROOT } from '../support/shard-place.ts'
import { cleanEnv } from '../support/tablet.ts'
import type { TestTablet } from '../support/tablet.ts'

const rowsOf = (tablet: TestTablet) => (sql: string) => tablet.rows(sql)
const at = (step: string) => (line: Readonly<Record<string, unknown>>): boolean => line['step'] === step

forEachServer(t, 'a mysqld that dies under a backup comes back, and so does its tablet', async (t, server) => {
  await using shard = await startDonor(server, { tablets: 2 })
  const [primary, replica] = [shard.tablet(0), shard.tablet(1)]
  await replica.becomes('REPLICA', { healthy: true })

  await t.test('killed while it stops, it is no source for a copy', async (t) => {
    const pid = pidOf(replica)
    const location = await askForBackup(replica)
    await stepOf(replica, location, 'stopping')
    process.kill(pid, 'SIGKILL')
    const ended = await endOf(replica, location)
    t.match(ended, { state: 'failed', error: { code: 'MYSQLD_UNCLEAN_STOP' } })
    await serves(t, replica)
    t.same(await listBackups(replica), [])
  })

  await t.test('killed while it is started again, it is started once more, and the backup is complete', async (t) => {
    const before = pidOf(replica)
    const location = await askForBackup(replica)
    await stepOf(replica, location, 'starting')
    const started = await replica.waitFor('another mysqld is there', () => {
      const pid = replica.pidOfMysqld()
      return pid === before ? undefined : pid
    })
    process.kill(started, 'SIGKILL')
    t.match(await endOf(replica, location), { state: 'succeeded' })
    await serves(t, replica)
    t.match(await listBackups(replica), [{ status: 'complete' }])
    await untilSameTables(rowsOf(primary), rowsOf(replica))
  })

  await t.test('a second backup is refused with the id of the first, and a client that is killed ends neither', async (t) => {
    const client = spawn(process.execPath, [join(ROOT, 'src/cli/tabletctl.ts'), 'backup', replica.alias], {
      stdio: 'ignore', cwd: shard.place.dir,
      env: cleanEnv({ TABLETD_TOPO_IMPLEMENTATION: 'file', TABLETD_TOPO_ROOT: shard.place.topology, TABLETD_API_TOKEN_FILE: shard.place.tokenFile }),
    })
    const gone = new Promise((resolve) => { client.once('exit', resolve) })
    const running = await replica.waitFor('a backup runs', async () => operationsOf(await replica.http('GET', '/v1/operations')).find(({ state }) => state === 'running'))
    t.match(await post(replica, '/v1/backups'), { status: 409, body: { code: 'OPERATION_RUNNING', details: { operation: running.id } } })
    client.kill('SIGKILL')
    await gone
    t.match(await endOf(replica, `/v1/operations/${running.id}`), { state: 'succeeded' }, 'it went on without its client')
    await serves(t, replica)
  })

  await isRefusedOutside(t, { server, shard, replica })
})

/** A table that lies elsewhere would be lost from a copy of the data directory. */
async function isRefusedOutside(
  t: Test, { server, shard, replica }: { readonly server: TestServer, readonly shard: TestShard, readonly replica: TestTablet },
): Promise<void> {
  const outside = join(shard.place.dir, 'outside')
  mkdirSync(outside)
  if (server.name === 'mysql') {
    for (const tablet of shard.tablets) await restartWith(tablet, `innodb_directories=${outside}`)
  }
  const primary = shard.tablet(0)
  await primary.becomes('PRIMARY', { healthy: true })
  await primary.rows(`set session sql_log_bin=0; create table app.far (id int primary key) data directory='${outside}'`)
  const before = { pid: pidOf(primary), backups: await listBackups(primary) }
  const answer = await post(primary, '/v1/backups', { allowPrimary: true })
  t.match(answer, { status: 412, body: { code: 'TABLESPACE_OUTSIDE', detail: /far/ } }, 'a tablespace outside the data directory is refused, and named')
  t.same({ pid: pidOf(primary), backups: await listBackups(primary) }, before, 'nothing was stopped')
  t.equal((await primary.http('GET', '/primary')).status, 200, 'it served all the time')
  t.notOk(primary.log().some((line) => line['event'] === 'cold-backup-began'), 'and never left its type')
  await serves(t, replica)
}

async function restartWith(tablet: TestTablet, line: string): Promise<void> {
  tablet.addCnf(line)
  await tablet.killDaemon('SIGTERM')
  const pid = pidOf(tablet)
  process.kill(pid, 'SIGTERM')
  await tablet.waitFor('its mysqld is gone', () => processWith(pid) === undefined)
  await tablet.startDaemon()
}

const operationsOf = (answer: HttpAnswer): readonly Operation[] => (answer.body as { readonly operations: readonly Operation[] }).operations

function pidOf(tablet: TestTablet): number {
  const pid = tablet.pidOfMysqld()
  if (pid === undefined) throw new Error(`no mysqld of ${tablet.alias} runs`)
  return pid
}

/** Waits for a step of this operation: earlier ones have left the same lines in the log. */
async function stepOf(tablet: TestTablet, location: string, step: string): Promise<void> {
  const id = location.slice(location.lastIndexOf('/') + 1)
  await tablet.untilLog(`step ${step} of ${id}`, (line) => at(step)(line) && line['operation'] === id)
}

async function serves(t: Test, replica: TestTablet): Promise<void> {
  const seen = await replica.becomes('REPLICA', { healthy: true, deadlineMs: 120_000 })
  t.match(seen.replication, { io: 'running', sql: 'running' }, 'it serves again')
  t.equal(await replica.value('select @@global.read_only'), 1)
}

leavesNothingBehind(t)
