/**
 * How far a replica is behind, truthfully: unknown is never zero, and grows (vitess-backup.md 6.1). Pure.
 *
 * Four signs, each of which lies in its own way, so the worst of them is believed:
 * - status: Seconds_Behind_Source. 0 whenever the applier has nothing to do, so also before the first event has arrived
 *   and while a receiver waits for a source that is gone. A zero counts only once this tablet was seen to hold what the
 *   source held after the start, or, where that cannot be seen, once replication has run for a while.
 * - heartbeat: age of the newest row that the primary wrote and this server applied. Says of its own when it was true.
 * - commit: age of the oldest transaction that the applier has in hand (MySQL).
 * - look: what the source held when looked at, and this server still lacks.
 * One thing stands above them: once everything is here that the source held at a look, nothing that is older is missing,
 * whatever the signs say. So heartbeats that end because a daemon died take no replica out of service.
 */
import type { LagSigns } from '../model/snapshot.ts'

/** Times are of a clock that only goes forward, in milliseconds. */
interface Reading {
  readonly seconds: number
  readonly atMs: number
}

export interface LagMemory {
  /** Since when both threads have been seen running without a break; undefined while they do not. */
  readonly runningSinceMs: number | undefined
  /** The last reading of the status that counted. */
  readonly last: Reading | undefined
  readonly heartbeat: Reading | undefined
  /** Everything that the source held at this time is here. */
  readonly heldAtMs: number | undefined
}

export const NO_LAG_MEMORY: LagMemory = { runningSinceMs: undefined, last: undefined, heartbeat: undefined, heldAtMs: undefined }

export interface LagLook {
  /** A clock that only goes forward. */
  readonly nowMs: number
  readonly replication: { readonly io: string, readonly sql: string, readonly secondsBehind: number | undefined } | undefined
  /** Whether everything the source held, when looked at since the start, is here; undefined when it was not looked at. */
  readonly holdsSource: boolean | undefined
  /** The oldest look at the source, a writable one, that was not held before this moment. */
  readonly oldestLook?: { readonly atMs: number, readonly held: boolean } | undefined
  /** Age of the newest heartbeat by this machine's clock, negative where that is behind; 'unread': it could not be read. */
  readonly heartbeatSeconds?: number | 'unread' | undefined
  /** Age of the oldest transaction that is being applied, by this machine's clock. */
  readonly commitSeconds?: number | undefined
  /** The source's clock minus ours, where it is surely not 0. */
  readonly clockAheadSeconds?: number | undefined
}

export interface MeasuredLag {
  readonly memory: LagMemory
  /** To a tenth; undefined when there never was a reading that counted. */
  readonly lagSeconds: number | undefined
  readonly signs: LagSigns
}

/** Without a look at the source, how long replication must have run before a zero is believed. */
export const ZERO_SETTLES_AFTER_MS = 3000

/** The memory after one look, and the lag in seconds. */
export function measureLag(memory: LagMemory, look: LagLook): MeasuredLag {
  // no channel: nothing to be behind of, and an old reading would be about another source
  if (look.replication === undefined) return { memory: NO_LAG_MEMORY, lagSeconds: undefined, signs: {} }
  const ahead = clockAhead(look)
  const next = remember(memory, look, ahead)
  const grown = (reading: Reading | undefined): number | undefined =>
    reading === undefined ? undefined : reading.seconds + age(reading.atMs, look)
  const status = grown(next.last)
  const heartbeat = grown(next.heartbeat)
  const commit = look.commitSeconds === undefined ? undefined : inOurTime(look.commitSeconds, ahead)
  const readings = [status, heartbeat, commit].filter((one) => one !== undefined)
  const missing = look.oldestLook?.held === false ? age(look.oldestLook.atMs, look) : 0
  const proven = next.heldAtMs === undefined ? undefined : age(next.heldAtMs, look)
  // a look is a bound, not a reading: it says nothing where nothing was ever measured
  const worst = readings.length === 0 ? undefined : Math.max(...readings, missing)
  return {
    memory: next,
    lagSeconds: worst === undefined ? undefined : tenth(Math.min(worst, proven ?? Infinity)),
    signs: {
      ...said('statusSeconds', status), ...said('heartbeatSeconds', heartbeat), ...said('commitSeconds', commit),
      ...said('provenSeconds', proven), ...said('clockAheadSeconds', ahead),
    },
  }
}

function remember(memory: LagMemory, look: LagLook, ahead: number | undefined): LagMemory {
  const { nowMs, replication, oldestLook } = look
  const runs = replication?.io === 'running' && replication.sql === 'running'
  const runningSinceMs = runs ? memory.runningSinceMs ?? nowMs : undefined
  const seconds = runs ? replication.secondsBehind : undefined
  const believed = seconds !== undefined && counts(seconds, look, nowMs - (runningSinceMs ?? nowMs))
  return {
    runningSinceMs,
    last: believed ? { seconds, atMs: nowMs } : memory.last,
    heartbeat: look.heartbeatSeconds === 'unread' ? memory.heartbeat
      : look.heartbeatSeconds === undefined ? undefined : { seconds: inOurTime(look.heartbeatSeconds, ahead), atMs: nowMs },
    heldAtMs: oldestLook?.held === true ? Math.max(oldestLook.atMs, memory.heldAtMs ?? -Infinity) : memory.heldAtMs,
  }
}

function counts(seconds: number, { holdsSource }: LagLook, runningForMs: number): boolean {
  return seconds > 0 || holdsSource === true || runningForMs >= ZERO_SETTLES_AFTER_MS
}

/** A heartbeat from the future proves a difference of the clocks where none was measured. */
function clockAhead({ clockAheadSeconds, heartbeatSeconds }: LagLook): number | undefined {
  if (typeof heartbeatSeconds !== 'number' || heartbeatSeconds >= 0) return clockAheadSeconds
  return Math.max(clockAheadSeconds ?? 0, -heartbeatSeconds)
}

/** A source whose clock is ahead makes an age look smaller than it is; one that is behind makes it larger, which is safe and stays. */
const inOurTime = (seconds: number, ahead: number | undefined): number => Math.max(0, seconds + Math.max(0, ahead ?? 0))

const age = (atMs: number, { nowMs }: LagLook): number => Math.max(0, nowMs - atMs) / 1000
const tenth = (seconds: number): number => Math.round(seconds * 10) / 10
const said = <N extends keyof LagSigns>(name: N, seconds: number | undefined): { readonly [K in N]?: number } =>
  (seconds === undefined ? {} : { [name]: tenth(seconds) }) as { readonly [K in N]?: number }
