import t from 'tap'
import { chooseBackupTablet, type BackupCandidate } from '../../src/cli/choose-backup-tablet.ts'
import { chooseNewPrimary } from '../../src/cli/choose-new-primary.ts'
import { blocker } from '../../src/model/blocker.ts'
import type { TabletSnapshot } from '../../src/model/snapshot.ts'
import { operation, snapshot } from '../http/fake-control.ts'

const tablet = (alias: string, changes: Partial<TabletSnapshot> = {}): BackupCandidate =>
  ({ alias, snapshot: snapshot({ alias, ...changes }) })
const dead = (alias: string): BackupCandidate => ({ alias, snapshot: undefined })
const unknownLag = (alias: string): BackupCandidate => {
  const { lagSeconds: _unknown, ...rest } = snapshot({ alias })
  return { alias, snapshot: rest }
}
const primary = tablet('p', { type: 'PRIMARY', lagSeconds: 0 })

const CHOICES: readonly (readonly [string, readonly BackupCandidate[], boolean, string])[] = [
  ['the lowest lag', [primary, tablet('a', { lagSeconds: 5 }), tablet('b', { lagSeconds: 1 })], false, 'b'],
  ['among equals a batch reader before a spare before a replica', [tablet('a'), tablet('b', { type: 'SPARE' }), tablet('c', { type: 'RDONLY' })], false, 'c'],
  ['among equals the first alias', [tablet('b'), tablet('a')], false, 'a'],
  ['a replica that is known before one that is not', [unknownLag('a'), tablet('b', { lagSeconds: 500 })], false, 'b'],
  ['a living one before a dead one', [dead('a'), tablet('b', { lagSeconds: 9 })], false, 'b'],
  ['not one in backup, restore or drained', [tablet('a', { type: 'BACKUP' }), tablet('b', { type: 'RESTORE' }), tablet('c', { type: 'DRAINED' }), tablet('d', { lagSeconds: 7 })], false, 'd'],
  ['not one that runs an operation', [tablet('a', { operation: operation() }), tablet('b', { lagSeconds: 7 })], false, 'b'],
  ['a replica even where the primary is allowed', [primary, tablet('a', { lagSeconds: 60 })], true, 'a'],
  ['the primary where it is allowed and alone', [primary, dead('a'), unknownLag('b')], true, 'p'],
]
for (const [what, candidates, allowPrimary, alias] of CHOICES) {
  t.test(`backup-shard takes ${what}`, async (t) => { t.equal(chooseBackupTablet(candidates, { allowPrimary }), alias) })
}

const REFUSALS: readonly (readonly [readonly BackupCandidate[], boolean, string, RegExp])[] = [
  [[primary, dead('a'), unknownLag('b')], false, 'PRIMARY_NEEDS_ALLOW_PRIMARY', /p is PRIMARY; a does not answer; b has an unknown lag/],
  [[dead('a'), tablet('b', { type: 'BACKUP' })], true, 'TABLETS_UNREACHABLE', /a does not answer; b is BACKUP/],
  [[tablet('b', { type: 'DRAINED' })], true, 'TYPE_FORBIDS', /b is DRAINED/],
  [[], true, 'TYPE_FORBIDS', /the shard has none/],
]
for (const [candidates, allowPrimary, code, message] of REFUSALS) {
  t.test(`backup-shard refuses with ${code} and says why of each tablet: ${message.source}`, async (t) => {
    t.throws(() => chooseBackupTablet(candidates, { allowPrimary }), { code, message })
  })
}

t.test('a reparent without a name takes the healthy replica that lags least, never the primary', async (t) => {
  t.equal(chooseNewPrimary([primary, tablet('a', { lagSeconds: 2 }), tablet('b', { lagSeconds: 1 }), tablet('c', { type: 'RDONLY' })], 'p'), 'b')
  const unfit = [primary, dead('a'), tablet('b', { type: 'SPARE' }), tablet('c', { blockers: [blocker('errant-transactions')] })]
  t.throws(() => chooseNewPrimary(unfit, 'p'), { code: 'CANDIDATE_UNFIT', message: /a does not answer; b is SPARE; c: .*never had/ })
  t.throws(() => chooseNewPrimary([primary], 'p'), { code: 'CANDIDATE_UNFIT', message: /no other/ })
})
