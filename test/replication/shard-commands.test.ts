/**
 * Both shard commands over a real file topology. The tablets are played: each is a daemon reduced to what the
 * record makes of it, so that a candidate can be slow, or take its term in the very last moment.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { sleep } from '../../src/base/action.ts'
import { TabletError } from '../../src/base/errors.ts'
import type { TabletRecord } from '../../src/model/records.ts'
import type { TabletSnapshot } from '../../src/model/snapshot.ts'
import { addStart, claimTerm } from '../../src/replication/claim-term.ts'
import { initShardPrimary } from '../../src/replication/init-shard-primary.ts'
import { plannedReparent } from '../../src/replication/planned-reparent.ts'
import type { TabletClient } from '../../src/replication/tablet-client.ts'
import { openFileTopology } from '../../src/topology/file-topology.ts'
import type { Topology } from '../../src/topology/topology.ts'
import { tempDir } from '../support/temp-dir.ts'
import { UNNAMED, UUID_A, alias, ctx, mysqlSet, record, snapshot, tabletRecord } from './builders.ts'

const shard = { keyspace: 'commerce', shard: '0' }
type Behaviour = 'follows' | 'never-takes' | 'never-answers'

/** A tablet that does in `wake` what a daemon does at its tick. */
class PlayedTablet {
  snapshot: TabletSnapshot
  readonly #topology: Topology
  readonly #behaviour: Behaviour
  #ticking = Promise.resolve()
  constructor(uid: number, topology: Topology, played: { readonly behaviour: Behaviour, readonly more?: Partial<TabletSnapshot> }) {
    this.#topology = topology
    this.#behaviour = played.behaviour
    this.snapshot = snapshot(uid, played.more)
  }

  /** One tick; ticks do not overlap. */
  wake(): Promise<void> {
    this.#ticking = this.#ticking.catch(() => undefined).then(() => this.#tick())
    return this.#ticking
  }

