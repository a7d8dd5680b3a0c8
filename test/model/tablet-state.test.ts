import t from 'tap'
import {
  TABLET_EVENTS, TABLET_STATES, TABLET_STATE_TABLE, isLegal, nextState, publishedType,
  type TabletEvent, type TabletMemory, type TabletState,
} from '../../src/model/tablet-state.ts'

const FRESH: TabletMemory = { drained: false, beforeRestore: undefined }
const EVENTS = Object.keys(TABLET_EVENTS) as readonly TabletEvent[]

/** The whole of the table of design "Types", once more and in other words: `state event next`, `*` where the drain mark decides. */
const EDGES = `
  starting restore-needed restore      spare healthy serving             primary demoted spare
  starting kept-empty *                spare promoted primary            primary mysqld-exited spare
  starting data-found *                spare backup-appeared restore     primary cold-backup-began backup
  starting primary-ran-on primary      spare cold-backup-began backup    backup backup-ended *
  serving unhealthy spare              spare restore-began restore       restore restored *
  serving promoted primary             spare drained drained             restore started-empty *
  serving cold-backup-began backup     drained undrained spare           restore restore-failed restore
  serving restore-began restore        drained cold-backup-began backup  drained restore-began restore
  serving drained drained`.trim().split(/\s{2,}/).map((edge) => edge.split(' ') as [TabletState, TabletEvent, string])

t.test('each event leads where it should, and nowhere else', (t) => {
  const expected = new Map(EDGES.map(([state, event, next]) => [`${state} ${event}`, next]))
  for (const state of TABLET_STATES) {
    for (const event of EVENTS) {
      const next = expected.get(`${state} ${event}`)
      if (event === 'restore-abandoned') continue   // below
      t.equal(isLegal(state, event), next !== undefined, `${state} ${event}`)
      if (next === undefined) t.throws(() => nextState(state, event, FRESH), { code: 'ILLEGAL_EVENT' })
      else t.equal(nextState(state, event, FRESH), next === '*' ? 'spare' : next)
    }
  }
  t.end()
})

t.test('the drain mark outlives starts, backups and restores', (t) => {
  for (const [state, event] of EDGES.filter(([,, next]) => next === '*')) {
    t.equal(nextState(state, event, { ...FRESH, drained: true }), 'drained', `${state} ${event}`)
  }
  t.end()
})

t.test('a restore that replaced nothing leads back to where it began', (t) => {
  for (const beforeRestore of ['spare', 'serving', 'drained'] as const) {
    t.equal(nextState('restore', 'restore-abandoned', { ...FRESH, beforeRestore }), beforeRestore)
  }
  t.equal(nextState('restore', 'restore-abandoned', FRESH), 'spare')
  t.same(TABLET_STATES.filter((state) => isLegal(state, 'restore-abandoned')), ['restore'])
  t.end()
})

t.test('writes are served in exactly one state, which alone publishes PRIMARY', (t) => {
  t.same(TABLET_STATES.filter((state) => TABLET_STATE_TABLE[state].serves === 'writes'), ['primary'])
  t.same(TABLET_STATES.filter((state) => publishedType(state, 'REPLICA') === 'PRIMARY'), ['primary'])
  t.same(TABLET_STATES.filter((state) => TABLET_STATE_TABLE[state].serves === 'reads'), ['serving'])
  t.equal(publishedType('serving', 'RDONLY'), 'RDONLY')
  t.equal(publishedType('spare', 'RDONLY'), 'SPARE')
  t.end()
})

t.test('every state is reached, and each but the first can be left', (t) => {
  const reached = new Set(EDGES.map(([,, next]) => next))
  t.same(TABLET_STATES.filter((state) => !reached.has(state) && state !== 'starting'), [])
  t.same(TABLET_STATES.filter((state) => Object.keys(TABLET_STATE_TABLE[state].on).length === 0), [])
  t.same(EVENTS.filter((event) => !TABLET_STATES.some((state) => isLegal(state, event))), [], 'no event is never legal')
  t.end()
})
