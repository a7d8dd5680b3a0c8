import t from 'tap'
import { restrain, unfitServer } from '../../src/daemon/fit-server.ts'
import { blocker } from '../../src/model/blocker.ts'
import type { ShardRecord } from '../../src/model/records.ts'
import type { SemiSyncFacts } from '../../src/mysqld/mysqld.ts'

const semiSync: SemiSyncFacts = {
  sourceEnabled: false, replicaEnabled: false, acknowledgingReplicas: 0, waitingCommits: 0, replicaActive: false,
}
const without: SemiSyncFacts = { ...semiSync, sourceEnabled: undefined, replicaEnabled: undefined }

t.test('what a server lacks is said with its code', async (t) => {
  t.equal(unfitServer({ gtidProblems: [], semiSync: without }, 'unset'), undefined)
  t.equal(unfitServer({ gtidProblems: [], semiSync }, 'on'), undefined)
  t.match(unfitServer({ gtidProblems: ['gtid_mode is OFF, not ON'], semiSync }, 'on'), { name: 'server-unfit', code: 'GTID_REQUIRED', message: /gtid_mode is OFF/ })
  t.match(unfitServer({ gtidProblems: [], semiSync: without }, 'on'), { name: 'server-unfit', code: 'SEMI_SYNC_UNAVAILABLE', message: /plugin/ })
})

t.test('without GTIDs nobody is promoted and nothing attached; a primary that writes goes on', async (t) => {
  const record: ShardRecord = { keyspace: 'k', shard: '0', primary: 'zone1-0000000100', term: 1, since: '2026-01-01T00:00:00Z' }
  const unfit = unfitServer({ gtidProblems: ['gtid_mode is OFF, not ON'], semiSync }, 'unset')
  const primary = { role: 'primary', record } as const
  const behind = blocker('named-primary-behind')
  const follow = { role: 'follow', source: record.primary, record, blockers: [behind] } as const
  t.equal(restrain(primary, unfit, true), primary)
  t.same(restrain(primary, unfit, false), { role: 'hold', blockers: [unfit] })
  t.same(restrain(follow, unfit, false), { role: 'hold', blockers: [unfit, behind] })
  t.same(restrain({ role: 'hold', blockers: [behind] }, unfit, false), { role: 'hold', blockers: [unfit, behind] })
  const asFound = { role: 'as-found', blockers: [] } as const
  t.equal(restrain(asFound, unfit, false), asFound)
  const noPlugin = unfitServer({ gtidProblems: [], semiSync: without }, 'on')
  t.equal(restrain(follow, noPlugin, false), follow, 'a missing plugin keeps nobody from replicating')
  t.equal(restrain(follow, undefined, false), follow)
})
