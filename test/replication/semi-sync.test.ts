import t from 'tap'
import type { SemiSyncFacts } from '../../src/mysqld/mysqld.ts'
import {
  STUCK_AFTER_MS, decideSemiSync, refuseLastAcknowledger, semiSyncBlocker, semiSyncProblem, watchCommits,
  type CommitWaits, type SemiSyncWish,
} from '../../src/replication/semi-sync.ts'
import { mysqlSet, UUID_A } from './builders.ts'

const seen = (more: Partial<SemiSyncFacts> = {}): SemiSyncFacts =>
  ({ sourceEnabled: false, replicaEnabled: false, acknowledgingReplicas: 0, waitingCommits: 0, replicaActive: false, ...more })
const wish = (setting: SemiSyncWish['setting'], role: SemiSyncWish['role'], acknowledges: boolean): SemiSyncWish => ({ setting, role, acknowledges })
const both = { sourceEnabled: true, replicaEnabled: true }
const none = { sourceEnabled: undefined, replicaEnabled: undefined }

const rows: readonly (readonly [string, SemiSyncWish, Partial<SemiSyncFacts>, readonly string[]])[] = [
  ['unset leaves everything as found', wish('unset', 'follower', true), both, []],
  ['unset leaves a primary as found', wish('unset', 'primary', false), { acknowledgingReplicas: 2 }, []],
  ['off switches both sides off', wish('off', 'follower', true), both, ['source off', 'replica off']],
  ['off switches a primary off', wish('off', 'primary', false), { ...both, acknowledgingReplicas: 1 }, ['source off', 'replica off']],
  ['a replica acknowledges', wish('on', 'follower', true), {}, ['replica on']],
  ['a replica that acknowledges is left alone', wish('on', 'follower', true), { replicaEnabled: true }, []],
  ['an rdonly or drained tablet does not acknowledge', wish('on', 'follower', false), { replicaEnabled: true }, ['replica off']],
  ['a tablet that was primary no longer waits for acknowledgements', wish('on', 'follower', true), { sourceEnabled: true }, ['source off', 'replica on']],
  ['a primary waits for nobody before somebody acknowledges', wish('on', 'primary', false), {}, []],
  ['a primary waits once somebody acknowledges', wish('on', 'primary', false), { acknowledgingReplicas: 1 }, ['source on']],
  ['a primary goes on waiting when the last one is gone', wish('on', 'primary', false), { sourceEnabled: true }, []],
  ['a server without the plugins is left alone', wish('on', 'follower', true), none, []],
]
for (const [title, wanted, facts, expected] of rows) {
  t.test(title, async (t) => {
    t.same(decideSemiSync(wanted, seen(facts)).map(({ side, on }) => `${side} ${on ? 'on' : 'off'}`), expected)
  })
}

t.test('a primary is blocked only while commits wait and nobody is there to acknowledge them', async (t) => {
  t.match(semiSyncBlocker('primary', seen({ sourceEnabled: true, waitingCommits: 3 })), { name: 'blocked-on-semi-sync', message: /^3 / })
  t.equal(semiSyncBlocker('primary', seen({ sourceEnabled: true })), undefined)
  t.equal(semiSyncBlocker('primary', seen({ sourceEnabled: true, waitingCommits: 3, acknowledgingReplicas: 1 })), undefined)
  t.equal(semiSyncBlocker('follower', seen({ sourceEnabled: true, waitingCommits: 3 })), undefined)
})

t.test('a primary is blocked too when a replica is still counted and no commit gets through', async (t) => {
  const facts = seen({ sourceEnabled: true, waitingCommits: 1, acknowledgingReplicas: 1 })
  t.equal(semiSyncBlocker('primary', facts, STUCK_AFTER_MS - 1), undefined)
  t.match(semiSyncBlocker('primary', facts, STUCK_AFTER_MS), { name: 'blocked-on-semi-sync' })
})

t.test('commits that wait are stuck until fewer wait, or as many and others were executed', async (t) => {
  const rows: readonly (readonly [string, number, number, number, number | undefined])[] = [
    ['none wait', 0, 0, 5, undefined], ['one begins to wait', 1000, 1, 5, 1000], ['it goes on', 2000, 1, 5, 1000],
    ['another joins, logged before it waits', 3000, 2, 6, 1000], ['another got through in its place', 4000, 2, 7, 4000],
    ['fewer wait', 5000, 1, 7, 5000], ['none waits', 6000, 0, 8, undefined],
  ]
  let memory: CommitWaits | undefined
  for (const [title, nowMs, waitingCommits, executed, sinceMs] of rows) {
    memory = watchCommits(memory, { semiSync: seen({ waitingCommits }), executed: mysqlSet(`${UUID_A}:1-${executed}`) }, nowMs)
    t.equal(memory?.sinceMs, sinceMs, title)
  }
})

t.test('the last acknowledging replica is refused, in doubt none', async (t) => {
  const ours = seen({ replicaEnabled: true, replicaActive: true })
  const refused = { code: 'LAST_SEMI_SYNC_REPLICA' }
  t.throws(() => { refuseLastAcknowledger(ours, { sourceEnabled: true, acknowledgingReplicas: 1 }) }, refused)
  t.doesNotThrow(() => { refuseLastAcknowledger(ours, { sourceEnabled: true, acknowledgingReplicas: 2 }) })
  t.doesNotThrow(() => { refuseLastAcknowledger(ours, { sourceEnabled: false, acknowledgingReplicas: 1 }) })
  t.doesNotThrow(() => { refuseLastAcknowledger(ours, undefined) })
  t.doesNotThrow(() => { refuseLastAcknowledger(seen(), { sourceEnabled: true, acknowledgingReplicas: 1 }) })
})

t.test('semi-sync that is wanted and cannot be had is said', async (t) => {
  t.match(semiSyncProblem('on', seen(none)), /plugin/)
  t.equal(semiSyncProblem('on', seen()), undefined)
  t.equal(semiSyncProblem('unset', seen(none)), undefined)
})
