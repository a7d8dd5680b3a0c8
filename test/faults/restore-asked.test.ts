/** A restore asked for on a running replica: refusals leave everything as it is; with force the data are replaced in place. */
import { spawn } from 'node:child_process'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { Test } from 'tap'
import { endOf, post } from '../support/backups.ts'
import { directoryState, untilSameTables } from '../support/checksum.ts'
import { askRestore, startDonor } from '../support/donor.ts'
import { emptyDirectory, losePower } from '../support/mishaps.ts'
import { forEachServer } from '../support/servers.ts'
import type { TestServer } from '../support/servers.ts'
import type { TestShard } from '../support/shard.ts'
import { ROOT } from '../support/shard-place.ts'
import { cleanEnv } from '../support/tablet.ts'
import type { TestTablet } from '../support/tablet.ts'

/** What a server that is asked nothing still writes by itself. */
const BACKGROUND = /^(?:ib_|ibdata|ibtmp|#ib_|#innodb_|undo_?\d|.*\.dblwr$|mysql\.ibd$|binlog|relay|master-|aria_log|mysql\/|performance_schema|sys\/)/

const same = (one: TestTablet, other: TestTablet): Promise<unknown> => untilSameTables((sql) => one.rows(sql), (sql) => other.rows(sql))
const aside = (tablet: TestTablet): readonly string[] => readdirSync(tablet.dataDir).filter((name) => name.startsWith('.before-restore'))
const hasSentinel = (tablet: TestTablet): boolean => existsSync(join(tablet.tabletDir, 'restore_in_progress'))
const wish = (tablet: TestTablet): object => ({ force: true, confirm: tablet.alias, allowLastReplica: true })

forEachServer(t, 'a restore that is asked for', async (t, server) => {
  await using shard = await startDonor(server, { tablets: 2 })
  const [primary, replica] = [shard.tablet(0), shard.tablet(1)]
  await replica.becomes('REPLICA', { healthy: true })
  await same(primary, replica)
  const backup = await shard.backup(replica)
  await replica.becomes('REPLICA', { healthy: true })

  await t.test('is refused without force and confirmation, for the primary, and for the last replica', (t) => refusals(t, shard))
  await t.test('cancelled before the sentinel, leaves type and data as they were', (t) => cancelledEarly(t, primary, replica))
  await t.test('cancelled after it, stays in RESTORE until it is asked for again', (t) => cancelledLate(t, shard, { server, backup }))
  await t.test('goes on when the client that asked is killed', (t) => clientKilled(t, shard))
  await t.test('brings a former primary back as a replica, in place or with its directory lost', (t) => formerPrimary(t, shard))
})

async function refusals(t: Test, shard: TestShard): Promise<void> {
  const [primary, replica] = [shard.tablet(0), shard.tablet(1)]
  const state = (): Promise<readonly string[]> => directoryState(replica.dataDir, (path) => BACKGROUND.test(path))
  const [before, pid] = [await state(), replica.pidOfMysqld()]
  const cases: readonly (readonly [TestTablet, object, string])[] = [
    [replica, {}, 'CONFIRM_REQUIRED'],
    [replica, { force: true }, 'CONFIRM_REQUIRED'],
    [replica, { force: true, confirm: primary.alias }, 'CONFIRM_REQUIRED'],
    [replica, { confirm: replica.alias }, 'CONFIRM_REQUIRED'],
    [replica, { force: true, confirm: replica.alias }, 'LAST_REPLICA'],
    [primary, wish(primary), 'TYPE_FORBIDS'],
  ]
  for (const [tablet, body, code] of cases) {
    const answer = await post(tablet, '/v1/restore', body)
    t.equal(answer.status, 412, `${JSON.stringify(body)} is refused`)
    t.match(answer.body, { code })
  }
  const refused = await shard.tabletctl('restore-from-backup', replica.alias)
  t.equal(refused.code, 65, 'tabletctl is refused too')
  t.match(refused.stderr, /CONFIRM_REQUIRED/)
  t.same(await state(), before, 'the data directory is untouched')
  t.equal(replica.pidOfMysqld(), pid, 'mysqld runs on')
  t.equal((await replica.snapshot()).type, 'REPLICA')
  t.equal((await primary.snapshot()).type, 'PRIMARY')
}

/** A mysqld that is frozen keeps the restore at its stop for as long as it takes to cancel it. */
async function cancelledEarly(t: Test, primary: TestTablet, replica: TestTablet): Promise<void> {
  const pid = replica.pidOfMysqld() ?? 0
  const uuid = (await replica.snapshot()).mysqld.serverUuid
  const asked = askRestore(replica, wish(replica))
  process.kill(pid, 'SIGSTOP')
  const { id } = await asked
  await replica.untilLog('it stops mysqld', (line) => line['operation'] === id && line['step'] === 'stopping mysqld', 120_000)
  t.equal((await post(replica, `/v1/operations/${id}/cancel`)).status, 202)
  process.kill(pid, 'SIGCONT')
  const ended = await endOf(replica, `/v1/operations/${id}`)
  t.equal(ended.state, 'cancelled')
  t.notOk(hasSentinel(replica))
  const seen = await replica.becomes('REPLICA', { healthy: true, deadlineMs: 120_000 })
  t.equal(seen.data.restoredFrom, undefined, 'nothing was restored')
  t.equal(seen.mysqld.serverUuid, uuid)
  await same(primary, replica)
}

async function cancelledLate(
  t: Test, shard: TestShard, { server, backup }: { readonly server: TestServer, readonly backup: string },
): Promise<void> {
  const [primary, replica] = [shard.tablet(0), shard.tablet(1)]
  if (server.name === 'mysql') await replica.rows('set persist max_connections = 57')
  const uuid = (await replica.snapshot()).mysqld.serverUuid
  const { id } = await askRestore(replica, wish(replica))
  await replica.untilLog('the sentinel is written', (line) => line['operation'] === id && line['step'] === 'sentinel written', 120_000)
  t.equal((await post(replica, `/v1/operations/${id}/cancel`)).status, 202)
  t.equal((await endOf(replica, `/v1/operations/${id}`)).state, 'cancelled')
  for (let turn = 0; turn < 3; turn++) {
    const seen = await replica.freshSnapshot()
    t.equal(seen.type, 'RESTORE')
    t.match(seen.blockers, [{ code: 'OPERATION_CANCELLED' }])
    t.equal(seen.operation, undefined, 'nothing is tried')
  }
  t.ok(hasSentinel(replica))
  t.equal(replica.pidOfMysqld(), undefined, 'no server runs on half a directory')

  const again = await askRestore(replica, {})   // nothing is there to be confirmed
  t.match(await endOf(replica, `/v1/operations/${again.id}`), { state: 'succeeded', backup })
  const seen = await replica.becomes('REPLICA', { healthy: true, deadlineMs: 120_000 })
  t.equal(seen.data.restoredFrom, backup)
  t.notOk(hasSentinel(replica))
  if (server.name === 'mysql') {
    t.not(seen.mysqld.serverUuid, uuid, 'auto.cnf is new')
    t.equal(Number(await replica.value('select @@max_connections')), 57, 'mysqld-auto.cnf is the operator\'s and stays')
  }
  await replica.waitFor('the old data are removed', () => aside(replica).length === 0)
  await same(primary, replica)
}

async function clientKilled(t: Test, shard: TestShard): Promise<void> {
  const [primary, replica] = [shard.tablet(0), shard.tablet(1)]
  const { place } = shard
  const client = spawn(process.execPath, [join(ROOT, 'src/cli/tabletctl.ts'), 'restore-from-backup', '--force', '--confirm', replica.alias,
    '--allow-last-replica', '--topo-implementation=file', `--topo-root=${place.topology}`, `--api-token-file=${place.tokenFile}`, replica.alias],
  { stdio: 'ignore', env: cleanEnv() })
  const known = new Set(((await replica.http('GET', '/v1/operations')).body as { operations: readonly { id: string }[] }).operations.map(({ id }) => id))
  const line = await replica.untilLog('it copies', (one) => one['step'] === 'copying' && !known.has(String(one['operation'])), 120_000)
  client.kill('SIGKILL')
  t.equal((await endOf(replica, `/v1/operations/${String(line['operation'])}`)).state, 'succeeded')
  await replica.becomes('REPLICA', { healthy: true, deadlineMs: 120_000 })
  await same(primary, replica)
}

async function formerPrimary(t: Test, shard: TestShard): Promise<void> {
  const [former, next] = [shard.tablet(0), shard.tablet(1)]
  await next.caughtUp()
  await shard.mustTabletctl('planned-reparent-shard', shard.name, '--new-primary', next.alias)
  await next.becomes('PRIMARY', { healthy: true })
  await former.becomes('REPLICA', { healthy: true, deadlineMs: 120_000 })
  await next.rows("insert into app.parts values (3, 'after the reparent')")

  const said = await shard.mustTabletctl('RestoreFromBackup', '--force', '--confirm', former.alias, '--allow-last-replica', former.alias)
  t.match(said, /restore complete/)
  t.ok((await former.becomes('REPLICA', { healthy: true, deadlineMs: 120_000 })).data.restoredFrom)
  await same(next, former)

  const second = await shard.backup(former)   // its position survived the reparent
  await next.rows("insert into app.parts values (4, 'after the second backup')")
  await losePower(former)
  emptyDirectory(former.dataDir)
  await former.startDaemon()
  const seen = await former.becomes('REPLICA', { healthy: true, deadlineMs: 120_000 })
  t.equal(seen.data.restoredFrom, second)
  await same(next, former)
  t.notMatch(readFileSync(former.logPath, 'utf8'), '"type":"PRIMARY"', 'it was never primary on its way back')
}
