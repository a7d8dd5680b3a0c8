/**
 * What tabletd may cost, as docs/performance.md promises it: one row for every figure that the bench prints.
 *
 * A ratio is ours over the reference, both measured in one run; a bound without one holds the figure itself.
 */

export type Unit = 'MB/s' | 'MB' | 's' | 'ms' | '/s' | 'probes'

export type Bound =
  | { readonly ratioAtLeast: number }
  | { readonly ratioAtMost: number }
  | { readonly atLeast: number }
  | { readonly atMost: number }
  /** Told, and held by nothing. */
  | 'told'

export interface Budget {
  readonly what: string
  /** What ours is compared with; none: the figure stands alone. */
  readonly against?: string
  readonly unit: Unit
  /** Of several rounds: the median, or the largest, for what must hold every time. */
  readonly of?: 'largest'
  readonly bound: Bound
}

/** Bytes are decimal: 300 MB are 300,000,000 bytes. */
const MEMORY_MB = 300
const MEMORY_MB_PER_THREAD = 30
const THREADS_INCLUDED = 4
const IDLE_MB = 150
/** Two runs of one copy on one machine differ by a few per cent; a file that is copied by one thread loses half. */
const SAME_RATE = 0.9
const SAME_MEMORY = 1.2

export const memoryBudget = (threads: number): number => MEMORY_MB + MEMORY_MB_PER_THREAD * Math.max(0, threads - THREADS_INCLUDED)

/** `threads`: compression threads, which cost memory each. */
export const budgetsFor = ({ threads }: { readonly threads: number }) => ({
  'backup-many': { what: 'backup, many tables', against: `zstd -1 -T${threads}`, unit: 'MB/s', bound: { ratioAtLeast: 1 } },
  'backup-many-stored': { what: '  stored', against: 'zstd -1', unit: 'MB', bound: { ratioAtMost: 1.03 } },
  'backup-huge': { what: 'backup, one huge table', against: `zstd -1 -T${threads}`, unit: 'MB/s', bound: { ratioAtLeast: 1 } },
  'backup-huge-stored': { what: '  stored', against: 'zstd -1', unit: 'MB', bound: { ratioAtMost: 1.03 } },
  'backup-huge-as-many': { what: '  as fast as many', against: 'many tables', unit: 'MB/s', bound: { ratioAtLeast: SAME_RATE } },
  'backup-memory': { what: 'backup, peak memory', unit: 'MB', of: 'largest', bound: { atMost: memoryBudget(threads) } },
  'backup-many-cpu': { what: 'backup, CPU time, many tables', against: 'zstd -1', unit: 's', bound: 'told' },
  'backup-huge-cpu': { what: 'backup, CPU time, huge table', against: 'zstd -1', unit: 's', bound: 'told' },
  'restore-many': { what: 'restore, many tables', against: `zstd -d, ${threads} at once`, unit: 'MB/s', bound: { ratioAtLeast: 1 } },
  'restore-huge': { what: 'restore, one huge table', against: 'zstd -d', unit: 'MB/s', bound: { ratioAtLeast: 1 } },
  'restore-huge-as-many': { what: '  as fast as many', against: 'many tables', unit: 'MB/s', bound: { ratioAtLeast: SAME_RATE } },
  'restore-memory': { what: 'restore, peak memory', unit: 'MB', of: 'largest', bound: { atMost: memoryBudget(threads) } },
  'restore-many-cpu': { what: 'restore, CPU time, many tables', against: 'zstd -d', unit: 's', bound: 'told' },
  'restore-huge-cpu': { what: 'restore, CPU time, huge table', against: 'zstd -d', unit: 's', bound: 'told' },
  'memory-file-backup': { what: 'peak, file backup, large data', against: '1 GB', unit: 'MB', bound: { ratioAtMost: SAME_MEMORY } },
  'memory-file-restore': { what: 'peak, file restore, large data', against: '1 GB', unit: 'MB', bound: { ratioAtMost: SAME_MEMORY } },
  'memory-s3-backup': { what: 'peak, S3 backup, large data', against: '1 GB', unit: 'MB', bound: { ratioAtMost: SAME_MEMORY } },
  'memory-s3-restore': { what: 'peak, S3 restore, large data', against: '1 GB', unit: 'MB', bound: { ratioAtMost: SAME_MEMORY } },
  'memory-peak': { what: 'peak, the largest of these', unit: 'MB', of: 'largest', bound: { atMost: memoryBudget(threads) } },
  's3-backup': { what: 'S3 backup', against: 'storing its objects', unit: 'MB/s', bound: 'told' },
  's3-restore': { what: 'S3 restore', against: 'fetching its objects', unit: 'MB/s', bound: 'told' },
  's3-memory': { what: 'S3, peak memory', unit: 'MB', of: 'largest', bound: { atMost: memoryBudget(threads) } },
  'probes-rate': { what: 'probes answered during a backup', unit: '/s', bound: { atLeast: 5000 } },
  'probes-p99': { what: '  99 of 100 within', unit: 'ms', bound: { atMost: 10 } },
  'probes-failed': { what: '  not answered', unit: 'probes', of: 'largest', bound: { atMost: 0 } },
  'probes-memory': { what: '  peak memory of the daemon', unit: 'MB', of: 'largest', bound: { atMost: memoryBudget(threads) } },
  'probes-idle': { what: 'idle memory after these backups', unit: 'MB', bound: { atMost: IDLE_MB } },
  'start-probe': { what: 'start to first probe answered', unit: 's', bound: { atMost: 1 } },
  'start-idle': { what: 'idle memory', unit: 'MB', bound: { atMost: IDLE_MB } },
}) as const satisfies Readonly<Record<string, Budget>>

export type BudgetName = keyof ReturnType<typeof budgetsFor>
