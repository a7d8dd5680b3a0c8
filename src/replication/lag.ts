/**
 * How far a replica is behind, truthfully: unknown is never zero, and grows (vitess-backup.md 6.1). Pure.
 *
 * Seconds_Behind_Source is 0 whenever the applier has nothing to do, so also before the first event has arrived. A
 * zero counts only once this tablet was seen to hold what the source held after the start, or, where that cannot
 * be seen, once replication has run for a while.
 */

export interface LagMemory {
  /** Since when both threads have been seen running without a break; undefined while they do not. */
  readonly runningSinceMs: number | undefined
  /** The last reading that counted. */
  readonly last: { readonly seconds: number, readonly atMs: number } | undefined
}

export const NO_LAG_MEMORY: LagMemory = { runningSinceMs: undefined, last: undefined }

export interface LagLook {
  /** A clock that only goes forward. */
  readonly nowMs: number
  readonly replication: { readonly io: string, readonly sql: string, readonly secondsBehind: number | undefined } | undefined
  /** Whether everything the source held, when looked at since the start, is here; undefined when it was not looked at. */
  readonly holdsSource: boolean | undefined
}

/** Without a look at the source, how long replication must have run before a zero is believed. */
export const ZERO_SETTLES_AFTER_MS = 3000

/** The memory after one look, and the lag in seconds; undefined when there never was a reading that counted. */
export function measureLag(memory: LagMemory, look: LagLook): { readonly memory: LagMemory, readonly lagSeconds: number | undefined } {
  const { replication, nowMs } = look
  // no channel: nothing to be behind of, and an old reading would be about another source
  if (replication === undefined) return { memory: NO_LAG_MEMORY, lagSeconds: undefined }
  const runs = replication.io === 'running' && replication.sql === 'running'
  const runningSinceMs = runs ? memory.runningSinceMs ?? nowMs : undefined
  const seconds = runs ? replication.secondsBehind : undefined
  const believed = seconds !== undefined && counts(seconds, look, nowMs - (runningSinceMs ?? nowMs))
  const reading = believed ? { seconds, atMs: nowMs } : undefined
  const last = reading ?? memory.last
  const lagSeconds = last === undefined ? undefined : last.seconds + Math.max(0, nowMs - last.atMs) / 1000
  return { memory: { runningSinceMs, last }, lagSeconds: lagSeconds === undefined ? undefined : Math.round(lagSeconds) }
}

function counts(seconds: number, { holdsSource }: LagLook, runningForMs: number): boolean {
  return seconds > 0 || holdsSource === true || runningForMs >= ZERO_SETTLES_AFTER_MS
}
