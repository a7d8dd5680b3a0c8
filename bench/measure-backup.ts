/** Backup against `zstd -1 -T<threads>` over the same files: rate, stored bytes, memory. */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Bench } from './bench.ts'
import type { DataSet } from './data-set.ts'
import { backUp, fileStorageIn } from './file-copies.ts'
import { bytesBelow, compressFiles } from './reference.ts'
import type { Finding } from './report.ts'
import { cpuFinding, inRounds, type Timed } from './rounds.ts'
import { SHARD, type EngineOutcome } from './engine-job.ts'
import { MB } from './units.ts'

export async function measureBackup(bench: Bench): Promise<readonly Finding[]> {
  const many = await measure(bench, 'many', await bench.many())
  const set = await bench.huge()
  const huge = set === undefined ? undefined : await measure(bench, 'huge', set)
  return [
    ...many.findings,
    ...huge?.findings ?? [],
    ...huge === undefined ? [] : [{ budget: 'backup-huge-as-many', reference: many.rates, ours: huge.rates } as const],
    { budget: 'backup-memory', reference: [], ours: [...many.peaks, ...huge?.peaks ?? []] },
  ]
}

interface Measured {
  readonly findings: readonly Finding[]
  readonly rates: readonly number[]
  readonly peaks: readonly number[]
}

interface Compressed extends Timed {
  readonly storedBytes: number
}

async function measure(bench: Bench, kind: 'many' | 'huge', set: DataSet): Promise<Measured> {
  const place = await bench.directory('backup')
  const rounds = await inRounds<Compressed, EngineOutcome>(bench, `backup, ${kind} (${(set.bytes / MB).toFixed(0)} MB in ${set.files.length} files)`, {
    reference: async () => {
      const into = join(place, 'zstd')
      const timed = await compressFiles(set.files.map(({ path }) => path), { into, threads: bench.options.threads }, bench.signal)
      const storedBytes = await bytesBelow(into, bench.signal)
      await rm(into, { recursive: true })
      return { ...timed, storedBytes }
    },
    ours: async () => {
      const outcome = await backUp(bench, set, fileStorageIn(place))
      await rm(join(place, SHARD.keyspace), { recursive: true })
      return outcome
    },
  })
  const { reference, ours } = rounds
  const rates = ours.map(({ bytes, seconds }) => bytes / seconds / MB)
  return {
    rates,
    peaks: ours.map(({ peakBytes }) => peakBytes / MB),
    findings: [
      { budget: `backup-${kind}`, reference: reference.map(({ seconds }) => set.bytes / seconds / MB), ours: rates },
      { budget: `backup-${kind}-stored`, reference: reference.map((one) => one.storedBytes / MB), ours: ours.map((one) => one.storedBytes / MB) },
      cpuFinding(`backup-${kind}-cpu`, rounds),
    ],
  }
}
