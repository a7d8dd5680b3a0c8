/**
 * What every topology promises (src/topology/topology.ts). A store's test calls this with a way to open it.
 */
import t, { type Test } from 'tap'
import type { ActionContext } from '../../src/base/action.ts'
import { TabletError } from '../../src/base/errors.ts'
import { silentLogger } from '../../src/base/logger.ts'
import type { ShardRecord, TabletRecord } from '../../src/model/records.ts'
import type { ShardName } from '../../src/model/tablet.ts'
import type { Topology } from '../../src/topology/topology.ts'
import { waitFor } from '../support/wait-for.ts'

/** Opens one more client of the store that `test` has for itself; two clients are two daemons. Empty at first. */
export type OpenTopology = (test: Test) => Promise<() => Promise<Topology>>

export const shard: ShardName = { keyspace: 'commerce', shard: '-80' }
const otherShard: ShardName = { keyspace: 'commerce', shard: '80-' }
const TTL_MS = 60_000

export const testContext = (signal = new AbortController().signal): ActionContext => ({ signal, log: silentLogger() })
const ctx = testContext()

export const shardRecord = (term: number, more: Partial<ShardRecord> = {}): ShardRecord =>
  ({ ...shard, primary: 'zone1-0000000101', term, since: '2026-01-02T03:04:05.000Z', ...more })

export const tabletRecord = (uid: number, more: Partial<TabletRecord> = {}): TabletRecord => ({
  alias: `zone1-${String(uid).padStart(10, '0')}`, type: 'REPLICA', ...shard, hostname: '127.0.0.1', mysqlPort: 3306, httpPort: 15100,
  startedAt: '2026-01-02T03:04:05.000Z', tags: {}, ...more,
})

export function topologyContract(name: string, store: OpenTopology): void {
  recordContract(name, store)
  watchContract(name, store)
  tabletContract(name, store)
  lockContract(name, store)
}

