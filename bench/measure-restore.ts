/** Restore against `zstd -d` of the same objects, several at once: rate, memory. */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Bench } from './bench.ts'
import type { DataSet } from './data-set.ts'
import { SHARD } from './engine-job.ts'
import { backUp, fileStorageIn, objectsIn, restore } from './file-copies.ts'
import { decompressFiles } from './reference.ts'
import type { Finding } from './report.ts'
import { inRounds } from './rounds.ts'
import { MB } from './units.ts'

export async function measureRestore(bench: Bench): Promise<readonly Finding[]> {
  const many = await measure(bench, 'many', await bench.many())
  const set = await bench.huge()
  const huge = set === undefined ? undefined : await measure(bench, 'huge', set)
  return [
    many.finding,
    ...huge === undefined ? [] : [huge.finding, { budget: 'restore-huge-as-many', reference: many.finding.ours, ours: huge.finding.ours } as const],
    { budget: 'restore-memory', reference: [], ours: [...many.peaks, ...huge?.peaks ?? []] },
  ]
}

async function measure(bench: Bench, kind: 'many' | 'huge', set: DataSet): Promise<{ readonly finding: Finding, readonly peaks: readonly number[] }> {
  const place = await bench.directory('restore')
  await backUp(bench, set, fileStorageIn(place))
  const objects = await objectsIn(place)
  const { reference, ours } = await inRounds(bench, `restore, ${kind} (${(set.bytes / MB).toFixed(0)} MB in ${objects.length} files)`, {
    reference: async () => {
      const into = join(place, 'zstd')
      const seconds = await decompressFiles(objects, { into, threads: bench.options.threads }, bench.signal)
      await rm(into, { recursive: true })
      return { seconds }
    },
    ours: () => restore(bench, fileStorageIn(place), join(place, 'restored')),
  })
  await rm(join(place, SHARD.keyspace), { recursive: true })
  return {
    finding: {
      budget: `restore-${kind}`, reference: reference.map(({ seconds }) => set.bytes / seconds / MB), ours: ours.map(({ bytes, seconds }) => bytes / seconds / MB),
    },
    peaks: ours.map(({ peakBytes }) => peakBytes / MB),
  }
}
