/**
 * `npm run bench`: measures ours against the reference in one run on this machine, and holds the figures against the budgets.
 *
 * Promises  exits with 0 only when every budget that was measured is held (--quick judges none);
 *           nothing that it made or started is left, also after Ctrl-C.
 * See       docs/performance.md
 */
import { availableParallelism, cpus, totalmem } from 'node:os'
import { installForBench } from '../scripts/lib/bench-needs.mjs'
import { requireServer } from '../test/support/servers.ts'
import { openBench, type Bench } from './bench.ts'
import { budgetsFor } from './budgets.ts'
import { measureBackup } from './measure-backup.ts'
import { measureMemory } from './measure-memory.ts'
import { measureProbes } from './measure-probes.ts'
import { measureRestore } from './measure-restore.ts'
import { measureS3 } from './measure-s3.ts'
import { measureStart } from './measure-start.ts'
import { readOptions, type BenchOptions, type Part } from './options.ts'
import { judge, table, type Finding } from './report.ts'

const MEASURES: Readonly<Record<Part, (bench: Bench) => Promise<readonly Finding[]>>> = {
  backup: measureBackup, restore: measureRestore, memory: measureMemory, s3: measureS3, probes: measureProbes, start: measureStart,
}

async function main(signal: AbortSignal): Promise<number> {
  const options = readOptions(process.argv.slice(2), { cores: availableParallelism() })
  await installForBench({ flavor: options.flavor, objectStore: options.parts.some((part) => part === 's3' || part === 'memory') })
  await using bench = await openBench(options, requireServer(options.flavor), signal)
  const findings: Finding[] = []
  for (const part of options.parts) findings.push(...await MEASURES[part](bench))
  const budgets = budgetsFor(options)
  const judged = inOrderOf(Object.keys(budgets), findings).map((finding) => judge(finding, budgets))
  process.stdout.write(`\n${about(options, bench)}\n\n${table(judged, { judged: !options.quick })}\n`)
  return !options.quick && judged.some(({ verdict }) => verdict === 'MISSED') ? 1 : 0
}

const inOrderOf = (names: readonly string[], findings: readonly Finding[]): readonly Finding[] =>
  findings.toSorted((a, b) => names.indexOf(a.budget) - names.indexOf(b.budget))

function about({ threads, rounds }: BenchOptions, { server }: Bench): string {
  const machine = `${availableParallelism()} cores (${cpus()[0]?.model.trim() ?? 'unknown'}), ${(totalmem() / 2 ** 30).toFixed(0)} GiB`
  return `${machine}, Node ${process.versions.node}, ${server.name} ${server.version}; ${threads} threads, ${rounds} rounds, medians, page cache warm`
}

const stop = new AbortController()
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(name, () => { stop.abort(new Error(`ended by ${name}`)) })
}
try {
  process.exitCode = await main(stop.signal)
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = stop.signal.aborted ? 130 : 1
}
