/**
 * Whether it was an operator who stopped replication. Pure.
 *
 * Threads that ran under us, and stand still in the same run of mysqld without an error and not by our hand, were
 * stopped by somebody: that is recorded, survives restarts, and ends when replication is seen running again.
 * After a restart of mysqld they stand still by --skip-replica-start, which means nothing. Only `stoppedByOperator`
 * is to be remembered on disk: a stop made while no daemon looked is undone, as after any crash.
 */
import type { ReplicationStatus } from '../mysqld/mysqld.ts'

export interface ReplicationMemory {
  /** The run of mysqld in which replication was last seen running under us; undefined after we stopped it. */
  readonly runningIn: string | undefined
  readonly stoppedByOperator: boolean
}

/**
 * The memory after one look. `run` names this run of mysqld (its process identity).
 *
 * Whoever stops replication for tabletd must call `forgetRunning` first.
 */
export function noticeOperatorStop(memory: ReplicationMemory, run: string, status: ReplicationStatus | undefined): ReplicationMemory {
  if (status === undefined) return { runningIn: undefined, stoppedByOperator: memory.stoppedByOperator }
  if (status.io !== 'stopped' && status.sql === 'running') return { runningIn: run, stoppedByOperator: false }
  const failed = status.ioErrorNumber !== 0 || status.sqlErrorNumber !== 0
  if (failed || memory.runningIn !== run) return memory
  return { runningIn: undefined, stoppedByOperator: true }
}

/** Before tabletd stops replication or mysqld itself. */
export const forgetRunning = (memory: ReplicationMemory): ReplicationMemory => ({ ...memory, runningIn: undefined })
