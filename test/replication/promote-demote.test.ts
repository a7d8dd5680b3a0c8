/** Turning a primary into a replica and a replica into the primary, on real servers. */
import t from 'tap'
import { formatPosition } from '../../src/model/position.ts'
import { attach } from '../../src/replication/attach.ts'
import { addStart, claimTerm } from '../../src/replication/claim-term.ts'
import { demote } from '../../src/replication/demote.ts'
import { promote } from '../../src/replication/promote.ts'
import { leavesNothingBehind } from '../support/leftovers.ts'
import { forEachServer } from '../support/servers.ts'
import { waitFor } from '../support/wait-for.ts'
import { ctx, mysqlSet } from './builders.ts'
import { failingAt, follow, lookAtSource, startServer, topologyWith, type Server } from './rig.ts'

const LEDGER = 'CREATE DATABASE app; CREATE TABLE app.ledger (id INT AUTO_INCREMENT PRIMARY KEY, n INT)'
const numbersIn = async (server: Server): Promise<unknown[]> => (await server.real.rows('SELECT n FROM app.ledger ORDER BY n')).map(({ n }) => n)
const order = { semiSync: 'unset', applyWaitSeconds: 20 } as const

/** Inserts 1, 2, 3 … as a client until it is refused; what it was told is committed. */
function startWriter(server: Server): { readonly acknowledged: number[], readonly ended: Promise<void> } {
  const acknowledged: number[] = []
  const write = async (): Promise<void> => {
    const connection = await server.real.connect({ host: '127.0.0.1', user: 'app', password: 'app-secret' })
    connection.on('error', () => undefined)
    try {
      for (let n = 1; ; n++) {
        await connection.query('INSERT INTO app.ledger (n) VALUES (?)', [n])
        acknowledged.push(n)
      }
    } catch {
      connection.destroy()
    }
  }
  return { acknowledged, ended: write() }
}

forEachServer(t, 'the shard changes hands under a writer, losing no acknowledged row, and back, with a crash at every step', async (t, server) => {
  await using one = await startServer(server)
  await using two = await startServer(server)
  await one.real.run(LEDGER)
  await attach(follow(one), { mysqld: two.mysqld, lookAtSource }, ctx)
  const writer = startWriter(one)
  await waitFor('rows are written', () => writer.acknowledged.length > 50)

  for (let n = 1; ; n++) {
    const outcome = await demote(failingAt(n, one.mysqld), 'unset', ctx).catch((error: unknown) => error)
    if (!(outcome instanceof Error)) break
    t.match(outcome.message, /was lost/)
  }
  const final = await demote(one.mysqld, 'unset', ctx)
  await writer.ended
  t.ok((await one.mysqld.observe(ctx)).superReadOnly)
  t.ok(final.contains(await one.mysqld.executedGtids(ctx)), 'the position is the last one')

  await using place = await topologyWith({ start: formatPosition(final) })
  const { topology, stored: { record } } = place
  let lost = 0
  for (let n = 1; ; n++) {
    const deps = { mysqld: failingAt(n, two.mysqld), topology }
    const promotion = await promote({ record, ...order }, deps, ctx).catch((error: unknown) => error)
    if (!(promotion instanceof Error)) { t.match(promotion, { done: true }); break }
    t.match(promotion.message, /was lost/)
    lost++
  }
  t.ok(lost > 4, `${lost} steps of the promotion were lost in turn`)
  t.match(await two.mysqld.observe(ctx), { readOnly: false, superReadOnly: false, replication: undefined, offlineMode: false })
  t.equal((await topology.readShardRecord(record, ctx))?.record.claimed, true)
  const written = await numbersIn(two)
  t.same(writer.acknowledged.filter((n) => !written.includes(n)), [], `all of ${writer.acknowledged.length} acknowledged rows are there`)

  t.equal(await attach(follow(two), { mysqld: one.mysqld, lookAtSource }, ctx), 'connected', 'the former primary follows')
  await two.real.run('INSERT INTO app.ledger (n) VALUES (1000000)')
  await waitFor('a row comes back', async () => (await numbersIn(one)).includes(1000000))
  t.same(await numbersIn(one), await numbersIn(two))
})

