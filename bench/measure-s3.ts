/**
 * Backup to and restore from a real S3 server on this machine, against that server's own rate for the same objects
 * through the same client.
 *
 * The server shares the cores with us, so the ratio tells what compression adds to storing, and nothing of a network.
 */
import { join } from 'node:path'
import type { PartialConfig } from '../src/config/derive.ts'
import type { Bench } from './bench.ts'
import type { EngineOutcome } from './engine-job.ts'
import { backUp, backupIn, fileStorageIn, restore } from './file-copies.ts'
import type { Finding } from './report.ts'
import { inRounds } from './rounds.ts'
import { runEngine } from './run-engine.ts'
import { openS3Place } from './s3.ts'
import { MB } from './units.ts'

/** It is told and not judged, and takes its time. */
const MOST_ROUNDS = 3

export async function measureS3(bench: Bench): Promise<readonly Finding[]> {
  const few = { ...bench, options: { ...bench.options, rounds: Math.min(MOST_ROUNDS, bench.options.rounds) } }
  const { threads } = bench.options
  const set = await bench.many()
  const place = await bench.directory('s3')
  await backUp(bench, set, fileStorageIn(place))
  await using s3 = await openS3Place()
  let made = 0
  const freshPlace = (): PartialConfig => ({ ...s3.config, 's3-backup-storage-root': `round-${++made}` })
  const out = await inRounds(few, 'S3 backup', {
    reference: () => runEngine({ do: 'upload', config: freshPlace(), dir: backupIn(place), threads }, bench.signal),
    ours: () => backUp(bench, set, freshPlace()),
  })
  const config = freshPlace()
  await backUp(bench, set, config)
  const back = await inRounds(few, 'S3 restore', {
    reference: () => runEngine({ do: 'download', config, dir: '', threads }, bench.signal),
    ours: () => restore(bench, config, join(place, 'restored')),
  })
  const rates = (outcomes: readonly EngineOutcome[]): readonly number[] => outcomes.map(({ seconds }) => set.bytes / seconds / MB)
  return [
    { budget: 's3-backup', reference: rates(out.reference), ours: rates(out.ours) },
    { budget: 's3-restore', reference: rates(back.reference), ours: rates(back.ours) },
    { budget: 's3-memory', reference: [], ours: [...out.ours, ...back.ours].map(({ peakBytes }) => peakBytes / MB) },
  ]
}
