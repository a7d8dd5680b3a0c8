import t from 'tap'
import type { ShardRecord } from '../../src/model/records.ts'
import type { TabletSnapshot } from '../../src/model/snapshot.ts'
import { blocker } from '../../src/model/blocker.ts'
import { decideInitShardPrimary } from '../../src/replication/init-shard-primary.ts'
import type { ShardView } from '../../src/replication/shard-view.ts'
import { AS_PRIMARY, NOW, UNNAMED, UUID_A, UUID_B, alias, record, tablet, view } from './builders.ts'

const EMPTY: Partial<TabletSnapshot> = { ...UNNAMED, position: 'MySQL56/', data: { hasUserData: false, origin: 'bootstrap', newestTermBefore: 0 } }
const SILENT = { running: false, answers: false }
const nothingSeen = (more: Partial<TabletSnapshot>): Partial<TabletSnapshot> => {
  const { position: _position, ...rest } = { position: '', ...more }
  return { ...rest, mysqld: SILENT }
}
const without = (uid: number, more: Partial<TabletSnapshot>): ReturnType<typeof tablet> => {
  const { record: owner, snapshot } = tablet(uid, nothingSeen(more))
  if (snapshot === undefined) return { record: owner, snapshot }
  const { position: _position, ...rest } = snapshot
  return { record: owner, snapshot: rest }
}
const WAITING: Partial<TabletSnapshot> = { ...UNNAMED, state: 'restore', type: 'RESTORE', blockers: [blocker('waiting-for-backup')] }
const at = (text: string): Partial<TabletSnapshot> => ({ ...UNNAMED, position: `MySQL56/${text}` })

const mariadb = (position: string, binlogState: string): Partial<TabletSnapshot> => ({ ...UNNAMED, position: `MariaDB/${position}`, binlogState })