function recordContract(name: string, store: OpenTopology): void {
  t.test(`${name}: a store that answers and holds no record says undefined`, async (t) => {
    await using topology = await (await store(t))()
    t.equal(await topology.readShardRecord(shard, ctx), undefined)
    t.same(await topology.listTablets(shard, ctx), [])
    t.equal(await topology.findTablet('zone1-0000000101', ctx), undefined)
  })

  t.test(`${name}: a record that was written is read back whole, by every client`, async (t) => {
    const open = await store(t)
    await using one = await open()
    await using other = await open()
    const record = shardRecord(7, { former: 'zone1-0000000102', start: 'MySQL56/3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5', claimed: true })
    const written = await one.writeShardRecord(record, undefined, ctx)
    t.same(written.record, record)
    t.same(await other.readShardRecord(shard, ctx), written)
    t.equal(await other.readShardRecord(otherShard, ctx), undefined)
    t.same(await other.listShards(ctx), [shard])
  })

  t.test(`${name}: a start that names no transaction is kept, and differs from none`, async (t) => {
    await using topology = await (await store(t))()
    await topology.writeShardRecord(shardRecord(1, { start: 'MariaDB/' }), undefined, ctx)
    t.equal((await topology.readShardRecord(shard, ctx))?.record.start, 'MariaDB/')
  })

  t.test(`${name}: a write expecting a version that is no longer stored is a conflict and changes nothing`, async (t) => {
    const open = await store(t)
    await using one = await open()
    await using other = await open()
    const first = await one.writeShardRecord(shardRecord(1), undefined, ctx)
    await t.rejects(other.writeShardRecord(shardRecord(9), undefined, ctx), { code: 'TOPOLOGY_CONFLICT' })
    const second = await other.writeShardRecord(shardRecord(2), first.version, ctx)
    await t.rejects(one.writeShardRecord(shardRecord(9), first.version, ctx), { code: 'TOPOLOGY_CONFLICT' })
    await t.rejects(one.writeShardRecord(shardRecord(9), 'no-such-version', ctx), { code: 'TOPOLOGY_CONFLICT' })
    t.same(await one.readShardRecord(shard, ctx), second)
  })

  t.test(`${name}: the same content written again is a new version`, async (t) => {
    await using topology = await (await store(t))()
    const first = await topology.writeShardRecord(shardRecord(1), undefined, ctx)
    const second = await topology.writeShardRecord(shardRecord(1), first.version, ctx)
    t.not(second.version, first.version)
    await t.rejects(topology.writeShardRecord(shardRecord(2), first.version, ctx), { code: 'TOPOLOGY_CONFLICT' })
  })

  t.test(`${name}: of writers that race from one version, exactly one wins`, async (t) => {
    const open = await store(t)
    const clients = await Promise.all([open(), open(), open(), open()])
    let version: string | undefined
    for (let term = 1; term <= 20; term++) {
      const tries = await Promise.allSettled(clients.map((client, n) =>
        client.writeShardRecord(shardRecord(term, { primary: `zone1-000000010${n}` }), version, ctx)))
      const won = tries.filter((one) => one.status === 'fulfilled')
      const lost = tries.filter((one) => one.status === 'rejected')
      t.equal(won.length, 1, `one winner of term ${term}`)
      t.ok(lost.every(({ reason }) => reason instanceof TabletError && reason.code === 'TOPOLOGY_CONFLICT'), 'the others learn it')
      t.same(await clients[0]?.readShardRecord(shard, ctx), won[0]?.value)
      version = won[0]?.value.version
    }
    for (const client of clients) await client[Symbol.asyncDispose]()
  })

  t.test(`${name}: a call that is aborted on entry touches nothing`, async (t) => {
    await using topology = await (await store(t))()
    const aborted = testContext(AbortSignal.abort(new TabletError('STOPPING', 'stopping')))
    await t.rejects(topology.writeShardRecord(shardRecord(1), undefined, aborted), { code: 'STOPPING' })
    await t.rejects(topology.publishTablet(tabletRecord(101), TTL_MS, aborted), { code: 'STOPPING' })
    t.equal(await topology.readShardRecord(shard, ctx), undefined)
    t.same(await topology.listTablets(shard, ctx), [])
  })

  t.test(`${name}: names that are not plain are refused`, async (t) => {
    await using topology = await (await store(t))()
    for (const bad of [{ keyspace: '..', shard: '0' }, { keyspace: 'a', shard: '../b' }, { keyspace: 'a/b', shard: '0' }, { keyspace: '', shard: '0' }]) {
      await t.rejects(topology.writeShardRecord(shardRecord(1, bad), undefined, ctx), { code: 'PATH_ESCAPES' })
      await t.rejects(topology.readShardRecord(bad, ctx), { code: 'PATH_ESCAPES' })
    }
    await t.rejects(topology.publishTablet(tabletRecord(1, { alias: '../../x-0000000001' }), TTL_MS, ctx), { code: 'PATH_ESCAPES' })
  })
}

function watchContract(name: string, store: OpenTopology): void {
  t.test(`${name}: a watch calls after each change, from before the first record on, and ends with its signal`, async (t) => {
    const open = await store(t)
    await using watcher = await open()
    await using writer = await open()
    const stop = new AbortController()
    let called = Promise.withResolvers<void>()
    const watching = watcher.watchShardRecord(shard, () => { called.resolve() }, testContext(stop.signal))
    let version: string | undefined
    for (let term = 1; term <= 5; term++) {
      version = (await writer.writeShardRecord(shardRecord(term), version, ctx)).version
      // a change made before the watch took its first look is no change to it: write on until it calls
      while (term === 1 && !await within(called.promise, 1000)) {
        version = (await writer.writeShardRecord(shardRecord(1), version, ctx)).version
      }
      await called.promise
      called = Promise.withResolvers<void>()
      t.equal((await watcher.readShardRecord(shard, ctx))?.record.term, term, `the reader woken by term ${term} reads it`)
    }
    stop.abort(new TabletError('STOPPING', 'stopping'))
    await watching
  })
}

