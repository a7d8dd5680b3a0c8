/** Restarting the daemon harms nobody: mysqld runs on, its clients stay connected, and the end comes in time. */
import t from 'tap'
import type { Test } from 'tap'
import mysql from 'mysql2/promise'
import { leavesNothingBehind } from '../support/leftovers.ts'
import { forEachServer } from '../support/servers.ts'
import { DBA } from '../support/shard-place.ts'
import { startShard } from '../support/shard.ts'
import type { TestTablet } from '../support/tablet.ts'

const PATIENT = { healthy: true, deadlineMs: 120_000 }

forEachServer(t, 'a daemon ends and starts again beside its mysqld', async (t, server) => {
  await using shard = await startShard({ server, tablets: 2 })
  const [primary, replica] = [shard.tablet(0), shard.tablet(1)]
  await shard.initPrimary(primary)
  await primary.rows('create database commerce; create table commerce.t (id int primary key); insert into commerce.t values (1)')
  await replica.becomes('REPLICA', PATIENT)

  await t.test('SIGTERM ends the daemon of a primary and leaves mysqld and its clients alone', async (t) => {
    await leavesMysqldAlone(t, primary, 'SIGTERM')
    await primary.becomes('PRIMARY', PATIENT)
    t.equal(Number(await primary.value('select @@global.read_only')), 0, 'still writable')
  })

  await t.test('SIGTERM ends the daemon of a replica and leaves mysqld, clients and replication alone', async (t) => {
    await leavesMysqldAlone(t, replica, 'SIGTERM')
    await replica.becomes('REPLICA', PATIENT)
    t.notOk(replica.log().some(({ msg }) => /attached|started it|now replicating/.test(msg ?? '')), 'the channel was not touched')
  })

  await t.test('kill -9 of the daemon leaves mysqld and its clients alone', async (t) => {
    await leavesMysqldAlone(t, primary, 'SIGKILL')
    await primary.becomes('PRIMARY', PATIENT)
  })

  await t.test('probes answer 503 between SIGTERM and the end, and a second SIGTERM ends it at once', async (t) => {
    await replica.killDaemon('SIGTERM')
    await replica.startDaemon('--lameduck-period=10m')
    await replica.becomes('REPLICA', PATIENT)
    const ended = replica.killDaemon('SIGTERM')
    const probe = await replica.waitFor('the probe sees that the daemon stops', async () => {
      const answer = await replica.http('GET', '/readyz')
      return answer.status === 503 && answer
    })
    t.match(probe.text, /daemon-stopping/)
    t.ok(replica.daemonRuns, 'it still waits for load balancers')
    const second = performance.now()
    void replica.killDaemon('SIGTERM')
    t.equal((await ended).code, 130)
    t.ok(performance.now() - second < 30_000, 'long before its ten minutes')
    t.ok(replica.pidOfMysqld(), 'mysqld runs on')
    await replica.startDaemon()
    await replica.becomes('REPLICA', PATIENT)
  })

  await t.test('with stop-mysqld-on-exit mysqld is shut down cleanly, and starts as a replica again', async (t) => {
    await replica.killDaemon('SIGTERM')
    await replica.startDaemon('--stop-mysqld-on-exit')
    await replica.becomes('REPLICA', PATIENT)
    const exit = await replica.killDaemon('SIGTERM')
    t.equal(exit.code, 0)
    t.equal(replica.pidOfMysqld(), undefined, 'mysqld is gone')
    const said = replica.log().find(({ msg }) => /not stopped cleanly/.test(msg ?? ''))
    t.equal(said, undefined, 'cleanly')
    await replica.startDaemon()
    await replica.becomes('REPLICA', PATIENT)
  })
})

/** Ends the daemon while a client holds a session with an open transaction; the same session goes on after the next start. */
async function leavesMysqldAlone(t: Test, tablet: TestTablet, signal: NodeJS.Signals): Promise<void> {
  const pid = tablet.pidOfMysqld()
  const client = await mysql.createConnection({ socketPath: tablet.place.socket, user: DBA.user, password: DBA.password })
  try {
    await client.query('start transaction')
    await client.query('select * from commerce.t')
    const session = await idOf(client)
    const began = performance.now()
    const exit = await tablet.killDaemon(signal)
    if (signal === 'SIGTERM') t.equal(exit.code, 0, 'the daemon exits 0')
    t.ok(performance.now() - began < 30_000, 'in time')
    t.equal(await idOf(client), session, 'the session goes on without a daemon')
    await tablet.startDaemon()
    await tablet.waitFor('the new daemon has looked', async () => (await tablet.snapshot()).mysqld.answers)
    t.equal(tablet.pidOfMysqld(), pid, 'the same mysqld')
    t.equal(await idOf(client), session, 'the session goes on under the new one')
    await client.query('commit')
  } finally {
    client.destroy()
  }
}

async function idOf(client: mysql.Connection): Promise<unknown> {
  const [rows] = await client.query({ sql: 'select connection_id()', rowsAsArray: true })
  return (rows as unknown[][])[0]?.[0]
}

leavesNothingBehind(t)
