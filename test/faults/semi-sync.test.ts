/** semi-sync=on through real daemons: who acknowledges, who waits, and who may not be stopped. */
import t from 'tap'
import { beginToServe } from '../support/app.ts'
import { leavesNothingBehind } from '../support/leftovers.ts'
import { emptyDirectory, losePower } from '../support/mishaps.ts'
import { forEachServer } from '../support/servers.ts'
import type { TestServer } from '../support/servers.ts'
import { startShard } from '../support/shard.ts'
import type { TestTablet } from '../support/tablet.ts'

const MOST_MS = 120_000
const HOUR_MS = 3_600_000

/** Each server's own words. */
const NAMES = {
  mysql: { side: ['rpl_semi_sync_source', 'rpl_semi_sync_replica'], cnf: ['plugin-load-add=semisync_source.so', 'plugin-load-add=semisync_replica.so'] },
  mariadb: { side: ['rpl_semi_sync_master', 'rpl_semi_sync_slave'], cnf: [] },
} as const

const isOn = async (tablet: TestTablet, server: TestServer, side: 'source' | 'replica'): Promise<boolean> =>
  Number(await tablet.value(`select @@global.${NAMES[server.name].side[side === 'source' ? 0 : 1]}_enabled`)) === 1

async function acknowledgers(primary: TestTablet, server: TestServer): Promise<number> {
  const [row] = await primary.rows(`show global status like '${NAMES[server.name].side[0]}_clients'`)
  return Number(row?.['Value'])
}

forEachServer(t, 'with semi-sync on, replicas acknowledge and the primary waits for them', async (t, server) => {
  const [source] = NAMES[server.name].side
  await using shard = await startShard({
    server, tablets: 2, flags: ['--semi-sync=on'], cnf: [...NAMES[server.name].cnf, `loose-${source}_timeout=${HOUR_MS}`.replaceAll('_', '-')],
  })
  const [primary, replica] = [shard.tablet(0), shard.tablet(1)]
  // naming, the schema and its rows are committed while nobody may be there yet to acknowledge them
  await beginToServe(shard)

  await t.test('a replica acknowledges, and the primary waits once the first one is attached', async (t) => {
    await primary.waitFor('the primary waits for acknowledgements', () => isOn(primary, server, 'source'), MOST_MS)
    t.equal(await isOn(primary, server, 'replica'), false)
    t.equal(await isOn(replica, server, 'replica'), true)
    t.equal(await isOn(replica, server, 'source'), false)
    await primary.waitFor('it counts one', async () => await acknowledgers(primary, server) === 1, MOST_MS)
    await replica.waitFor('the replica says so', async () => (await replica.snapshot()).replication?.semiSync === true, MOST_MS)
  })

  await t.test('a cold backup of the last acknowledging replica is refused with 412', async (t) => {
    const refused = await replica.admin('POST', '/v1/backups', {})
    t.equal(refused.status, 412)
    t.match(refused.body, { code: 'LAST_SEMI_SYNC_REPLICA' })
    t.equal((await replica.snapshot()).type, 'REPLICA')
  })

  await t.test('an rdonly tablet does not acknowledge, so it is no reason to let the last replica go', async (t) => {
    const rdonly = await shard.addTablet({ flags: ['--init-tablet-type=rdonly'] })
    await rdonly.becomes('RDONLY', { healthy: true, deadlineMs: MOST_MS })
    t.equal(await isOn(rdonly, server, 'replica'), false)
    t.equal(await acknowledgers(primary, server), 1)
    t.match((await replica.admin('POST', '/v1/backups', {})).body, { code: 'LAST_SEMI_SYNC_REPLICA' })
    await shard.backup(rdonly)
    await rdonly.becomes('RDONLY', { healthy: true, deadlineMs: MOST_MS })
    t.equal(await isOn(rdonly, server, 'replica'), false, 'nor after its backup')
  })

  await t.test('a reparent takes the sides along', async (t) => {
    await replica.caughtUp()
    await shard.mustTabletctl('planned-reparent-shard', shard.name, replica.alias)
    await replica.becomes('PRIMARY', { healthy: true, deadlineMs: MOST_MS })
    await primary.becomes('REPLICA', { healthy: true, deadlineMs: MOST_MS })
    await replica.waitFor('the new primary waits for acknowledgements', () => isOn(replica, server, 'source'), MOST_MS)
    t.equal(await isOn(replica, server, 'replica'), false)
    t.equal(await isOn(primary, server, 'source'), false, 'the former one waits for nobody')
    t.equal(await isOn(primary, server, 'replica'), true)
  })

  await t.test('a replica made again from a backup, with chunking asked for, acknowledges as before', async (t) => {
    await losePower(primary)
    for (const directory of [primary.tabletDir, primary.dataDir]) emptyDirectory(directory)
    await primary.startDaemon('--builtinbackup-file-chunk-threshold=4194304', '--builtinbackup-file-chunk-size=4194304')
    const seen = await primary.becomes('REPLICA', { healthy: true, deadlineMs: MOST_MS })
    t.equal(seen.data.origin, 'restore')
    t.equal(await isOn(primary, server, 'replica'), true)
    await primary.waitFor('it acknowledges', async () => (await primary.freshSnapshot()).replication?.semiSync === true, MOST_MS)
  })

  await t.test('when the last acknowledging replica is gone, the primary says that commits wait, and never switches off by itself', async (t) => {
    await losePower(primary)
    const commit = replica.rows('create table commerce.waits (id int)').then(() => 'done', (error: unknown) => error)
    const seen = await replica.waitFor('it says that commits wait', async () => {
      const snapshot = await replica.snapshot()
      return snapshot.blockers.some(({ name }) => name === 'blocked-on-semi-sync') ? snapshot : undefined
    }, MOST_MS)
    t.equal(seen.type, 'PRIMARY')
    t.match(seen.blockers.find(({ name }) => name === 'blocked-on-semi-sync')?.message, /1 commit/)
    t.equal(await isOn(replica, server, 'source'), true)
    await primary.startDaemon()
    t.equal(await commit, 'done', 'the commit goes through when a replica is back')
    await replica.waitFor('nothing speaks against the primary', async () => (await replica.snapshot()).blockers.length === 0, MOST_MS)
  })
})

leavesNothingBehind(t)