function tabletContract(name: string, store: OpenTopology): void {
  t.test(`${name}: a published tablet is listed and found by every client, live, until it is withdrawn`, async (t) => {
    const open = await store(t)
    await using one = await open()
    await using other = await open()
    const record = tabletRecord(101, { serverUuid: '3e11fa47-71ca-11e1-9e33-c80aa9429562', serverId: 5, tags: { rack: 'a' } })
    await one.publishTablet(record, TTL_MS, ctx)
    t.same(await other.listTablets(shard, ctx), [{ record, live: true }])
    t.same(await other.findTablet(record.alias, ctx), { record, live: true })
    t.same(await other.listTablets(otherShard, ctx), [])
    await one.withdrawTablet(record.alias, shard, ctx)
    t.same(await other.listTablets(shard, ctx), [{ record, live: false }])
    await one.publishTablet(record, TTL_MS, ctx)
    t.same(await other.findTablet(record.alias, ctx), { record, live: true })
  })

  t.test(`${name}: publishing again replaces the record`, async (t) => {
    await using topology = await (await store(t))()
    await topology.publishTablet(tabletRecord(101, { type: 'SPARE' }), TTL_MS, ctx)
    await topology.publishTablet(tabletRecord(101, { type: 'PRIMARY' }), TTL_MS, ctx)
    t.same((await topology.listTablets(shard, ctx)).map(({ record }) => record.type), ['PRIMARY'])
  })

  t.test(`${name}: a removed tablet is gone, and removing or withdrawing one that is not there succeeds`, async (t) => {
    await using topology = await (await store(t))()
    for (const uid of [103, 101, 102]) await topology.publishTablet(tabletRecord(uid), TTL_MS, ctx)
    await topology.removeTablet('zone1-0000000102', shard, ctx)
    await topology.removeTablet('zone1-0000000102', shard, ctx)
    await topology.withdrawTablet('zone1-0000000102', shard, ctx)
    t.same((await topology.listTablets(shard, ctx)).map(({ record }) => record.alias), ['zone1-0000000101', 'zone1-0000000103'])
  })

  t.test(`${name}: a tablet is not live once its time to live has passed`, async (t) => {
    await using topology = await (await store(t))()
    await topology.publishTablet(tabletRecord(101), 1, ctx)
    await waitFor('the tablet is not live', async () => (await topology.listTablets(shard, ctx))[0]?.live === false)
    t.equal((await topology.listTablets(shard, ctx)).length, 1, 'it is still known')
  })
}

function lockContract(name: string, store: OpenTopology): void {
  t.test(`${name}: one holds the lock of a shard; another learns who, and gets it after the release`, async (t) => {
    const open = await store(t)
    await using one = await open()
    await using other = await open()
    {
      await using lock = await one.lockShard(shard, 'planned-reparent-shard', ctx)
      t.notOk(lock.lost.aborted)
      await t.rejects(other.lockShard(shard, 'init-shard-primary', ctx), { code: 'SHARD_LOCKED', message: /planned-reparent-shard/ })
      await using second = await other.lockShard(otherShard, 'init-shard-primary', ctx)
      t.notOk(second.lost.aborted, 'another shard has a lock of its own')
    }
    await using again = await other.lockShard(shard, 'init-shard-primary', ctx)
    t.notOk(again.lost.aborted)
  })
}

/** Whether `event` came within `ms`. */
async function within(event: Promise<void>, ms: number): Promise<boolean> {
  const timer = Promise.withResolvers<false>()
  const handle = setTimeout(() => { timer.resolve(false) }, ms)
  try {
    return await Promise.race([event.then(() => true), timer.promise])
  } finally {
    clearTimeout(handle)
  }
}
