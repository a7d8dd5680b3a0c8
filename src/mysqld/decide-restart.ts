/** Whether and when a mysqld that ended by itself is started again. Pure: the daemon's loop asks and acts. */
import { backoffMs, type BackoffPolicy } from '../base/repeat.ts'
import type { ProcessExit } from './mysqld-process.ts'

export interface PastExit {
  readonly exit: ProcessExit | undefined
  readonly startedAtMs: number
  readonly endedAtMs: number
}

export interface RestartDecision {
  /** Milliseconds since the epoch: not before. */
  readonly notBeforeMs: number
  /** It ended soon after its start several times in a row: blocker MYSQLD_CRASH_LOOP, and slow tries go on. */
  readonly crashLoop: boolean
  /** Ends in a row, each soon after its start. */
  readonly quickEnds: number
}

/** Exit status of a server that was told to RESTART and has a supervisor (MYSQLD_PARENT_PID). */
export const RESTART_EXIT_CODE = 16

const SOON_MS = 60_000
const QUICK_ENDS_OF_A_LOOP = 4
const QUICK: BackoffPolicy = { firstMs: 1_000, maxMs: 30_000 }
const SLOW: BackoffPolicy = { firstMs: 60_000, maxMs: 300_000 }

/** @param exits oldest first; none: it never ran, and starts now. */
export function decideRestart(exits: readonly PastExit[], nowMs: number, random: () => number = Math.random): RestartDecision {
  const last = exits.at(-1)
  if (last === undefined) return { notBeforeMs: nowMs, crashLoop: false, quickEnds: 0 }
  if (last.exit?.code === RESTART_EXIT_CODE) return { notBeforeMs: nowMs, crashLoop: false, quickEnds: 0 }
  const quickEnds = exits.length - 1 - exits.findLastIndex((end) => !endedSoon(end))
  const crashLoop = quickEnds >= QUICK_ENDS_OF_A_LOOP
  const pauseMs = crashLoop
    ? backoffMs(quickEnds - QUICK_ENDS_OF_A_LOOP + 1, SLOW, random)
    : quickEnds === 0 ? 0 : backoffMs(quickEnds, QUICK, random)
  return { notBeforeMs: last.endedAtMs + pauseMs, crashLoop, quickEnds }
}

const endedSoon = (end: PastExit): boolean =>
  end.exit?.code !== RESTART_EXIT_CODE && end.endedAtMs - end.startedAtMs < SOON_MS
