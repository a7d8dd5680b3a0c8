/**
 * Heartbeats in a living shard: who writes them, what they show that the server's own status does not, and that nothing
 * else about the shard changes.
 */
import t from 'tap'
import mysql from 'mysql2/promise'
import { makeApp } from '../support/app.ts'
import { leavesNothingBehind } from '../support/leftovers.ts'
import { endMysqld } from '../support/mishaps.ts'
import { forEachServer } from '../support/servers.ts'
import { DBA } from '../support/shard-place.ts'
import { startShard } from '../support/shard.ts'
import type { TestTablet } from '../support/tablet.ts'

const FLAGS = ['--heartbeat-enable', '--heartbeat-interval=200ms', '--unhealthy-threshold=10s', '--recovery-hold=1s']

/** Waits until the tablet says so of its lag, and resolves to the snapshot. */
const lagOf = (tablet: TestTablet, what: string, wanted: (lag: number) => boolean) => tablet.waitFor(what, async () => {
  const seen = await tablet.freshSnapshot()
  if (seen.lagSeconds === undefined || !wanted(seen.lagSeconds)) throw new Error(`it lags ${seen.lagSeconds} s: ${JSON.stringify(seen.lag)}`)
  return seen
})

const beatIn = (tablet: TestTablet): Promise<readonly object[]> =>
  tablet.rows('SELECT shard, tablet, term FROM _tabletd.heartbeat').catch(() => [])

/** Waits until it serves at a look that begins now, and hardly lags. */
const serves = (tablet: TestTablet): Promise<unknown> => tablet.waitFor(`${tablet.alias} serves`, async () => {
  const { type, blockers, lagSeconds = Infinity } = await tablet.freshSnapshot()
  if (type === 'REPLICA' && blockers.length === 0 && lagSeconds < 2) return true
  throw new Error(`it is ${type}, lags ${lagSeconds} s; ${blockers.map(({ message }) => message).join('; ')}`)
}, 120_000)

/** No transaction commits while this is held; disposal lets go. */
async function holdCommits({ place }: TestTablet): Promise<Disposable> {
  const connection = await mysql.createConnection({ socketPath: place.socket, user: DBA.user, password: DBA.password })
  connection.on('error', () => undefined)
  await connection.query('FLUSH TABLES WITH READ LOCK')
  return { [Symbol.dispose]: () => { connection.destroy() } }
}

