/** What the loop remembers from one turn to the next, in memory only. */
import type { ReplicationMemory } from '../replication/operator-stop.ts'
import { NO_LAG_MEMORY, type LagMemory } from '../replication/lag.ts'
import type { CommitWaits } from '../replication/semi-sync.ts'
import type { SourceFacts } from '../replication/judge-source.ts'
import type { ProcessIdentity } from '../mysqld/mysqld-process.ts'
import type { Blocker } from '../model/blocker.ts'
import type { LagSigns } from '../model/snapshot.ts'

/** `atMs`: when the look began, by a clock that only goes forward. */
export interface SourceSeen {
  readonly facts: SourceFacts
  readonly atMs: number
}

export interface Watched {
  lag: LagMemory
  /** The run of mysqld that `lag` was measured in. */
  lagOf: string | undefined
  lagSeconds: number | undefined
  lagSigns: LagSigns
  /** The oldest look at the source of which something was still missing here. */
  pendingLook: SourceSeen | undefined
  /** The clock of the source was said to differ from ours. */
  clockSaid: boolean
  /** Since when nothing but a hold has spoken against serving. */
  healthySinceMs: number | undefined
  replication: ReplicationMemory
  /** Commits of a primary that wait for an acknowledgement. */
  commits: CommitWaits | undefined
  connectingSinceMs: number | undefined
  /** The last look at the source, by a clock that only goes forward. */
  sourceLook: SourceSeen | undefined
  /** When a look was last tried. */
  lookTriedMs: number
  /** Why the tablet waits in RESTORE, or could not read its data: kept by whoever found it. */
  waiting: readonly Blocker[]
  /** The data directory may not be touched, not even by starting a server on it. */
  untouchable: Blocker | undefined
  /** A restore of the daemon's own is being tried, or waits for its next try. */
  supervising: boolean
  /** Since the last restore, what it set aside was removed. */
  oldDataForgotten: boolean
  /** When storage was last asked whether a backup has appeared, by a clock that only goes forward. */
  lookedForBackupMs: number
  /** The turn under way or the last one: an operation that takes mysqld lets it end first, as it began before the type changed. */
  turn: Promise<void>
  /** SIGTERM was received: the tablet is to be taken out of load balancers. */
  stopping: boolean
  /** This run of mysqld was made read-only, and its replication stopped, by a backup of ours that may not have stopped it. */
  quieted: ProcessIdentity | undefined
  /** mysqld was asked to end so that it starts with networking. */
  opening: boolean
  /** An operator cancelled a restore: the daemon tries none by itself until one is asked for. */
  untilAsked: boolean
  /** The last sentence logged at info, so that a repeated one is not. */
  sentence: string
  httpPort: number
}

export const newWatched = (stoppedByOperator: boolean): Watched => ({
  lag: NO_LAG_MEMORY,
  lagOf: undefined,
  lagSeconds: undefined,
  lagSigns: {},
  pendingLook: undefined,
  clockSaid: false,
  healthySinceMs: undefined,
  replication: { runningIn: undefined, stoppedByOperator },
  commits: undefined,
  connectingSinceMs: undefined,
  sourceLook: undefined,
  lookTriedMs: -Infinity,
  waiting: [],
  turn: Promise.resolve(),
  stopping: false,
  quieted: undefined,
  opening: false,
  untilAsked: false,
  supervising: false,
  oldDataForgotten: false,
  lookedForBackupMs: -Infinity,
  untouchable: undefined,
  sentence: '',
  httpPort: 0,
})
