/**
 * What to do about data when the daemon starts, and when a restore did not end in data. Pure.
 *
 * Promises  doubt is never read as emptiness: only a listing that succeeded and found nothing lets a tablet start empty,
 *           and only where nothing of it was half restored (design.md sections 2.3 and 4).
 */
import type { ErrorCode } from '../base/error-catalogue.ts'

export interface StartFacts {
  /** Either sentinel is there: an earlier restore did not end. */
  readonly sentinel: boolean
  readonly data: 'none' | 'initialised-only' | 'unreadable' | 'present'
  readonly restoreFromBackup: boolean
}

export type StartDecision =
  | { readonly do: 'restore', readonly why: string }
  | { readonly do: 'keep-empty', readonly why: string }
  | { readonly do: 'keep-data', readonly why: string }
  | { readonly do: 'refuse', readonly code: 'DATADIR_UNREADABLE', readonly why: string }

export function shouldRestore(facts: StartFacts): StartDecision {
  if (facts.sentinel) return { do: 'restore', why: 'an earlier restore did not end' }
  switch (facts.data) {
    case 'unreadable': return { do: 'refuse', code: 'DATADIR_UNREADABLE', why: 'the data directory holds files that this server cannot use' }
    case 'present': return { do: 'keep-data', why: 'data is present' }
    case 'none':
    case 'initialised-only': {
      const what = facts.data === 'none' ? 'the data directory is empty' : 'the server holds nothing but its own schemas'
      return facts.restoreFromBackup ? { do: 'restore', why: what } : { do: 'keep-empty', why: `${what}, and restore-from-backup is not set` }
    }
  }
}

/** How one try of a restore ended, when it did not end in data. */
export interface RestoreTry {
  readonly code: ErrorCode
  readonly cancelled: boolean
  /** Whether a sentinel is in place now. */
  readonly sentinel: boolean
  /** 'start': begun by the daemon at its start or because a backup appeared. 'request': an operator asked. */
  readonly begunBy: 'start' | 'request'
  readonly waitForBackupIntervalMs: number
  /** While waiting, a record was read that names this tablet, in a term newer than the newest read when the wait began. */
  readonly namedByNewerTerm: boolean
  /** While waiting, another tablet was named by a term with an empty start that began after the wait. */
  readonly shardBeganEmpty: boolean
}

export type AfterTry =
  | { readonly do: 'start-empty', readonly why: string }
  | { readonly do: 'abandon', readonly why: string }
  /** Try again after `pauseMs`; undefined: with back-off. */
  | { readonly do: 'try-again', readonly pauseMs: number | undefined }
  | { readonly do: 'stay-until-asked', readonly why: string }

export function afterTry(attempt: RestoreTry): AfterTry {
  if (attempt.begunBy === 'request' && !attempt.sentinel) return { do: 'abandon', why: 'nothing had been replaced yet' }
  if (attempt.cancelled) return { do: 'stay-until-asked', why: 'the restore was cancelled' }
  if (attempt.code === 'NO_BACKUP' && !attempt.sentinel) {
    if (attempt.waitForBackupIntervalMs === 0) return { do: 'start-empty', why: 'the shard has no backup' }
    if (attempt.namedByNewerTerm) return { do: 'start-empty', why: 'the shard has no backup, and this tablet was named its primary' }
    if (attempt.shardBeganEmpty) return { do: 'start-empty', why: 'the shard has no backup, and it began empty' }
    return { do: 'try-again', pauseMs: attempt.waitForBackupIntervalMs }
  }
  const waitsForOne = attempt.code === 'NO_BACKUP' || attempt.code === 'NO_COMPLETE_BACKUP'
  return { do: 'try-again', pauseMs: waitsForOne && attempt.waitForBackupIntervalMs > 0 ? attempt.waitForBackupIntervalMs : undefined }
}