type Expected = string | Partial<ShardRecord>
const rows: readonly (readonly [string, ShardView, boolean, Expected])[] = [
  ['the first primary of an empty shard', view([tablet(101, EMPTY), tablet(102, EMPTY)], undefined), false,
    { primary: alias(101), term: 1, start: 'MySQL56/' }],
  ['a shard restored from one backup', view([tablet(101, UNNAMED), tablet(102, UNNAMED)], undefined), false,
    { primary: alias(101), term: 1, start: `MySQL56/${UUID_A}:1-5` }],
  ['adopting: the writable one may be named', view([tablet(101, { ...UNNAMED, mysqld: { running: true, answers: true, writable: true } }), tablet(102, UNNAMED)], undefined), false,
    { primary: alias(101), term: 1 }],
  ['adopting: another than the writable one may not', view([tablet(101, UNNAMED), tablet(102, { ...UNNAMED, mysqld: { running: true, answers: true, writable: true } })], undefined), false, 'OTHER_TABLET_WRITABLE'],
  ['adopting: a replica of a server without a daemon', view([tablet(101, { ...UNNAMED, replication: { source: '10.0.0.1:3306', io: 'running', sql: 'running' } }), tablet(102, UNNAMED)], undefined), false, 'TABLETS_UNREACHABLE'],
  ['adopting: a replica of a tablet that has become read-only', view([tablet(101, { ...UNNAMED, replication: { source: '127.0.0.1:3306', io: 'running', sql: 'running' } }), tablet(102, UNNAMED)], undefined), false, { primary: alias(101) }],
  ['force does not override a writable tablet', view([tablet(101), tablet(102, AS_PRIMARY)], record({ primary: alias(102) })), true, 'OTHER_TABLET_WRITABLE'],
  ['a tablet that is behind', view([tablet(101, at(`${UUID_A}:1-4`)), tablet(102, UNNAMED)], undefined), false, 'OTHER_TABLET_AHEAD'],
  ['force does not override transactions', view([tablet(101, at(`${UUID_A}:1-4`)), tablet(102, UNNAMED)], undefined), true, 'OTHER_TABLET_AHEAD'],
  ['a tablet that lacks what only another has', view([tablet(101, at(`${UUID_A}:1-9`)), tablet(102, at(`${UUID_A}:1-5,${UUID_B}:1`))], undefined), false, 'OTHER_TABLET_AHEAD'],
  ['a tablet that is ahead', view([tablet(101, at(`${UUID_A}:1-9`)), tablet(102, UNNAMED), tablet(103, EMPTY)], undefined), false,
    { primary: alias(101), start: `MySQL56/${UUID_A}:1-9` }],
  ['a server of the other flavour holds what nobody can compare', view([tablet(101, UNNAMED), tablet(102, { ...UNNAMED, position: 'MariaDB/0-1-8' })], undefined), true, 'OTHER_TABLET_AHEAD'],
  ['MariaDB: the same sequence written by another server is another transaction', view([tablet(101, mariadb('0-1-8', '0-1-8')), tablet(102, mariadb('0-2-8', '0-1-7,0-2-8'))], undefined), true, 'OTHER_TABLET_AHEAD'],
  ['MariaDB: what both hold is nobody\'s alone', view([tablet(101, mariadb('0-2-8', '0-1-7,0-2-8')), tablet(102, mariadb('0-1-7', '0-1-7'))], undefined), false, { primary: alias(101), start: 'MariaDB/0-2-8' }],
  ['a record exists', view([tablet(101), tablet(102)], record({ primary: alias(102) })), false, 'SHARD_HAS_PRIMARY'],
  ['a record names it already', view([tablet(101, AS_PRIMARY), tablet(102)], record()), false, 'SHARD_HAS_PRIMARY'],
  ['the store lost the record, a tablet remembers it', view([tablet(101, UNNAMED), tablet(102, { shardRecord: { read: 'none', cached: record({ term: 7 }) } })], undefined), false, 'SHARD_HAS_PRIMARY'],
  ['force writes above the remembered term', view([tablet(101, UNNAMED), tablet(102, { shardRecord: { read: 'none', cached: record({ term: 7, primary: alias(102) }) } })], undefined), true,
    { primary: alias(101), term: 8, former: alias(102) }],
  ['force replaces a dead primary', view([tablet(101), tablet(102, 'unreachable')], record({ primary: alias(102) })), true,
    { primary: alias(101), term: 4, former: alias(102) }],
  ['force may name the same tablet again', view([tablet(101, EMPTY)], record()), true, { primary: alias(101), term: 4 }],
  ['the term is above every one seen before data was made', view([tablet(101, { ...EMPTY, data: { origin: 'restore', newestTermBefore: 11 } })], undefined), false, { term: 12 }],
  ['a tablet that cannot be asked', view([tablet(101, UNNAMED), tablet(102, 'unreachable')], undefined), false, 'TABLETS_UNREACHABLE'],
  ['a tablet whose mysqld does not answer', view([tablet(101, UNNAMED), without(102, UNNAMED)], undefined), false, 'TABLETS_UNREACHABLE'],
  ['force passes over what cannot be asked', view([tablet(101, UNNAMED), tablet(102, 'unreachable'), without(103, UNNAMED)], undefined), true, { primary: alias(101) }],
  ['a tablet that is restored holds nothing of its own', view([tablet(101, UNNAMED), without(102, { ...UNNAMED, type: 'RESTORE' })], undefined), false, { primary: alias(101) }],
  ['the one named does not answer', view([tablet(101, 'unreachable'), tablet(102)], undefined), true, 'TABLET_UNREACHABLE'],
  ['the mysqld of the one named does not answer', view([without(101, UNNAMED), tablet(102, EMPTY)], undefined), true, 'CANDIDATE_UNFIT'],
  ['the one named is in BACKUP', view([tablet(101, { ...UNNAMED, type: 'BACKUP' })], undefined), true, 'TYPE_FORBIDS'],
  ['the one named is in RESTORE', view([tablet(101, { ...UNNAMED, type: 'RESTORE' })], undefined), true, 'TYPE_FORBIDS'],
  ['the one named is drained', view([tablet(101, { ...UNNAMED, type: 'DRAINED', drained: true })], undefined), false, 'TYPE_FORBIDS'],
  ['force overrides drained', view([tablet(101, { ...UNNAMED, type: 'DRAINED', drained: true })], undefined), true, { primary: alias(101) }],
  ['the one named waits for a first backup: it starts the shard empty', view([without(101, WAITING), without(102, WAITING)], undefined), false, { primary: alias(101), term: 1, start: 'MySQL56/' }],
  ['one that waits is not named while another has data', view([without(101, WAITING), tablet(102, UNNAMED)], undefined), false, 'OTHER_TABLET_AHEAD'],
]

for (const [title, seen, force, expected] of rows) {
  t.test(title, async (t) => {
    const decision = decideInitShardPrimary(seen, { primary: alias(101), force }, NOW)
    if (typeof expected === 'string') t.match(decision, { do: 'refuse', code: expected, message: /zone1-\d{10}/ })
    else t.match(decision, { do: 'write', record: { keyspace: 'commerce', shard: '0', since: NOW, ...expected } })
  })
}

t.test('tablets passed over under force are named', async (t) => {
  const decision = decideInitShardPrimary(view([tablet(101), tablet(102, 'unreachable')], record()), { primary: alias(101), force: true }, NOW)
  t.match(decision, { passedOver: [alias(102)] })
})

t.test('a refusal for other tablets names them', async (t) => {
  const decision = decideInitShardPrimary(view([tablet(101, UNNAMED), tablet(102, 'unreachable')], undefined), { primary: alias(101), force: false }, NOW)
  t.match(decision, { message: new RegExp(alias(102)) })
})

t.test('an alias that the shard does not have is not found', async (t) => {
  t.throws(() => decideInitShardPrimary(view([tablet(101)], undefined), { primary: alias(999), force: true }, NOW), { code: 'TABLET_NOT_FOUND' })
})

t.test('a record written by init-shard-primary is not claimed yet', async (t) => {
  const decision = decideInitShardPrimary(view([tablet(101)], record()), { primary: alias(101), force: true }, NOW)
  t.notOk(decision.do === 'write' && decision.record.claimed)
})
