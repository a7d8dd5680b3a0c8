/** The topology as a tablet sees it: doubt is never absence, and what was read is remembered before anybody acts. */
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import type { ActionContext } from '../../src/base/action.ts'
import { writeJsonDurably } from '../../src/base/durable-file.ts'
import { TabletError } from '../../src/base/errors.ts'
import { silentLogger } from '../../src/base/logger.ts'
import { lazyTopology } from '../../src/daemon/lazy-topology.ts'
import { LocalState } from '../../src/daemon/local-state.ts'
import { TopologyView } from '../../src/daemon/topology-view.ts'
import { alias, ctx, record, tabletRecord } from '../replication/builders.ts'
import { tempDir } from '../support/temp-dir.ts'
import { away, fakeTopology, hang, type FakeTopology } from './fake-topology.ts'

const SHARD = { keyspace: 'commerce', shard: '0' }

async function viewOf(path: string, topology: FakeTopology) {
  const state = await LocalState.open(path)
  return { state, view: new TopologyView(topology, SHARD, state) }
}

t.test('before the first read nothing is known', async (t) => {
  await using dir = await tempDir()
  const { view } = await viewOf(dir.path, fakeTopology(record()))
  t.same([view.latest, view.newestTerm, view.tablets], [undefined, undefined, []])
})

t.test('a record that was read is remembered on disk before the read resolves', async (t) => {
  await using dir = await tempDir()
  const { view } = await viewOf(dir.path, fakeTopology(record()))
  t.same(await view.read(ctx), { kind: 'record', record: record() })
  t.same(view.newestTerm, 3)
  t.same((await LocalState.open(dir.path)).memory.shardRecord, record())
})

t.test('a record that the disk does not take is acted on all the same, or a deposed primary would stay writable', async (t) => {
  await using dir = await tempDir()
  const path = join(dir.path, 'tablet')
  await mkdir(path)
  const topology = fakeTopology(record())
  const { view, state } = await viewOf(path, topology)
  await rm(path, { recursive: true })
  t.same(await view.read(ctx), { kind: 'record', record: record() })
  t.same([state.memory.shardRecord, view.newestTerm], [record(), 3], 'and no older one counts any more')
  topology.before = away
  await view.read(ctx)
  t.same([view.newestTerm, view.certainTerm], [3, undefined], 'an unreadable topology may hold a newer one')
  await mkdir(path)
  topology.before = () => Promise.resolve()
  await view.read(ctx)
  t.same((await LocalState.open(path)).memory.shardRecord, record(), 'it is written as soon as that can be')
})

t.test('a disk that hangs keeps no turn: the record is known at once, and is written when the disk goes on', async (t) => {
  await using dir = await tempDir()
  const goesOn = Promise.withResolvers<undefined>()
  const writes: unknown[] = []
  const state = await LocalState.open(dir.path, async (path, value) => {
    await goesOn.promise
    writes.push(value)
    await writeJsonDurably(path, value)
  })
  const topology = fakeTopology(record())
  const view = new TopologyView(topology, SHARD, state)
  const said: string[] = []
  const log = { ...silentLogger(), error: (_fields: unknown, message: string) => { said.push(message) } } as unknown as ActionContext['log']
  const drained = state.remember({ drained: true, shardRecord: record({ term: 2 }) })
  t.match(await view.read({ ...ctx, log }), { kind: 'record', record: { term: 3 } })
  topology.record = record({ term: 4, primary: alias(103) })
  await view.read({ ...ctx, log })
  t.match(state.memory, { drained: false, shardRecord: { term: 4 } }, 'a deposed primary knows that it is, and what was to be durable is not')
  t.match(said, [/tablet\.json.* within 2 s/])
  t.equal(said.length, 1, 'it is said once')
  goesOn.resolve(undefined)
  await drained
  t.match(state.memory, { drained: true, shardRecord: { term: 4 } }, 'the write that hung brings no older record back')
  await state.remember({})
  t.match((await LocalState.open(dir.path)).memory, { drained: true, shardRecord: { term: 4 } })
  t.ok(writes.length <= 2, 'what waited is written together')
})

t.test('a tablet whose record is corrupt is said once, at warn', async (t) => {
  await using dir = await tempDir()
  const topology = fakeTopology(record())
  const { view } = await viewOf(dir.path, topology)
  const said: string[] = []
  const log = { ...silentLogger(), debug: () => undefined, warn: (_fields: unknown, message: string) => { said.push(message) } } as unknown as ActionContext['log']
  topology.before = (call) => call === 'list' ? Promise.reject(new TabletError('TOPOLOGY_CORRUPT', 'cannot read zone1-0000000102')) : Promise.resolve()
  t.match(await view.read({ ...ctx, log }), { kind: 'record' })
  await view.read({ ...ctx, log })
  t.match(said, [/zone1-0000000102/])
  t.equal(said.length, 1)
})

t.test('a store without a record says none, and what was read before stays remembered', async (t) => {
  await using dir = await tempDir()
  const topology = fakeTopology()
  const { view, state } = await viewOf(dir.path, topology)
  t.same(await view.read(ctx), { kind: 'none' })
  t.equal(view.newestTerm, 0)
  topology.record = record()
  await view.read(ctx)
  topology.record = undefined
  t.same(await view.read(ctx), { kind: 'none' })
  t.equal(view.newestTerm, 3)
  t.same(state.memory.shardRecord, record())
})

t.test('a store that does not answer, or not in time, is unreadable and never none', async (t) => {
  await using dir = await tempDir()
  const topology = fakeTopology()
  const { view } = await viewOf(dir.path, topology)
  topology.before = away
  t.same(await view.read(ctx), { kind: 'unreadable', why: 'no answer' })
  t.equal(view.newestTerm, undefined, 'and the term is not known')
  topology.before = hang
  t.match(await view.read(ctx), { kind: 'unreadable', why: /within 2 s/ })
  topology.before = () => Promise.reject(new TypeError('a bug'))
  t.match(await view.read(ctx), { kind: 'unreadable' })
})