forEachServer(t, 'D2: a client that holds a lock or an open transaction does not delay a demotion, and commits nothing after it', async (t, server) => {
  await using primary = await startServer(server)
  await primary.real.run(LEDGER)
  const app = { host: '127.0.0.1', user: 'app', password: 'app-secret' }
  const locker = await primary.real.connect(app)
  const open = await primary.real.connect(app)
  for (const client of [locker, open]) client.on('error', () => undefined)
  await open.query('BEGIN; INSERT INTO app.ledger (n) VALUES (7)')
  await open.query('SELECT 1')
  await primary.real.run('CREATE TABLE app.other (n INT)')
  await locker.query('LOCK TABLES app.other WRITE')
  const startedMs = performance.now()
  const final = await demote(primary.mysqld, 'unset', ctx)
  t.ok(performance.now() - startedMs < 15_000, 'it took seconds')
  await t.rejects(open.query('COMMIT'))
  t.same(await numbersIn(primary), [])
  t.ok(final.equals(await primary.mysqld.executedGtids(ctx)))
  locker.destroy()
  open.destroy()
})

forEachServer(t, 'P1: a candidate that lacks a transaction of the start stays as it is', async (t, server) => {
  await using primary = await startServer(server)
  await using replica = await startServer(server)
  await primary.real.run(LEDGER)
  await attach(follow(primary), { mysqld: replica.mysqld, lookAtSource }, ctx)
  await waitFor('the table arrives', async () => (await numbersIn(replica)).length === 0)
  await replica.mysqld.stopReplication(ctx)
  await primary.real.run('INSERT INTO app.ledger (n) VALUES (1)')
  await using place = await topologyWith({ start: formatPosition(await primary.mysqld.executedGtids(ctx)) })
  const { topology, stored: { record } } = place
  const promotion = await promote({ record, ...order, applyWaitSeconds: 1 }, { mysqld: replica.mysqld, topology }, ctx)
  t.match(promotion, { done: false, blocker: { name: 'named-primary-behind', message: /lacks/ } })
  const { start: _start, ...without } = record
  t.match(await promote({ record: without, ...order }, { mysqld: replica.mysqld, topology }, ctx), { done: false, blocker: { name: 'term-without-start' } })
  t.match(await replica.mysqld.observe(ctx), { superReadOnly: true, replication: { source: primary.source.address } })
  t.notOk((await topology.readShardRecord(record, ctx))?.record.claimed)

  await replica.mysqld.startReplication(ctx)
  const done = await waitFor('it holds the start', async () => {
    const promotion = await promote({ record, ...order, applyWaitSeconds: 1 }, { mysqld: replica.mysqld, topology }, ctx)
    return promotion.done && promotion
  })
  t.match(done, { record: { claimed: true } })
})

forEachServer(t, 'P2: a term that was given back makes nobody writable', async (t, server) => {
  await using candidate = await startServer(server)
  await candidate.mysqld.setReadOnly('on', ctx)
  await using place = await topologyWith({ start: server.name === 'mysql' ? 'MySQL56/' : 'MariaDB/' })
  const { topology, stored } = place
  await topology.writeShardRecord({ ...stored.record, term: stored.record.term + 1, primary: 'zone1-0000000999' }, stored.version, ctx)
  await t.rejects(promote({ record: stored.record, ...order }, { mysqld: candidate.mysqld, topology }, ctx), { code: 'TOPOLOGY_CONFLICT' })
  t.equal((await candidate.mysqld.observe(ctx)).superReadOnly, true)
})

t.test('taking a term and adding its start are done once, and only in that term', async (t) => {
  await using place = await topologyWith({})
  const { topology, stored: { record } } = place
  const { start: _start, ...cutShort } = record
  t.match(await claimTerm(topology, record, ctx), { claimed: true })
  const before = await topology.readShardRecord(record, ctx)
  t.match(await claimTerm(topology, record, ctx), { claimed: true })
  t.equal((await addStart(topology, cutShort, mysqlSet(''), ctx)).start, record.start, 'a start that is there is not replaced')
  t.same(await topology.readShardRecord(record, ctx), before, 'nothing was written twice')
  for (const other of [{ ...record, term: 9 }, { ...record, primary: 'zone1-0000000999' }]) {
    await t.rejects(claimTerm(topology, other, ctx), { code: 'TOPOLOGY_CONFLICT' })
    await t.rejects(addStart(topology, other, mysqlSet(''), ctx), { code: 'TOPOLOGY_CONFLICT' })
  }
})

t.test('of taking a term and giving it back at the same time, exactly one happens', async (t) => {
  for (let round = 0; round < 30; round++) {
    await using place = await topologyWith({})
    const { topology, stored } = place
    const back = { ...stored.record, term: stored.record.term + 1, primary: 'zone1-0000000999' }
    const [taken, given] = await Promise.allSettled([
      claimTerm(topology, stored.record, ctx), topology.writeShardRecord(back, stored.version, ctx),
    ])
    t.not(taken.status, given.status, `round ${round}`)
    t.equal((await topology.readShardRecord(back, ctx))?.record.term, taken.status === 'fulfilled' ? stored.record.term : back.term)
  }
})

leavesNothingBehind(t)
