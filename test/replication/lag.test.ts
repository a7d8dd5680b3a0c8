import t from 'tap'
import { NO_LAG_MEMORY, ZERO_SETTLES_AFTER_MS, measureLag, type LagLook, type LagMemory } from '../../src/replication/lag.ts'

const running = (secondsBehind: number | undefined): LagLook['replication'] => ({ io: 'running', sql: 'running', secondsBehind })
const connecting: LagLook['replication'] = { io: 'connecting', sql: 'running', secondsBehind: undefined }
const stopped: LagLook['replication'] = { io: 'stopped', sql: 'stopped', secondsBehind: undefined }

type Step = readonly [atMs: number, replication: LagLook['replication'], holdsSource: boolean | undefined, lag: number | undefined]

const stories: Readonly<Record<string, readonly Step[]>> = {
  'no channel: unknown': [[0, undefined, undefined, undefined]],
  'never measured: unknown, however long': [[0, connecting, undefined, undefined], [600_000, connecting, undefined, undefined]],
  'stopped from the start: unknown': [[0, stopped, undefined, undefined], [60_000, stopped, undefined, undefined]],
  'running with NULL: unknown': [[0, running(undefined), true, undefined]],
  'a lag above zero counts at once': [[0, running(42), undefined, 42]],
  'a zero just after the start is not believed without a look': [[0, running(0), undefined, undefined], [1000, running(0), undefined, undefined]],
  'a zero is not believed while the source is ahead': [[0, running(0), false, undefined]],
  'a zero counts once this tablet holds what the source held': [[0, running(0), true, 0]],
  'a zero counts once replication has run for a while': [
    [0, running(0), false, undefined], [ZERO_SETTLES_AFTER_MS, running(0), false, 0],
  ],
  'a break begins that while anew, and lag grows from the last reading meanwhile': [
    [0, running(0), true, 0], [5000, stopped, undefined, 5],
    [6000, running(0), false, 6], [6000 + ZERO_SETTLES_AFTER_MS, running(0), false, 0],
  ],
  'unknown grows from the last reading': [[0, running(7), undefined, 7], [10_000, connecting, undefined, 17], [3_600_000, connecting, undefined, 3607]],
  'a new reading replaces the growth': [[0, running(7), undefined, 7], [10_000, connecting, undefined, 17], [11_000, running(2), undefined, 2]],
  'a removed channel is forgotten': [[0, running(7), undefined, 7], [1000, undefined, undefined, undefined], [2000, connecting, undefined, undefined]],
}

for (const [title, steps] of Object.entries(stories)) {
  t.test(title, async (t) => {
    let memory: LagMemory = NO_LAG_MEMORY
    for (const [nowMs, replication, holdsSource, expected] of steps) {
      const measured = measureLag(memory, { nowMs, replication, holdsSource })
      t.equal(measured.lagSeconds, expected, `at ${nowMs} ms`)
      memory = measured.memory
    }
  })
}
