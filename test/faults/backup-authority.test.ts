/** Daemons that end in the middle of a backup, told to or killed, and a shard that goes on meanwhile. */
import t from 'tap'
import type { Test } from 'tap'
import { askForBackup, listBackups } from '../support/backups.ts'
import { untilSameTables } from '../support/checksum.ts'
import { startDonor } from '../support/donor.ts'
import { killAtStep } from '../support/kill-at-step.ts'
import { leavesNothingBehind } from '../support/leftovers.ts'
import { watchReadOnly } from '../support/read-only-witness.ts'
import { forEachServer } from '../support/servers.ts'
import type { TestShard } from '../support/shard.ts'
import type { TestTablet } from '../support/tablet.ts'

const rowsOf = (tablet: TestTablet) => (sql: string) => tablet.rows(sql)
/** SIGTERM waits this long for the undoing (onterm-timeout), which takes in a start of mysqld. */
const GRACE = '--onterm-timeout=60s'

forEachServer(t, 'a backup whose daemon ends leaves one writable server', async (t, server) => {
  await using shard = await startDonor(server, { tablets: 2, flags: [GRACE] })
  await shard.tablet(1).becomes('REPLICA', { healthy: true })
  for (const step of ['stopping', 'copying'] as const) await isUndone(t, shard, step)
  await isOvertaken(t, shard)
})

async function isUndone(t: Test, shard: TestShard, step: string): Promise<void> {
  await t.test(`told to end while "${step}", the daemon undoes the backup first`, async (t) => {
    const replica = shard.tablet(1)
    const location = await askForBackup(replica)
    const id = location.slice(location.lastIndexOf('/') + 1)
    await replica.untilLog(step, (line) => line['step'] === step && line['operation'] === id)
    t.match(await replica.killDaemon('SIGTERM'), { code: 0, signal: null })
    const log = replica.log()
    t.ok(log.some((line) => line['operation'] === id && line['code'] === 'STOPPING'), 'the operation ended for that reason')
    t.ok(log.some((line) => line['operation'] === id && line['step'] === 'attaching'), 'after mysqld was given back')
    t.ok(replica.pidOfMysqld(), 'mysqld runs')
    const [status] = await replica.rows('show replica status')
    t.equal(status?.['Slave_IO_Running'] ?? status?.['Replica_IO_Running'], 'Yes', 'and replicates')

    const pid = replica.pidOfMysqld()
    await replica.startDaemon()
    await replica.becomes('REPLICA', { healthy: true, deadlineMs: 120_000 })
    t.equal(replica.pidOfMysqld(), pid, 'the next daemon has nothing to put right')
    t.same((await replica.http('GET', '/v1/operations')).body, { operations: [] })
    t.same(await listBackups(replica), [])
  })
}

async function isOvertaken(t: Test, shard: TestShard): Promise<void> {
  await t.test('a primary killed in its backup comes back under another primary: read-only at every moment', async (t) => {
    const [old, next] = [shard.tablet(0), shard.tablet(1)]
    await askForBackup(old, { allowPrimary: true })
    t.equal(await killAtStep(old, 'copying'), 'copying')
    t.equal(old.pidOfMysqld(), undefined, 'its mysqld is stopped')
    await shard.initPrimary(next, '--force')
    await next.rows("insert into app.orders (note) values ('of the new term')")

    const witness = watchReadOnly(old)
    await old.startDaemon()
    await old.becomes('REPLICA', { healthy: true, deadlineMs: 120_000 })
    const from = witness.samples()
    await old.waitFor('it was watched while it serves', () => witness.samples() > from + 100)
    const { samples, writable } = await witness.stop()
    t.ok(samples > 100, `asked ${samples} times`)
    t.equal(writable, 0, 'never writable')
    t.match((await old.snapshot()).replication, { io: 'running', sql: 'running' })
    await untilSameTables(rowsOf(next), rowsOf(old))
    t.same(await listBackups(old), [], 'its backup is not listed')
  })
}

leavesNothingBehind(t)
