/** kill -9 in the middle of a planned reparent, whomever it hits: the shard converges, nothing is lost, never two writable. */
import t from 'tap'
import type { Test } from 'tap'
import { beginToServe, healthyReplica, holdTable, holdsAll, primaryOf, writeNumbers } from '../support/app.ts'
import type { LogLine } from '../support/daemon-log.ts'
import { leavesNothingBehind } from '../support/leftovers.ts'
import { endMysqld } from '../support/mishaps.ts'
import { forEachServer } from '../support/servers.ts'
import { changeShardRecord, readShardRecord } from '../support/shard-record.ts'
import { startShard } from '../support/shard.ts'
import type { TestShard } from '../support/shard.ts'
import { startTabletctl } from '../support/tabletctl.ts'
import type { TestTablet } from '../support/tablet.ts'
import { waitFor } from '../support/wait-for.ts'
import { watchWritable } from '../support/writable-watch.ts'

const MOST_MS = 120_000

type UntilLog = ReturnType<TestTablet['logFromNow']>

interface Scene {
  readonly primary: TestTablet
  readonly candidate: TestTablet
  /** Lines of their logs that were not there when the scene began. */
  readonly primarySays: UntilLog
  readonly candidateSays: UntilLog
  /** Lets the candidate apply what it was kept from; until then it cannot take the term. */
  readonly letItCatchUp: () => Promise<void>
}

forEachServer(t, 'a planned reparent survives kill -9 of anybody in it', async (t, server) => {
  await using shard = await startShard({ server, tablets: 3 })
  await beginToServe(shard)
  const reparent = (to: TestTablet, ...flags: readonly string[]) =>
    startTabletctl(shard, 'planned-reparent-shard', '--wait-replicas-timeout=60s', ...flags, shard.name, to.alias)

  await t.test('the old primary\'s daemon, before it read the term: when it is back it steps down, and the candidate takes over', (t) =>
    underLoad(t, shard, async ({ primary, candidate, candidateSays, letItCatchUp }) => {
      await letItCatchUp()
      await primary.killDaemon('SIGKILL')
      // as the command writes it
      await changeShardRecord(shard, ({ keyspace, shard, term }) =>
        ({ keyspace, shard, primary: candidate.alias, term: term + 1, since: new Date().toISOString(), former: primary.alias }))
      await candidateSays('that the term has no start yet', saysNoStart, MOST_MS)
      t.equal(Number(await primary.value('select @@global.read_only')), 0, 'mysqld of the old primary has not been told')
      t.not((await candidate.snapshot()).type, 'PRIMARY', 'so nobody else is primary')
      await primary.startDaemon()
      return candidate
    }))

  await t.test('the old primary\'s daemon, when it steps down: one of the two ends as the primary', (t) =>
    underLoad(t, shard, async ({ primary, candidate, primarySays, letItCatchUp }) => {
      const command = reparent(candidate)
      await primarySays('that it steps down', stepsDownFor(candidate), MOST_MS)
      await primary.killDaemon('SIGKILL')
      await primary.startDaemon()
      await letItCatchUp()
      t.equal((await command.ended).code, 0, 'it is soon enough back for the command')
      return candidate
    }))

  await t.test('the candidate\'s daemon, before it could take the term: when it is back it takes it', (t) =>
    underLoad(t, shard, async ({ candidate, primarySays, letItCatchUp }) => {
      const command = reparent(candidate)
      await primarySays('that it ended its term', endsItsTerm, MOST_MS)
      await candidate.killDaemon('SIGKILL')
      await letItCatchUp()
      await candidate.startDaemon()
      t.equal((await command.ended).code, 0)
      return candidate
    }))

  await t.test('the candidate\'s daemon, for good: the former primary is named again under a further term', (t) =>
    underLoad(t, shard, async ({ primary, candidate, primarySays, letItCatchUp }) => {
      const { term } = await readShardRecord(shard)
      const command = reparent(candidate, '--wait-replicas-timeout=5s')
      await primarySays('that it ended its term', endsItsTerm, MOST_MS)
      await candidate.killDaemon('SIGKILL')
      const { code, stderr } = await command.ended
      t.match(stderr, /REPARENT_FAILED/)
      t.equal(code, 75)
      t.match(await readShardRecord(shard), { primary: primary.alias, former: primary.alias, term: term + 2 })
      await primary.becomes('PRIMARY', { healthy: true, deadlineMs: MOST_MS })
      await letItCatchUp()
      await candidate.startDaemon()
      return primary
    }))

  await t.test('the command: the daemons finish what it wrote', (t) =>
    underLoad(t, shard, async ({ candidate, primarySays, letItCatchUp }) => {
      const command = reparent(candidate)
      await primarySays('that it ended its term', endsItsTerm, MOST_MS)
      command.kill('SIGKILL')
      await command.ended
      await letItCatchUp()
      return candidate
    }))

  await t.test('mysqld of the old primary, when it steps down: it comes back read-only, and the term starts where it ended', (t) =>
    underLoad(t, shard, async ({ primary, candidate, primarySays, letItCatchUp }) => {
      await letItCatchUp()
      const command = reparent(candidate)
      await primarySays('that it steps down', stepsDownFor(candidate), MOST_MS)
      await endMysqld(primary)
      await command.ended
      return undefined   // whether it had written the start is a race of milliseconds; either ends well
    }))
})

const stepsDownFor = ({ alias }: TestTablet) => ({ msg }: LogLine): boolean => msg === `tablet is SPARE: the shard record names ${alias}`
const endsItsTerm = ({ msg }: LogLine): boolean => msg?.startsWith('demoted: term ') === true
const saysNoStart = ({ msg }: LogLine): boolean => msg?.includes('has not yet said where its term ended') === true

/** A writer writes and everybody's read_only is watched while `story` happens to a shard whose candidate is behind. */
async function underLoad(t: Test, shard: TestShard, story: (scene: Scene) => Promise<TestTablet | undefined>): Promise<void> {
  const primary = await primaryOf(shard)
  const candidate = await healthyReplica(shard, primary)
  await using opened = new AsyncDisposableStack()
  const watch = watchWritable(shard.tablets)
  opened.defer(async () => { await watch.stop() })
  const writer = await writeNumbers(shard)
  opened.defer(() => writer.stop())
  const table = await holdTable(candidate, writer)
  opened.defer(() => table.release())
  const expected = await story({
    primary, candidate, primarySays: primary.logFromNow(), candidateSays: candidate.logFromNow(), letItCatchUp: () => table.release(),
  })
  await (expected ?? await primaryOf(shard)).becomes('PRIMARY', { healthy: true, deadlineMs: MOST_MS })
  const before = writer.acknowledged.length
  await waitFor('rows are acknowledged again', () => writer.acknowledged.length > before + 5, { deadlineMs: MOST_MS })
  await writer.stop()
  await holdsAll(shard.tablets, writer)
  for (const tablet of shard.tablets) await tablet.waitFor(`${tablet.alias} serves`, () => tablet.isHealthy(), MOST_MS)
  t.strictSame(await watch.stop(), [], 'never two writable')
  t.ok(watch.counts.every((count) => count > 30), `everybody was watched (${watch.counts.join(', ')} looks)`)
  t.comment(`longest time without an acknowledged row: ${writer.longestRefusalMs()} ms`)
}

leavesNothingBehind(t)
