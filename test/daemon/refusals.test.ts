/** What forbids a backup, a restore or a drain: every state and every wish. */
import t from 'tap'
import { hasCode } from '../../src/base/errors.ts'
import { refuseBackup, type BackupWish } from '../../src/daemon/check-backup.ts'
import { refuseRestore, type RestoreWish } from '../../src/daemon/restore-request.ts'
import { TABLET_STATES, type TabletState } from '../../src/model/tablet-state.ts'
import { alias } from '../replication/builders.ts'

/** The code of the refusal, or 'begins'. */
function outcome(refuse: () => void): string {
  try {
    refuse()
    return 'begins'
  } catch (error) {
    return hasCode(error, 'PRIMARY_NEEDS_ALLOW_PRIMARY', 'TYPE_FORBIDS', 'MYSQLD_NOT_CONTROLLED', 'CONFIRM_REQUIRED', 'LAST_REPLICA') ? error.code : String(error)
  }
}

const backup = (more: Partial<BackupWish>): string =>
  outcome(() => { refuseBackup({ state: 'serving', stopsMysqld: true, canStop: true, allowPrimary: false, alias: alias(101), ...more }) })

const BACKUPS: Readonly<Record<TabletState, readonly [plain: string, allowPrimary: string]>> = {
  starting: ['TYPE_FORBIDS', 'TYPE_FORBIDS'],
  spare: ['begins', 'begins'],
  serving: ['begins', 'begins'],
  primary: ['PRIMARY_NEEDS_ALLOW_PRIMARY', 'begins'],
  backup: ['TYPE_FORBIDS', 'TYPE_FORBIDS'],
  restore: ['TYPE_FORBIDS', 'TYPE_FORBIDS'],
  drained: ['begins', 'begins'],
}

for (const state of TABLET_STATES) {
  const [plain, allowed] = BACKUPS[state]
  t.test(`a backup in state ${state}: ${plain}, with allow-primary: ${allowed}`, (t) => {
    t.same([backup({ state }), backup({ state, allowPrimary: true })], [plain, allowed])
    t.end()
  })
}

t.test('an engine that stops mysqld needs one that tabletd may stop; another does not', (t) => {
  t.equal(backup({ canStop: false }), 'MYSQLD_NOT_CONTROLLED')
  t.equal(backup({ canStop: false, stopsMysqld: false }), 'begins')
  t.end()
})

t.test('the refusal of a primary has the words that operators search for', (t) => {
  const refuse = (): void => { refuseBackup({ state: 'primary', stopsMysqld: true, canStop: true, allowPrimary: false, alias: alias(101) }) }
  t.throws(refuse, { message: /type PRIMARY cannot take backup.*if you really need to do this, rerun the backup command with --allow-primary/ })
  t.end()
})

/** A healthy replica with data, beside another one; force and confirm are given. */
const restore = (more: Partial<RestoreWish> = {}): string => outcome(() => {
  refuseRestore({
    alias: alias(101), state: 'serving', canStop: true, isNamedPrimary: false, hasData: true, force: true, confirm: alias(101),
    otherServing: 1, allowLastReplica: false, ...more,
  })
})

const RESTORES: readonly (readonly [title: string, wish: Partial<RestoreWish>, outcome: string])[] = [
  ['with force and confirm', {}, 'begins'],
  ['without force', { force: false }, 'CONFIRM_REQUIRED'],
  ['without confirm', { confirm: undefined }, 'CONFIRM_REQUIRED'],
  ['with another tablet confirmed', { confirm: alias(102) }, 'CONFIRM_REQUIRED'],
  ['of an empty tablet, without a word', { hasData: false, force: false, confirm: undefined, state: 'spare' }, 'begins'],
  ['of the named primary', { isNamedPrimary: true }, 'TYPE_FORBIDS'],
  ['of the named primary that waits as SPARE', { isNamedPrimary: true, state: 'spare' }, 'TYPE_FORBIDS'],
  ['of the named primary that is drained', { isNamedPrimary: true, state: 'drained' }, 'TYPE_FORBIDS'],
  ['of the named primary whose data are half restored', { isNamedPrimary: true, state: 'restore', hasData: false }, 'begins'],
  ['of a primary', { state: 'primary' }, 'TYPE_FORBIDS'],
  ['while starting', { state: 'starting' }, 'TYPE_FORBIDS'],
  ['during a backup', { state: 'backup' }, 'TYPE_FORBIDS'],
  ['while waiting in RESTORE', { state: 'restore', hasData: false, force: false }, 'begins'],
  ['of a drained tablet', { state: 'drained', otherServing: 0 }, 'begins'],
  ['of a tablet that does not serve, the last one', { state: 'spare', otherServing: 0 }, 'begins'],
  ['of the last healthy replica', { otherServing: 0 }, 'LAST_REPLICA'],
  ['of the last healthy replica, in so many words', { otherServing: 0, allowLastReplica: true }, 'begins'],
  ['without control of mysqld', { canStop: false }, 'MYSQLD_NOT_CONTROLLED'],
]

for (const [title, wish, expected] of RESTORES) {
  t.test(`a restore ${title}: ${expected}`, (t) => {
    t.equal(restore(wish), expected)
    t.end()
  })
}
