/** One long piece of work of a daemon: a backup, a restore. It lives in the daemon, not in the request that asked for it. */
import type { ErrorCode } from '../base/error-catalogue.ts'
import type { StageTimes } from './stage.ts'

export type OperationKind = 'backup' | 'restore'
export type OperationState = 'running' | 'succeeded' | 'failed' | 'cancelled'

export interface OperationProgress {
  /** What is being done, in the present participle: `stopping mysqld`, `copying`, `attaching`. */
  readonly step: string
  readonly doneBytes: number
  readonly totalBytes: number | undefined
}

export interface OperationError {
  readonly code: ErrorCode
  readonly message: string
  readonly hint: string
}

export interface Operation {
  readonly id: string
  readonly kind: OperationKind
  readonly state: OperationState
  /** RFC 3339 times. */
  readonly startedAt: string
  readonly endedAt?: string
  readonly progress: OperationProgress
  /** The backup made or restored, once it is known. */
  readonly backup?: string
  readonly engine?: string
  readonly error?: OperationError
  readonly outOfServiceSeconds?: number
  /** Bytes and seconds of each stage so far; a stage that nothing has passed is absent. */
  readonly stages?: StageTimes
}
