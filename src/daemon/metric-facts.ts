/** What /metrics tells beside the snapshot, gathered from who knows it. */
import type { MetricFacts } from '../http/metric-samples.ts'
import type { BackupWatch } from './backup-watch.ts'
import type { Parts } from './parts.ts'

export function metricFacts({ view, storageErrors }: Pick<Parts, 'view' | 'storageErrors'>, backups: Pick<BackupWatch, 'seen'>): MetricFacts {
  return {
    topologyReadAtMs: view.answeredAtMs,
    topologyReads: view.reads,
    storageErrors: Object.fromEntries(storageErrors),
    ...(backups.seen === undefined ? {} : { backups: backups.seen }),
  }
}