  async #tick(): Promise<void> {
    const current = (await this.#topology.readShardRecord(shard, ctx))?.record
    if (current === undefined) return
    const { alias } = this.snapshot
    this.snapshot = { ...this.snapshot, shardRecord: { read: 'record', record: current, cached: current } }
    const named = current.primary === alias
    if (!named || current.start === undefined) this.#become('SPARE', false)
    if (current.former === alias && current.start === undefined) await addStart(this.#topology, current, mysqlSet(`${UUID_A}:1-7`), ctx)
    const ready = (await this.#topology.readShardRecord(shard, ctx))?.record
    if (ready?.primary !== alias || ready.start === undefined || this.#behaviour === 'never-takes') return
    await claimTerm(this.#topology, ready, ctx)
    this.#become('PRIMARY', true)
  }

  observe(): TabletSnapshot {
    if (this.#behaviour === 'never-answers') throw new TabletError('TABLET_UNREACHABLE', 'no answer')
    return this.snapshot
  }

  undrain(): TabletSnapshot {
    this.snapshot = { ...this.snapshot, drained: false, type: 'SPARE' }
    return this.snapshot
  }

  #become(type: 'SPARE' | 'PRIMARY', writable: boolean): void {
    this.snapshot = { ...this.snapshot, type, mysqld: { ...this.snapshot.mysqld, writable } }
  }
}

interface PlayedShard {
  readonly root: string
  readonly topology: Topology
  readonly client: TabletClient
  readonly tablets: ReadonlyMap<string, PlayedTablet>
}

type Part = Behaviour | { readonly behaviour: Behaviour, readonly more: Partial<TabletSnapshot> }

async function play(test: Test, parts: readonly Part[]): Promise<PlayedShard> {
  const dir = await tempDir()
  const root = join(dir.path, 'topology')
  const topology = await openFileTopology({ root, create: true }, ctx)
  const tablets = new Map<string, PlayedTablet>()
  for (const [n, played] of parts.entries()) {
    const uid = 101 + n
    await topology.publishTablet(tabletRecord(uid), 60_000, ctx)
    tablets.set(alias(uid), new PlayedTablet(uid, topology, typeof played === 'string' ? { behaviour: played } : played))
  }
  const named = ({ alias }: TabletRecord): PlayedTablet => tablets.get(alias) ?? test.fail('no such tablet') as never
  const client: TabletClient = {
    observe: async (tablet) => {
      await named(tablet).wake().catch(() => undefined)   // a daemon answers whatever its topology does
      return named(tablet).observe()
    },
    wake: (tablet) => named(tablet).wake(),
    setType: (tablet) => Promise.resolve(named(tablet).undrain()),
  }
  const end = new AbortController()
  const watches = [...tablets.values()].map((tablet) =>
    topology.watchShardRecord(shard, () => { tablet.wake().catch(() => undefined) }, { ...ctx, signal: end.signal }))
  test.teardown(async () => {
    end.abort(new TabletError('STOPPING', 'the test has ended'))
    await Promise.all(watches)
    for (const tablet of tablets.values()) await tablet.wake().catch(() => undefined)
    await dir[Symbol.asyncDispose]()
  })
  return { root, topology, client, tablets }
}

/** With 101 as primary of term 3. */
async function playRunning(test: Test, behaviours: readonly Behaviour[]): Promise<PlayedShard> {
  const played = await play(test, behaviours)
  await played.topology.writeShardRecord(record(), undefined, ctx)
  for (const tablet of played.tablets.values()) await tablet.wake()
  return played
}

const reparent = { shard, primary: alias(102), takeoverMs: 5000, waitMs: 5000, maxLagSeconds: 30 }
const init = { shard, primary: alias(101), force: false, waitMs: 5000 }

t.test('init-shard-primary writes one record, and ends when the tablets have followed', async (t) => {
  const { tablets, root: _root, ...deps } = await play(t, [{ behaviour: 'follows', more: UNNAMED }, { behaviour: 'follows', more: UNNAMED }])
  const outcome = await initShardPrimary(init, deps, ctx)
  t.match(outcome, { record: { primary: alias(101), term: 1, start: `MySQL56/${UUID_A}:1-5` }, passedOver: [] })
  t.match(tablets.get(alias(101))?.snapshot, { type: 'PRIMARY', mysqld: { writable: true } })
  t.match(tablets.get(alias(102))?.snapshot, { type: 'SPARE', mysqld: { writable: false } })
  await t.rejects(initShardPrimary(init, deps, ctx), { code: 'SHARD_HAS_PRIMARY' })
  t.equal((await deps.topology.readShardRecord(shard, ctx))?.record.term, 1)
  await using lock = await deps.topology.lockShard(shard, 'after', ctx)
  t.notOk(lock.lost.aborted, 'the lock is free again')
})

t.test('init-shard-primary --force undrains the one it names, and replaces a corrupt record', async (t) => {
  const { tablets, root, ...deps } = await play(t, [{ behaviour: 'follows', more: { ...UNNAMED, type: 'DRAINED', drained: true } }])
  await t.rejects(initShardPrimary(init, deps, ctx), { code: 'TYPE_FORBIDS' })
  await mkdir(join(root, 'commerce', '0'), { recursive: true })
  await writeFile(join(root, 'commerce', '0', 'record.00000001.json'), 'garbage')
  await t.rejects(initShardPrimary(init, deps, ctx), { code: 'TOPOLOGY_CORRUPT' })
  await initShardPrimary({ ...init, force: true }, deps, ctx)
  t.match(tablets.get(alias(101))?.snapshot, { type: 'PRIMARY', drained: false })
})

t.test('init-shard-primary says who has not followed in time', async (t) => {
  const { tablets: _tablets, root: _root, ...deps } = await play(t, [{ behaviour: 'never-takes', more: UNNAMED }])
  await t.rejects(initShardPrimary({ ...init, waitMs: 300 }, deps, ctx), { code: 'WAIT_TIMEOUT', message: /zone1-0000000101 is SPARE/ })
})

t.test('a command waits for nobody while another holds the lock', async (t) => {
  const { tablets: _tablets, root: _root, ...deps } = await playRunning(t, ['follows', 'follows'])
  await using lock = await deps.topology.lockShard(shard, 'somebody', ctx)
  await t.rejects(plannedReparent(reparent, deps, ctx), { code: 'SHARD_LOCKED' })
  t.notOk(lock.lost.aborted)
})

t.test('a planned reparent hands the shard over at the position where the former term ended', async (t) => {
  const { tablets, root: _root, ...deps } = await playRunning(t, ['follows', 'follows', 'follows'])
  const outcome = await plannedReparent(reparent, deps, ctx)
  t.match(outcome, { former: alias(101), record: { primary: alias(102), term: 4, former: alias(101), start: `MySQL56/${UUID_A}:1-7`, claimed: true } })
  t.match([...tablets.values()].map(({ snapshot }) => snapshot.mysqld.writable), [false, true, false])
  t.match(await plannedReparent(reparent, deps, ctx), { tookMs: 0, record: { term: 4 } }, 'once more there is nothing to do')
})

t.test('R1: a term that the candidate does not take is given back, and the former primary writes on', async (t) => {
  const { tablets, root: _root, ...deps } = await playRunning(t, ['follows', 'never-takes'])
  await t.rejects(plannedReparent({ ...reparent, takeoverMs: 300 }, deps, ctx), { code: 'REPARENT_FAILED', message: /0000000101 is named again in term 5/ })
  t.match((await deps.topology.readShardRecord(shard, ctx))?.record, { primary: alias(101), former: alias(101), term: 5, claimed: true })
  t.match([...tablets.values()].map(({ snapshot }) => snapshot.mysqld.writable), [true, false])
})

t.test('R1: a candidate that takes its term while it is being given back either has it or never will', async (t) => {
  for (let round = 0; round < 10; round++) {
    const { tablets, root: _root, ...deps } = await playRunning(t, ['follows', 'never-takes'])
    const takeoverMs = 60
    const late = (async () => {
      await sleep(takeoverMs + round, ctx.signal)
      const seen = (await deps.topology.readShardRecord(shard, ctx))?.record
      if (seen?.primary !== alias(102)) return false
      return await claimTerm(deps.topology, seen, ctx).then(() => true, () => false)
    })()
    const outcome = await plannedReparent({ ...reparent, takeoverMs, waitMs: 200 }, deps, ctx).catch((error: unknown) => error)
    const stored = (await deps.topology.readShardRecord(shard, ctx))?.record
    t.match(outcome, { code: await late ? 'WAIT_TIMEOUT' : 'REPARENT_FAILED' }, `round ${round}`)
    t.equal(stored?.primary, await late ? alias(102) : alias(101))
    t.ok(tablets.size === 2)
  }
})

t.test('a refused reparent changes nothing', async (t) => {
  const { tablets: _tablets, root: _root, ...deps } = await playRunning(t, ['follows', 'never-answers'])
  const before = await deps.topology.readShardRecord(shard, ctx)
  await t.rejects(plannedReparent(reparent, deps, ctx), { code: 'TABLET_UNREACHABLE' })
  t.same(await deps.topology.readShardRecord(shard, ctx), before)
})