forEachServer(t, 'heartbeats tell how far replicas are behind', async (t, server) => {
  await using shard = await startShard({ server, tablets: 3, flags: FLAGS })
  const [first, second, third] = [shard.tablet(0), shard.tablet(1), shard.tablet(2)]

  await t.test('nothing is written before a primary is named', async (t) => {
    await shard.untilStarted()
    for (const tablet of shard.tablets) {
      const { position, data } = await tablet.freshSnapshot()
      t.match(position, /^(MySQL56|MariaDB)\/$/, `${tablet.alias} has no transaction`)
      t.equal(data.hasUserData, false)
    }
  })

  await t.test('the primary writes one row, in a schema that is no database', async (t) => {
    await shard.initPrimary(first)
    const beat = [{ shard: 'commerce/0', tablet: first.alias, term: 1 }]
    await first.waitFor('the first heartbeat', async () => (await beatIn(first)).length === 1)
    t.same(await beatIn(first), beat)
    const seen = await second.waitFor('it is replicated', async () => {   // asked of the daemon: the server is closed to others
      const snapshot = await second.freshSnapshot()
      return snapshot.lag?.heartbeatSeconds === undefined ? undefined : snapshot
    })
    t.match(seen.blockers, [{ name: 'no-database' }])
  })

  await t.test('replicas serve, and say by which signs they lag', async (t) => {
    await makeApp(first)
    for (const replica of [second, third]) {
      await serves(replica)
      await lagOf(replica, 'it lags less than two seconds', (seconds) => seconds < 2)
      // a status of zero counts only some seconds after the start of replication
      const lag = await replica.waitFor('both signs are there', async () => {
        const seen = (await replica.freshSnapshot()).lag
        return seen?.heartbeatSeconds === undefined || seen.statusSeconds === undefined ? undefined : seen
      })
      t.type(lag.heartbeatSeconds, 'number')
      t.type(lag.statusSeconds, 'number')
    }
  })

  await t.test('an applier that is held back shows, takes the replica out of service, and lets it back in after the hold', async (t) => {
    using held = await holdCommits(second)
    const { blockers, lastChange } = await second.becomes('SPARE')
    t.match(blockers, [{ name: 'lag-too-high', message: /heartbeat \d/ }])
    t.match(lastChange, { from: 'serving', to: 'spare', why: /^replication lags .*heartbeat.* more than unhealthy-threshold 10s/ })
    t.equal((await third.http('GET', '/replica')).status, 200, 'the other replica is not concerned')
    const log = second.logFromNow()
    held[Symbol.dispose]()
    await second.blockedBy('recovering')
    await serves(second)
    t.match(await log('it serves again', ({ msg }) => msg?.startsWith('tablet is REPLICA') === true), { msg: /nothing speaks against serving, lags .*heartbeat/ })
  })

  await t.test('an applier that stands still lags more and more, though the server calls it NULL', async (t) => {
    await third.rows(server.name === 'mysql' ? 'STOP REPLICA SQL_THREAD' : 'STOP SLAVE SQL_THREAD')
    await third.blockedBy('replication-stopped-by-operator')
    const { lag } = await lagOf(third, 'it lags five seconds', (seconds) => seconds >= 5)
    t.ok((lag?.heartbeatSeconds ?? 0) > 4, `the heartbeat is ${lag?.heartbeatSeconds} s old`)
    await third.rows(server.name === 'mysql' ? 'START REPLICA SQL_THREAD' : 'START SLAVE SQL_THREAD')
    await serves(third)
  })

  await t.test('a frozen primary shows at its replicas, whose own status says 0', async (t) => {
    const pid = first.pidOfMysqld() ?? 0
    process.kill(pid, 'SIGSTOP')
    try {
      const seen = await lagOf(second, 'it lags three seconds', (seconds) => seconds >= 3)
      t.equal(seen.replication?.io, 'running')
      t.equal(seen.lag?.statusSeconds, 0)
    } finally {
      process.kill(pid, 'SIGCONT')
    }
    for (const replica of [second, third]) await serves(replica)
  })

  await t.test('heartbeats that end with the primary\'s daemon take no replica out of service', async (t) => {
    await first.killDaemon('SIGKILL')
    const log = [second, third].map((replica) => replica.log().length)
    const { lag } = await second.waitFor('its heartbeat is older than the threshold', async () => {
      const seen = await second.freshSnapshot()
      return (seen.lag?.heartbeatSeconds ?? 0) > 12 ? seen : undefined
    })
    t.ok((lag?.provenSeconds ?? Infinity) < 10, `nothing is missing of what the primary held ${lag?.provenSeconds} s ago`)
    for (const [index, replica] of [second, third].entries()) {
      t.same(replica.log().slice(log[index]).filter(({ msg }) => msg?.startsWith('tablet is SPARE') === true), [], `${replica.alias} served all the time`)
    }
    await first.startDaemon()
    await first.becomes('PRIMARY', { healthy: true })
  })

  await t.test('a reparent moves the writer, and leaves no transaction that the new primary lacks', async (t) => {
    await second.caughtUp()
    await shard.mustTabletctl('planned-reparent-shard', shard.name, second.alias)
    for (const replica of [first, third]) await serves(replica)
    await first.waitFor('the new primary\'s heartbeat', async () =>
      JSON.stringify(await beatIn(first)) === JSON.stringify([{ shard: 'commerce/0', tablet: second.alias, term: 2 }]))
    t.same(await beatIn(third), await beatIn(first))
  })

  await t.test('a primary that is gone: the lag is unknown, so it grows, until nobody serves', async (t) => {
    await second.killDaemon('SIGKILL')
    await endMysqld(second)
    for (const replica of [first, third]) {
      const { blockers } = await replica.becomes('SPARE')
      t.match(blockers.map(({ name }) => name), [/replication-connecting|lag-too-high/])
      const before = await replica.freshSnapshot()
      await lagOf(replica, 'it grows', (seconds) => seconds > (before.lagSeconds ?? Infinity))
    }
  })
})

leavesNothingBehind(t)
