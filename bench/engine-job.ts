/** What the measured process is told to do, and what it answers: JSON both ways. */
import type { PartialConfig } from '../src/config/derive.ts'

export interface EngineJob {
  /** `upload` and `download` pass the bytes of a backup through the storage alone. */
  readonly do: 'backup' | 'restore' | 'upload' | 'download'
  /** The storage, in the daemon's settings. */
  readonly config: PartialConfig
  /** Backup: of the stopped server. Restore: an empty directory. Upload: of the objects. */
  readonly dir: string
  readonly threads: number
}

export interface EngineOutcome {
  readonly seconds: number
  /** Of all threads. */
  readonly cpuSeconds: number
  /** Uncompressed; of an upload or download those passed. */
  readonly bytes: number
  readonly storedBytes: number
  /** The most that the process had in memory at once. */
  readonly peakBytes: number
}

export const SHARD = { keyspace: 'bench', shard: '0' }
export const BACKUP = '2026-01-01.000000.zone1-0000000100'
/** Files at once: the setting's default. */
export const CONCURRENCY = 4
