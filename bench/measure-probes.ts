/**
 * The packed daemon under probes while it takes a backup of 1 GB: how many it answers, how late, in how much memory.
 *
 * The one that asks has a process of its own on the same cores, as have mysqld and what compresses. 200 and 503 are
 * both answers: a tablet whose mysqld is stopped for its backup says so.
 */
import type { Operation } from '../src/model/operation.ts'
import { askForBackup, endOf } from '../test/support/backups.ts'
import { installPacked } from '../test/support/packed.ts'
import { startShard } from '../test/support/shard.ts'
import type { TestTablet } from '../test/support/tablet.ts'
import type { Bench } from './bench.ts'
import { fillTables, rowsFor } from './data-set.ts'
import { idleBytes } from './idle.ts'
import type { LoadOutcome } from './probe-load.ts'
import type { Finding } from './report.ts'
import { startLoad } from './run-load.ts'
import { percentile } from './statistics.ts'
import { GB, MB } from './units.ts'
import { watchMemory } from './watch-memory.ts'

/** A tenth above the budget, so that a daemon that keeps up is seen to. */
const PER_SECOND = 5500
const CONNECTIONS = 32
const SERVERS = /^(?:mysqld|mariadbd)/
const TABLES = 16

export async function measureProbes(bench: Bench): Promise<readonly Finding[]> {
  const { server, options, signal } = bench
  const installed = await installPacked(await bench.directory('packed'))
  await using shard = await startShard({ server, tablets: 1, command: [`${installed}/bin/tabletd`] })
  const tablet = shard.tablet(0)
  await shard.initPrimary(tablet)
  await tablet.rows('create database bench; create user bench@localhost identified by \'bench\'; grant all on bench.* to bench@localhost')
  const rows = rowsFor(options.quick ? GB / 20 : GB)
  await fillTables({ socket: tablet.place.socket, user: 'bench', password: 'bench' }, { tables: TABLES, rows: Math.round(rows / TABLES) }, signal)
  const asked: LoadOutcome[] = []
  using memory = watchMemory(tablet.daemonPid ?? 0, SERVERS)
  for (let round = 1; round <= options.rounds; round++) {
    const outcome = await askDuringBackup(tablet)
    bench.say(`probes, round ${round}: ${outcome.latencies.length} in ${outcome.seconds.toFixed(1)} s, 99 of 100 within `
      + `${percentile(outcome.latencies, 0.99).toFixed(1)} ms, slowest ${percentile(outcome.latencies, 1).toFixed(1)} ms, ${JSON.stringify(outcome.statuses)}`)
    asked.push(outcome)
  }
  const peak = memory.peak()
  return [
    { budget: 'probes-rate', reference: [], ours: asked.map(({ latencies, seconds }) => latencies.length / seconds) },
    { budget: 'probes-p99', reference: [], ours: asked.map(({ latencies }) => percentile(latencies, 0.99)) },
    { budget: 'probes-failed', reference: [], ours: asked.map(({ failed }) => failed) },
    { budget: 'probes-memory', reference: [], ours: [peak / MB] },
    { budget: 'probes-idle', reference: [], ours: [await idleBytes(bench, tablet) / MB] },
  ]
}

/** Asks while files are copied; what comes before and after is mysqld's own stop and start. */
async function askDuringBackup(tablet: TestTablet): Promise<LoadOutcome> {
  await using load = startLoad({ port: tablet.place.httpPort, path: '/healthz', perSecond: PER_SECOND, connections: CONNECTIONS })
  const location = await askForBackup(tablet, { allowPrimary: true })
  const copying = async (): Promise<boolean> => {
    const { state, progress } = (await tablet.http('GET', location)).body as Operation
    if (state !== 'running' && state !== 'succeeded') throw new Error(`the backup ${state}`)
    return state === 'running' && progress.step === 'copying'
  }
  await tablet.waitFor('the backup copies', copying)
  load.count()
  await tablet.waitFor('the backup has copied', async () => !await copying(), 600_000)
  const outcome = await load.stop()
  const { state, error } = await endOf(tablet, location)
  if (state !== 'succeeded') throw new Error(`the backup ${state}: ${error?.message ?? ''}`)
  await tablet.becomes('PRIMARY', { healthy: true, deadlineMs: 120_000 })
  return outcome
}
