/** How far behind: every sign, alone and together, with the clock as an argument. */
import t from 'tap'
import { NO_LAG_MEMORY, ZERO_SETTLES_AFTER_MS, measureLag, type LagLook, type LagMemory } from '../../src/replication/lag.ts'

const running = (secondsBehind: number | undefined): LagLook['replication'] => ({ io: 'running', sql: 'running', secondsBehind })
const connecting: LagLook['replication'] = { io: 'connecting', sql: 'running', secondsBehind: undefined }
const stopped: LagLook['replication'] = { io: 'stopped', sql: 'stopped', secondsBehind: undefined }
const applierStopped: LagLook['replication'] = { io: 'running', sql: 'stopped', secondsBehind: undefined }

type More = Omit<LagLook, 'nowMs' | 'replication' | 'holdsSource'>
type Step = readonly [atMs: number, replication: LagLook['replication'], holdsSource: boolean | undefined, lag: number | undefined, more?: More]

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

  'a heartbeat is a reading by itself, to a tenth': [[0, running(undefined), undefined, 0.7, { heartbeatSeconds: 0.68 }]],
  'a heartbeat counts while a zero is not believed yet': [[0, running(0), undefined, 1.2, { heartbeatSeconds: 1.2 }]],
  'the worse of heartbeat and status is believed': [
    [0, running(9), true, 9, { heartbeatSeconds: 1 }], [1000, running(0), true, 30, { heartbeatSeconds: 30 }],
  ],
  'an applier that stands still lags by its heartbeat, whatever the status says': [
    [0, running(0), true, 0.5, { heartbeatSeconds: 0.5 }], [20_000, applierStopped, undefined, 20.5, { heartbeatSeconds: 20.5 }],
    [40_000, running(0), true, 40.5, { heartbeatSeconds: 40.5 }],
  ],
  'a source that is frozen with its connection open shows by its heartbeat': [
    [0, running(0), true, 0], [60_000, running(0), true, 60, { heartbeatSeconds: 60 }],
  ],
  'a heartbeat that cannot be read grows from the last': [
    [0, running(0), true, 2, { heartbeatSeconds: 2 }], [10_000, running(0), true, 12, { heartbeatSeconds: 'unread' }],
  ],
  'one that never could be read says nothing': [[0, running(0), true, 0, { heartbeatSeconds: 'unread' }]],
  'a heartbeat that is there no more is forgotten': [[0, running(0), true, 60, { heartbeatSeconds: 60 }], [1000, running(0), true, 0]],

  'a transaction in hand is as old as its commit': [[0, running(0), true, 45, { commitSeconds: 45 }], [1000, running(0), true, 0]],

  'what the source held and is not here bounds the lag from below': [
    [10_000, running(0), true, 8, { oldestLook: { atMs: 2000, held: false } }],
  ],
  'a bound is no reading': [[10_000, running(undefined), false, undefined, { oldestLook: { atMs: 2000, held: false } }]],
  'what was proven to be here bounds it from above': [
    [10_000, running(0), true, 3, { heartbeatSeconds: 900, oldestLook: { atMs: 7000, held: true } }],
    [15_000, running(0), true, 8, { heartbeatSeconds: 905 }],
  ],
  'the newest proof stays when an older look follows': [
    [10_000, running(90), true, 1, { oldestLook: { atMs: 9000, held: true } }],
    [11_000, running(90), true, 2, { oldestLook: { atMs: 8000, held: true } }],
  ],
  'a proof grows old while the source is away': [
    [1000, running(0), true, 0, { oldestLook: { atMs: 1000, held: true } }], [61_000, connecting, undefined, 60],
  ],

  'a clock ahead of ours hides no lag': [[0, running(0), true, 12, { heartbeatSeconds: 2, clockAheadSeconds: 10 }]],
  'a clock behind ours is not subtracted': [[0, running(0), true, 12, { heartbeatSeconds: 12, clockAheadSeconds: -10 }]],
  'commit times are in the same clock': [[0, running(0), true, 15, { commitSeconds: 5, clockAheadSeconds: 10 }]],
}

for (const [title, steps] of Object.entries(stories)) {
  t.test(title, async (t) => {
    let memory: LagMemory = NO_LAG_MEMORY
    for (const [nowMs, replication, holdsSource, expected, more] of steps) {
      const measured = measureLag(memory, { nowMs, replication, holdsSource, ...more })
      t.equal(measured.lagSeconds, expected, `at ${nowMs} ms`)
      memory = measured.memory
    }
  })
}

t.test('every sign is told, and what is not known is absent', (t) => {
  const look = { nowMs: 10_000, replication: running(3), holdsSource: true }
  t.same(measureLag(NO_LAG_MEMORY, look).signs, { statusSeconds: 3 })
  const all = { ...look, heartbeatSeconds: 1, commitSeconds: 2, oldestLook: { atMs: 5000, held: true }, clockAheadSeconds: -4 }
  t.same(measureLag(NO_LAG_MEMORY, all).signs,
    { statusSeconds: 3, heartbeatSeconds: 1, commitSeconds: 2, provenSeconds: 5, clockAheadSeconds: -4 })
  t.end()
})

t.test('a heartbeat from the future is no lag of zero without a word: the clocks differ, and it is said by how much at least', (t) => {
  const look = { nowMs: 0, replication: running(0), holdsSource: true, heartbeatSeconds: -30 }
  t.match(measureLag(NO_LAG_MEMORY, look), { lagSeconds: 0, signs: { clockAheadSeconds: 30 } })
  t.match(measureLag(NO_LAG_MEMORY, { ...look, clockAheadSeconds: 33 }), { lagSeconds: 3, signs: { clockAheadSeconds: 33 } }, 'measured, it is corrected')
  t.end()
})
