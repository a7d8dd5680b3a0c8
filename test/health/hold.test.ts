/** When what stopped serving may serve again. */
import t from 'tap'
import { holdLeft, type HoldFacts } from '../../src/health/hold.ts'

const FACTS: HoldFacts = { nowMs: 100_000, healthySinceMs: 99_500, lastEvent: 'unhealthy', holdMs: 2000 }
const ROWS: readonly (readonly [title: string, more: Partial<HoldFacts>, leftMs: number])[] = [
  ['what became unhealthy waits for the rest of the hold', {}, 1500],
  ['at its first healthy look it waits for all of it', { healthySinceMs: 100_000 }, 2000],
  ['at its end it may serve', { healthySinceMs: 98_000 }, 0],
  ['long after it may serve', { healthySinceMs: 0 }, 0],
  ['without a hold it may serve at once', { holdMs: 0, healthySinceMs: 100_000 }, 0],
  ['what has just started is not held', { lastEvent: 'data-found' }, 0],
  ['a tablet without a past is not held', { lastEvent: undefined }, 0],
  ['what comes back from a backup is not held', { lastEvent: 'backup-ended' }, 0],
  ['what comes back from a restore is not held', { lastEvent: 'restored' }, 0],
  ['what was undrained is not held', { lastEvent: 'undrained' }, 0],
  ['a former primary is not held', { lastEvent: 'demoted' }, 0],
]

for (const [title, more, leftMs] of ROWS) {
  t.test(title, async (t) => {
    t.equal(holdLeft({ ...FACTS, ...more }), leftMs)
  })
}
