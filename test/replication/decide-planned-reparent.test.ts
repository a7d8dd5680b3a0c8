import t from 'tap'
import { blocker } from '../../src/model/blocker.ts'
import type { ShardRecord } from '../../src/model/records.ts'
import type { TabletSnapshot } from '../../src/model/snapshot.ts'
import { decidePlannedReparent } from '../../src/replication/planned-reparent.ts'
import type { ShardView } from '../../src/replication/shard-view.ts'
import { AS_PRIMARY, NOW, alias, record, tablet, view } from './builders.ts'

const OLD = tablet(101, AS_PRIMARY)
const { start: _start, claimed: _claimed, ...cutShort } = record({ primary: alias(103), former: alias(101), term: 4 })
const spare = (more: Partial<TabletSnapshot> = {}): Partial<TabletSnapshot> => ({ type: 'SPARE', state: 'spare', ...more })
const lagging = (lagSeconds: number): ReturnType<typeof tablet> => tablet(102, { lagSeconds })
const { record: owner102, snapshot: snapshot102 } = tablet(102)
const lagUnknown = { record: owner102, snapshot: snapshot102 && (({ lagSeconds: _lag, ...rest }) => rest)(snapshot102) }
const notReplicating = { record: owner102, snapshot: snapshot102 && (({ replication: _replication, ...rest }) => rest)(snapshot102) }

type Expected = string | Partial<ShardRecord>
const rows: readonly (readonly [string, ShardView, Expected])[] = [
  ['a healthy replica takes over from a healthy primary, without start', view([OLD, tablet(102), tablet(103)], record()), { primary: alias(102), term: 4, former: alias(101) }],
  ['the term is above every one seen', view([OLD, tablet(102), tablet(103, { data: { newestTermBefore: 9 } })], record()), { term: 10 }],
  ['a third tablet need not answer', view([OLD, tablet(102), tablet(103, 'unreachable')], record()), { primary: alias(102) }],
  ['an rdonly tablet may take over', view([OLD, tablet(102, { type: 'RDONLY', targetType: 'RDONLY' })], record()), { primary: alias(102) }],
  ['there is no primary yet', view([tablet(101), tablet(102)], undefined), 'NO_SHARD_PRIMARY'],
  ['the candidate does not answer', view([OLD, tablet(102, 'unreachable')], record()), 'TABLET_UNREACHABLE'],
  ['the primary does not answer', view([tablet(101, 'unreachable'), tablet(102)], record()), 'TABLETS_UNREACHABLE'],
  ['the primary is no primary', view([tablet(101, spare()), tablet(102)], record()), 'TYPE_FORBIDS'],
  ['the primary is read-only', view([tablet(101, { type: 'PRIMARY' }), tablet(102)], record()), 'TYPE_FORBIDS'],
  ['the primary is in BACKUP', view([tablet(101, { type: 'BACKUP' }), tablet(102)], record()), 'TYPE_FORBIDS'],
  ['the candidate is in BACKUP', view([OLD, tablet(102, { type: 'BACKUP' })], record()), 'TYPE_FORBIDS'],
  ['the candidate is in RESTORE', view([OLD, tablet(102, { type: 'RESTORE' })], record()), 'TYPE_FORBIDS'],
  ['the candidate is drained', view([OLD, tablet(102, { type: 'DRAINED', drained: true })], record()), 'TYPE_FORBIDS'],
  ['a third tablet is writable', view([OLD, tablet(102), tablet(103, AS_PRIMARY)], record()), 'OTHER_TABLET_WRITABLE'],
  ['the candidate has errant transactions', view([OLD, tablet(102, spare({ blockers: [blocker('errant-transactions')] }))], record()), 'CANDIDATE_UNFIT'],
  ['the candidate needs a backup', view([OLD, tablet(102, spare({ blockers: [blocker('needs-backup')] }))], record()), 'CANDIDATE_UNFIT'],
  ['the candidate does not replicate', view([OLD, notReplicating], record()), 'CANDIDATE_UNFIT'],
  ['the candidate is only connecting', view([OLD, tablet(102, { replication: { source: '', io: 'connecting', sql: 'running' } })], record()), 'CANDIDATE_UNFIT'],
  ['the candidate\'s lag is unknown', view([OLD, lagUnknown], record()), 'CANDIDATE_UNFIT'],
  ['the candidate lags as much as is allowed', view([OLD, lagging(30)], record()), { primary: alias(102) }],
  ['the candidate lags more', view([OLD, lagging(31)], record()), 'CANDIDATE_UNFIT'],
  ['the candidate has no database yet, like the whole shard', view([OLD, tablet(102, spare({ blockers: [blocker('no-database')] }))], record()), { primary: alias(102) }],
  ['a reparent was cut short: its former primary is the former one again', view([tablet(101, spare()), tablet(102), tablet(103)], cutShort), { primary: alias(102), former: alias(101), term: 5 }],
  ['a reparent was cut short and its former primary is drained', view([tablet(101, { drained: true, type: 'DRAINED' }), tablet(102), tablet(103)], cutShort), 'TYPE_FORBIDS'],
]

for (const [title, seen, expected] of rows) {
  t.test(title, async (t) => {
    const decision = decidePlannedReparent(seen, { primary: alias(102), maxLagSeconds: 30 }, NOW)
    if (typeof expected === 'string') {
      t.match(decision, { do: 'refuse', code: expected })
      return
    }
    t.match(decision, { do: 'write', record: { since: NOW, ...expected } })
    const keys = decision.do === 'write' ? Object.keys(decision.record) : []
    t.notOk(keys.includes('start') || keys.includes('claimed'), 'nobody may be primary under it yet')
  })
}

t.test('the primary is the one named: nothing to do', async (t) => {
  t.match(decidePlannedReparent(view([OLD, tablet(102)], record()), { primary: alias(101), maxLagSeconds: 30 }, NOW), { do: 'nothing' })
})

t.test('a reparent cut short can be taken back to the former primary', async (t) => {
  const seen = view([tablet(101, spare()), tablet(103)], cutShort)
  const decision = decidePlannedReparent(seen, { primary: alias(101), maxLagSeconds: 30 }, NOW)
  t.match(decision, { do: 'write', record: { primary: alias(101), former: alias(101), term: 5 } })
})
