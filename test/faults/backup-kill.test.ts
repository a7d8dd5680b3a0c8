/** kill -9 of the daemon before the copy of a builtin backup is made: the next one gives the tablet back, and nothing is listed. */
import { readFileSync } from 'node:fs'
import t from 'tap'
import type { Operation } from '../../src/model/operation.ts'
import { logPhase, readLogEnd } from '../../src/mysqld/error-log.ts'
import { post } from '../support/backups.ts'
import { untilSameTables } from '../support/checksum.ts'
import { startDonor } from '../support/donor.ts'
import { isGivenBack, killAndGiveBack } from '../support/given-back.ts'
import { lastStep } from '../support/kill-at-step.ts'
import { leavesNothingBehind } from '../support/leftovers.ts'
import { forEachServer } from '../support/servers.ts'
import type { TestTablet } from '../support/tablet.ts'
import { waitFor } from '../support/wait-for.ts'

const rowsOf = (tablet: TestTablet) => (sql: string) => tablet.rows(sql)
const crashRecoveries = (tablet: TestTablet): number => (readFileSync(tablet.place.errorLog, 'utf8').match(/crash recovery/gi) ?? []).length

forEachServer(t, 'a daemon killed while it makes the copy of a backup is followed by one that gives the tablet back', async (t, server) => {
  await using shard = await startDonor(server, { tablets: 2 })
  const [primary, replica] = [shard.tablet(0), shard.tablet(1)]
  await replica.becomes('REPLICA', { healthy: true })

  for (const step of ['before stop', 'stopping', 'copying']) {
    await t.test(`killed at "${step}"`, async (t) => {
      await primary.rows(`insert into app.orders (note) values ('while ${step}')`)
      await killAndGiveBack(t, replica, step)
    })
  }

  await t.test('killed while mysqld shuts down, which the next daemon waits for', async (t) => {
    const [pid, recoveries] = [replica.pidOfMysqld(), crashRecoveries(replica)]
    const asked = await post(replica, '/v1/backups', { upgradeSafe: true })
    const isGoing = async (): Promise<boolean> => logPhase(await readLogEnd(replica.place.errorLog)) === 'shutting-down'
    await waitFor('mysqld shuts down', isGoing, { everyMs: 2, deadlineMs: 60_000 })
    await replica.killDaemon('SIGKILL')
    await isGivenBack(t, replica, asked.body as Operation, lastStep(replica) ?? '')
    t.not(replica.pidOfMysqld(), pid, 'it was started again')
    t.equal(crashRecoveries(replica), recoveries, 'after a clean end')
  })

  await untilSameTables(rowsOf(primary), rowsOf(replica))
})

leavesNothingBehind(t)
