/** Restore against `zstd -d` of the same objects, several at once: rate, memory. */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Bench } from './bench.ts'
import type { DataSet } from './data-set.ts'
import { SHARD } from './engine-job.ts'
import { backUp, fileStorageIn, objectsIn, restore } from './file-copies.ts'
import { decompressFiles } from './reference.ts'
import type { Finding } from './report.ts'
import { cpuFinding, inRounds } from './rounds.ts'
import { MB } from './units.ts'

export async function measureRestore(bench: Bench): Promise<readonly Finding[]> {
  const many = await measure(bench, 'many', await bench.many())
  const set = await bench.huge()
  const huge = set === undefined ? undefined : await measure(bench, 'huge', set)
  return [
    many.finding, many.cpu,
    ...huge === undefined ? [] : [huge.finding, huge.cpu, { budget: 'restore-huge-as-many', reference: many.finding.ours, ours: huge.finding.ours } as const],
    { budget: 'restore-memory', reference: [], ours: [...many.peaks, ...huge?.peaks ?? []] },
  ]
}

interface Measured {
  readonly finding: Finding
  readonly cpu: Finding
  readonly peaks: readonly number[]
}

async function measure(bench: Bench, kind: 'many' | 'huge', set: DataSet): Promise<Measured> {
  const place = await bench.directory('restore')
  await backUp(bench, set, fileStorageIn(place))
  const objects = await objectsIn(place)
  const rounds = await inRounds(bench, `restore, ${kind} (${(set.bytes / MB).toFixed(0)} MB in ${objects.length} files)`, {
    reference: async () => {
      const into = join(place, 'zstd')
      const timed = await decompressFiles(objects, { into, threads: bench.options.threads }, bench.signal)
      await rm(into, { recursive: true })
      return timed
    },
    ours: () => restore(bench, fileStorageIn(place), join(place, 'restored')),
  })
  await rm(join(place, SHARD.keyspace), { recursive: true })
  const { reference, ours } = rounds
  return {
    cpu: cpuFinding(`restore-${kind}-cpu`, rounds),
    finding: {
      budget: `restore-${kind}`, reference: reference.map(({ seconds }) => set.bytes / seconds / MB), ours: ours.map(({ bytes, seconds }) => bytes / seconds / MB),
    },
    peaks: ours.map(({ peakBytes }) => peakBytes / MB),
  }
}
