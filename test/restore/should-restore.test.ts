/** What to do about data at start, and after a restore that did not end in data. */
import t from 'tap'
import { ERRORS, type ErrorCode } from '../../src/base/error-catalogue.ts'
import { afterTry, shouldRestore, type AfterTry, type RestoreTry, type StartFacts } from '../../src/restore/should-restore.ts'

const START: readonly (readonly [facts: StartFacts, decision: string])[] = (['none', 'initialised-only', 'unreadable', 'present'] as const)
  .flatMap((data) => [false, true].flatMap((restoreFromBackup): (readonly [StartFacts, string])[] => {
    const without = data === 'unreadable' ? 'refuse' : data === 'present' ? 'keep-data' : restoreFromBackup ? 'restore' : 'keep-empty'
    return [[{ sentinel: true, data, restoreFromBackup }, 'restore'], [{ sentinel: false, data, restoreFromBackup }, without]]
  }))

for (const [facts, expected] of START) {
  const { sentinel, data, restoreFromBackup } = facts
  t.test(`at start with data ${data}, ${sentinel ? 'a' : 'no'} sentinel and restore-from-backup ${restoreFromBackup}: ${expected}`, (t) => {
    const decision = shouldRestore(facts)
    t.equal(decision.do, expected)
    t.match(decision.why, /\w{3}/)
    if (decision.do === 'refuse') t.equal(decision.code, 'DATADIR_UNREADABLE')
    t.end()
  })
}

/** No backup exists, nothing was begun, interval 0, at the daemon's own start. */
const attempt = (more: Partial<RestoreTry> = {}): RestoreTry => ({
  code: 'NO_BACKUP', cancelled: false, sentinel: false, begunBy: 'start', waitForBackupIntervalMs: 0,
  namedByNewerTerm: false, shardBeganEmpty: false, ...more,
})
const waiting = { waitForBackupIntervalMs: 7_000 }
const summary = (after: AfterTry): string => after.do === 'try-again' ? `try-again ${after.pauseMs ?? 'with back-off'}` : after.do

const AFTER: readonly (readonly [title: string, attempt: Partial<RestoreTry>, after: string])[] = [
  ['no backup and no waiting: start empty', {}, 'start-empty'],
  ['no backup, but a sentinel: never empty', { sentinel: true }, 'try-again with back-off'],
  ['no backup, but a sentinel, waiting: never empty', { sentinel: true, ...waiting }, 'try-again 7000'],
  ['no backup, but a sentinel, and named by a newer term: never empty', { sentinel: true, namedByNewerTerm: true, ...waiting }, 'try-again 7000'],
  ['no backup, but a sentinel, and the shard began empty: never empty', { sentinel: true, shardBeganEmpty: true }, 'try-again with back-off'],
  ['no backup, waiting for one: look again after the interval', waiting, 'try-again 7000'],
  ['no backup, waiting, and a newer term names this tablet: start empty', { ...waiting, namedByNewerTerm: true }, 'start-empty'],
  ['no backup, waiting, and the shard began empty: start empty', { ...waiting, shardBeganEmpty: true }, 'start-empty'],
  ['backups but none complete: never empty', { code: 'NO_COMPLETE_BACKUP' }, 'try-again with back-off'],
  ['backups but none complete, and named by a newer term: never empty', { code: 'NO_COMPLETE_BACKUP', namedByNewerTerm: true, ...waiting }, 'try-again 7000'],
  ['backups but none complete, and the shard began empty: never empty', { code: 'NO_COMPLETE_BACKUP', shardBeganEmpty: true }, 'try-again with back-off'],
  ['storage that does not answer: never empty', { code: 'STORAGE_UNREACHABLE' }, 'try-again with back-off'],
  ['storage that refuses: never empty', { code: 'STORAGE_DENIED', namedByNewerTerm: true, shardBeganEmpty: true, ...waiting }, 'try-again with back-off'],
  ['a listing that took too long: never empty', { code: 'DEADLINE_EXCEEDED' }, 'try-again with back-off'],
  ['a restore that failed half-way is repeated', { code: 'NO_SPACE', sentinel: true }, 'try-again with back-off'],
  ['a cancel with a sentinel: no try until asked', { code: 'OPERATION_CANCELLED', cancelled: true, sentinel: true }, 'stay-until-asked'],
  ['a cancel without a sentinel: no try until asked', { code: 'OPERATION_CANCELLED', cancelled: true }, 'stay-until-asked'],
  ['asked for, and no backup: as it was', { begunBy: 'request' }, 'abandon'],
  ['asked for, and refused before the sentinel: as it was', { begunBy: 'request', code: 'STORAGE_DENIED' }, 'abandon'],
  ['asked for, and cancelled before the sentinel: as it was', { begunBy: 'request', code: 'OPERATION_CANCELLED', cancelled: true }, 'abandon'],
  ['asked for, and failed after the sentinel: repeated', { begunBy: 'request', code: 'BACKUP_CORRUPT', sentinel: true }, 'try-again with back-off'],
  ['asked for, and cancelled after the sentinel: no try until asked',
    { begunBy: 'request', code: 'OPERATION_CANCELLED', cancelled: true, sentinel: true }, 'stay-until-asked'],
]

for (const [title, given, expected] of AFTER) {
  t.test(title, (t) => {
    t.equal(summary(afterTry(attempt(given))), expected)
    t.end()
  })
}

t.test('of all that can happen, only a listing that found nothing, without a sentinel, lets a tablet start empty', (t) => {
  const emptied = new Set<string>()
  for (const code of Object.keys(ERRORS) as ErrorCode[]) {
    for (const sentinel of [false, true]) for (const begunBy of ['start', 'request'] as const) {
      for (const waitForBackupIntervalMs of [0, 7_000]) for (const named of [false, true]) {
        const news = { namedByNewerTerm: named, shardBeganEmpty: named }
        const after = afterTry(attempt({ code, sentinel, begunBy, waitForBackupIntervalMs, ...news }))
        if (after.do === 'start-empty') emptied.add(`${code} ${sentinel ? 'sentinel' : 'no sentinel'} ${begunBy}`)
      }
    }
  }
  t.same([...emptied], ['NO_BACKUP no sentinel start'])
  t.end()
})