t.test('a record of an older term is told as read, and not remembered', async (t) => {
  await using dir = await tempDir()
  const topology = fakeTopology(record({ term: 5 }))
  const { view, state } = await viewOf(dir.path, topology)
  await view.read(ctx)
  const older = record({ term: 4, primary: alias(103) })
  topology.record = older
  t.same(await view.read(ctx), { kind: 'record', record: older })
  t.same(state.memory.shardRecord, record({ term: 5 }))
  t.equal(view.newestTerm, 5)
})

t.test('a change within a term, as its start, is remembered', async (t) => {
  await using dir = await tempDir()
  const { start: _start, ...unended } = record()
  const topology = fakeTopology(unended)
  const { view, state } = await viewOf(dir.path, topology)
  await view.read(ctx)
  topology.record = record()
  await view.read(ctx)
  t.same(state.memory.shardRecord, record())
})

t.test('tablets that cannot be listed hide no record, and the last list stays', async (t) => {
  await using dir = await tempDir()
  const topology = fakeTopology(record())
  const { view } = await viewOf(dir.path, topology)
  topology.tablets = [{ record: tabletRecord(101), live: true }]
  await view.read(ctx)
  t.same(view.addressOf(alias(101)), { host: '127.0.0.1', port: 3306 })
  t.equal(view.addressOf(alias(109)), undefined)
  topology.record = record({ term: 4, primary: alias(103) })
  topology.before = (call) => call === 'list' ? away() : Promise.resolve()
  t.match(await view.read(ctx), { kind: 'record', record: { term: 4 } })
  t.equal(view.tablets.length, 1)
})

t.test('whoever listens hears of each read until it stops listening', async (t) => {
  await using dir = await tempDir()
  const topology = fakeTopology(record())
  const { view } = await viewOf(dir.path, topology)
  const heard: unknown[] = []
  {
    using _ = view.onRead(() => { heard.push(view.latest?.kind) })
    await view.read(ctx)
    topology.before = away
    await view.read(ctx)
  }
  await view.read(ctx)
  t.same(heard, ['record', 'unreadable'])
})

t.test('a read that the daemon ends is no failure of the topology', async (t) => {
  await using dir = await tempDir()
  const topology = fakeTopology(record())
  const { view } = await viewOf(dir.path, topology)
  await view.read(ctx)
  topology.before = hang
  const stop = new AbortController()
  const reading = view.read({ signal: stop.signal, log: silentLogger() })
  stop.abort(new Error('stopping'))
  await t.rejects(reading, { message: 'stopping' })
  t.match(view.latest, { kind: 'record' })
})

t.test('a tablet is published when something changed, and often enough to stay live', async (t) => {
  await using dir = await tempDir()
  const topology = fakeTopology(record())
  const { view } = await viewOf(dir.path, topology)
  const mine = tabletRecord(101)
  await view.publish(mine, 0, ctx)
  await view.publish(mine, 3_999, ctx)
  t.equal(topology.published.length, 1, 'nothing new')
  await view.publish({ ...mine, type: 'PRIMARY' }, 3_999, ctx)
  t.equal(topology.published.length, 2, 'another type')
  await view.publish({ ...mine, type: 'PRIMARY' }, 8_000, ctx)
  t.equal(topology.published.length, 3, 'time to say so again')
  topology.before = away
  await view.publish(mine, 8_001, ctx)
  topology.before = () => Promise.resolve()
  await view.publish(mine, 8_002, ctx)
  t.equal(topology.published.length, 4, 'what failed is tried at the next turn')
})

t.test('a daemon that ends withdraws what it published, and its end waits for nobody', async (t) => {
  await using dir = await tempDir()
  const topology = fakeTopology(record())
  const { view } = await viewOf(dir.path, topology)
  await view.publishLast(ctx)
  t.same(topology.calls, [], 'nothing was published')
  await view.publish(tabletRecord(101), 0, ctx)
  const over: ActionContext = { signal: AbortSignal.abort(new Error('over')), log: silentLogger() }
  await view.publishLast(over)
  t.same(topology.calls.slice(1), [`withdraw ${alias(101)}`])
  topology.before = away
  await view.publishLast(over)
})

t.test('a topology that cannot be opened yet is tried at each use, and opened once', async (t) => {
  const inner = fakeTopology(record())
  let opens = 0
  const topology = lazyTopology('file', () => ++opens < 3 ? away().then(() => inner) : Promise.resolve(inner))
  t.equal(topology.kind, 'file')
  t.equal(opens, 0, 'not before it is used')
  await t.rejects(topology.readShardRecord(SHARD, ctx), { code: 'TOPOLOGY_UNREACHABLE' })
  await t.rejects(topology.listTablets(SHARD, ctx), { code: 'TOPOLOGY_UNREACHABLE' })
  const both = await Promise.all([topology.readShardRecord(SHARD, ctx), topology.readShardRecord(SHARD, ctx)])
  t.same(both.map((one) => one?.record), [record(), record()])
  await topology.withdrawTablet(alias(101), SHARD, ctx)
  t.equal(opens, 3)
  await topology[Symbol.asyncDispose]()
  t.equal(inner.calls.at(-1), 'dispose')
})

t.test('a topology that was never opened has nothing to close', async (t) => {
  const inner = fakeTopology()
  await lazyTopology('file', () => Promise.resolve(inner))[Symbol.asyncDispose]()
  t.same(inner.calls, [])
})
