/** kill -9 of the daemon after the copy of a builtin backup was made: the tablet is given back, and what is listed as complete restores. */
import t from 'tap'
import { listBackups } from '../support/backups.ts'
import { untilSameTables } from '../support/checksum.ts'
import { startDonor } from '../support/donor.ts'
import { killAndGiveBack } from '../support/given-back.ts'
import { leavesNothingBehind } from '../support/leftovers.ts'
import { forEachServer } from '../support/servers.ts'
import type { TestTablet } from '../support/tablet.ts'

/** The last one matters most: its backup is complete, and its daemon never knew. */
const STEPS = ['confirming sizes', 'writing MANIFEST', 'starting', 'attaching', 'reading MANIFEST back']

const rowsOf = (tablet: TestTablet) => (sql: string) => tablet.rows(sql)

forEachServer(t, 'a backup whose daemon is killed after the copy is complete or is none', async (t, server) => {
  await using shard = await startDonor(server, { tablets: 2 })
  const [primary, replica] = [shard.tablet(0), shard.tablet(1)]
  await replica.becomes('REPLICA', { healthy: true })

  for (const step of STEPS) {
    await t.test(`killed at "${step}"`, async (t) => {
      await primary.rows(`insert into app.orders (note) values ('while ${step}')`)
      await killAndGiveBack(t, replica, step)
    })
  }

  const newest = (await listBackups(replica)).findLast(({ status }) => status === 'complete')
  const restored = await shard.addTablet()
  const seen = await restored.becomes('REPLICA', { healthy: true, deadlineMs: 120_000 })
  t.equal(seen.data.restoredFrom, newest?.name, 'a backup whose daemon was killed before it read the MANIFEST back restores')
  await untilSameTables(rowsOf(primary), rowsOf(restored))
})

leavesNothingBehind(t)
