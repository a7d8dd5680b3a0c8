/** The tablet's state: one door, and a history. */
import t from 'tap'
import { silentLogger } from '../../src/base/logger.ts'
import { TabletManager } from '../../src/daemon/tablet-manager.ts'
import type { TargetType } from '../../src/model/tablet.ts'

function manager(more: { readonly drained?: () => boolean, readonly targetType?: TargetType } = {}): TabletManager {
  return new TabletManager({ targetType: more.targetType ?? 'REPLICA', isDrained: more.drained ?? (() => false), log: silentLogger() })
}

t.test('a tablet starts as SPARE and becomes what it is meant to be', (t) => {
  const tablet = manager({ targetType: 'RDONLY' })
  t.same([tablet.state, tablet.type], ['starting', 'SPARE'])
  tablet.apply('data-found', 'data')
  tablet.apply('healthy', 'nothing blocks')
  t.same([tablet.state, tablet.type], ['serving', 'RDONLY'])
  t.match(tablet.history, [
    { from: 'starting', to: 'spare', event: 'data-found', why: 'data', time: /^\d{4}-/ },
    { from: 'spare', to: 'serving', event: 'healthy', why: 'nothing blocks' },
  ])
  t.end()
})

t.test('what cannot happen changes nothing', (t) => {
  const tablet = manager()
  t.equal(tablet.canApply('promoted'), false)
  t.throws(() => { tablet.apply('promoted', 'x') }, { code: 'ILLEGAL_EVENT' })
  t.same([tablet.state, tablet.history.length], ['starting', 0])
  t.end()
})

t.test('an abandoned restore leads back to where it was asked for, whatever happened before', (t) => {
  for (const [events, back] of [[[], 'spare'], [['healthy'], 'serving'], [['drained'], 'drained']] as const) {
    const tablet = manager()
    tablet.apply('data-found', 'x')
    for (const event of events) tablet.apply(event, 'x')
    tablet.apply('restore-began', 'x')
    tablet.apply('restore-failed', 'another try')
    tablet.apply('restore-abandoned', 'x')
    t.equal(tablet.state, back)
  }
  const atStart = manager()
  atStart.apply('restore-needed', 'x')
  atStart.apply('restore-abandoned', 'x')
  t.equal(atStart.state, 'spare', 'one begun at start has no type before')
  t.end()
})

t.test('what ends while a drain is remembered ends DRAINED', (t) => {
  let drained = false
  const tablet = manager({ drained: () => drained })
  tablet.apply('data-found', 'x')
  tablet.apply('cold-backup-began', 'x')
  drained = true
  tablet.apply('backup-ended', 'x')
  t.equal(tablet.type, 'DRAINED')
  t.end()
})

t.test('the last hundred changes are kept, and what changes nothing is none', (t) => {
  const tablet = manager()
  tablet.apply('restore-needed', 'x')
  tablet.apply('restore-failed', 'again')
  t.equal(tablet.history.length, 1)
  tablet.apply('restored', 'x')
  for (let count = 0; count < 60; count++) {
    tablet.apply('healthy', `${count}`)
    tablet.apply('unhealthy', `${count}`)
  }
  t.equal(tablet.history.length, 100)
  t.match(tablet.history.at(-1), { event: 'unhealthy', why: '59' })
  t.end()
})
