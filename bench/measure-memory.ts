/** Peak memory of one copy of 1 GB and one of many, in a directory and in S3: what it costs must not depend on the size. */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { PartialConfig } from '../src/config/derive.ts'
import type { Bench } from './bench.ts'
import type { DataSet } from './data-set.ts'
import { SHARD } from './engine-job.ts'
import { backUp, fileStorageIn, restore } from './file-copies.ts'
import { makeLargeData } from './large-data.ts'
import type { Finding } from './report.ts'
import { openS3Place } from './s3.ts'
import { GB, MB } from './units.ts'

interface Peaks {
  readonly backup: number
  readonly restore: number
}

type Place = 'file' | 's3'
type Measured = Readonly<Record<Place, Peaks>>

export async function measureMemory(bench: Bench): Promise<readonly Finding[]> {
  const { quick, largeBytes } = bench.options
  const small = await measureAt(bench, quick ? largeBytes / 4 : GB)
  const large = await measureAt(bench, largeBytes)
  const compared = (['file', 's3'] as const).flatMap((place) => (['backup', 'restore'] as const).map((what): Finding =>
    ({ budget: `memory-${place}-${what}`, reference: [small[place][what]], ours: [large[place][what]] })))
  const peaks = [small, large].flatMap((one) => [one.file, one.s3]).flatMap((one) => [one.backup, one.restore])
  return [...compared, { budget: 'memory-peak', reference: [], ours: peaks }]
}

async function measureAt(bench: Bench, bytes: number): Promise<Measured> {
  const sample = (await bench.huge() ?? await bench.many()).files[0]?.path ?? ''
  const place = await bench.directory('memory')
  bench.say(`making ${(bytes / GB).toFixed(2)} GB of data`)
  const set = await makeLargeData(await bench.directory('memory/data'), bytes, sample)
  const file = await peaksOf(bench, { set, place, config: fileStorageIn(place), name: 'file' })
  await rm(join(place, SHARD.keyspace), { recursive: true })
  await using server = await openS3Place()
  const s3 = await peaksOf(bench, { set, place, config: server.config, name: 's3' })
  await rm(place, { recursive: true })
  return { file, s3 }
}

interface Copying {
  readonly set: DataSet
  readonly place: string
  readonly config: PartialConfig
  readonly name: Place
}

async function peaksOf(bench: Bench, { set, place, config, name }: Copying): Promise<Peaks> {
  const told = (what: string, { seconds, peakBytes }: { readonly seconds: number, readonly peakBytes: number }): number => {
    bench.say(`${what}, ${name}, ${(set.bytes / GB).toFixed(2)} GB: ${seconds.toFixed(1)} s, peak ${(peakBytes / MB).toFixed(0)} MB`)
    return peakBytes / MB
  }
  const backup = told('backup', await backUp(bench, set, config))
  return { backup, restore: told('restore', await restore(bench, config, join(place, 'restored'))) }
}
