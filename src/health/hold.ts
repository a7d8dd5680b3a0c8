/**
 * When a tablet that stopped serving for its health may serve again. Pure.
 *
 * Going down is at once; coming back waits for looks without a break, so that what fails now and then does not take clients
 * in and out with it.
 */
import type { TabletEvent } from '../model/tablet-state.ts'

export interface HoldFacts {
  readonly nowMs: number
  /** Since when nothing has spoken against serving. Same clock. */
  readonly healthySinceMs: number
  /** The last change of state; undefined: there was none yet. Only what left for its health is held. */
  readonly lastEvent: TabletEvent | undefined
  /** `recovery-hold` */
  readonly holdMs: number
}

/** Milliseconds that it must still look healthy; 0: it may serve. */
export function holdLeft({ nowMs, healthySinceMs, lastEvent, holdMs }: HoldFacts): number {
  return lastEvent === 'unhealthy' ? Math.max(0, healthySinceMs + holdMs - nowMs) : 0
}
