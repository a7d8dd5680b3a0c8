import { readFileSync } from 'node:fs'
import t from 'tap'
import { ERRORS } from '../../src/base/error-catalogue.ts'
import { TabletError, asTabletError, failedTo, hasCode, isErrno, messageOf } from '../../src/base/errors.ts'

t.test('layers add words, the innermost code and its facts stay', (t) => {
  const innermost = new TabletError('CHECKSUM_MISMATCH', 'crc32 is 1, MANIFEST says 2', { details: { file: '7' } })
  const outer = failedTo('restore zone1-0000000101', failedTo('read file 7', innermost))
  t.equal(outer.code, 'CHECKSUM_MISMATCH')
  t.equal(outer.message, 'cannot restore zone1-0000000101: cannot read file 7: crc32 is 1, MANIFEST says 2')
  t.same(outer.details, { file: '7' })
  t.equal((outer.cause as Error).cause, innermost)
  t.equal(outer.hint, ERRORS.CHECKSUM_MISMATCH.hint)
  t.equal(outer.retryable, ERRORS.CHECKSUM_MISMATCH.retryable)
  t.end()
})

t.test('what nobody expected is a bug', (t) => {
  t.equal(failedTo('look', new TypeError('x is undefined')).code, 'INTERNAL')
  t.equal(failedTo('look', 'a text').message, 'cannot look: a text')
  t.end()
})

t.test('an error of ours is kept as it is, another gets the code given', (t) => {
  const ours = new TabletError('NO_BACKUP', 'none')
  t.equal(asTabletError(ours, 'STORAGE_FAILED'), ours)
  const other = asTabletError(new Error('disk on fire'), 'STORAGE_FAILED')
  t.match(other, { code: 'STORAGE_FAILED', message: 'disk on fire' })
  t.equal(asTabletError(1).code, 'INTERNAL')
  t.end()
})

t.test('errors are recognised by code, whoever threw them', (t) => {
  t.ok(hasCode(new TabletError('NO_BACKUP', ''), 'NO_SPACE', 'NO_BACKUP'))
  t.notOk(hasCode(new TabletError('NO_BACKUP', ''), 'NO_SPACE'))
  t.notOk(hasCode(Object.assign(new Error(''), { code: 'NO_BACKUP' }), 'NO_BACKUP'))
  t.notOk(hasCode(undefined, 'NO_BACKUP'))
  let seen: unknown
  try { readFileSync('/nowhere/at/all') } catch (error) { seen = error }
  t.ok(isErrno(seen, 'EACCES', 'ENOENT'))
  t.notOk(isErrno(seen, 'EACCES'))
  t.notOk(isErrno(undefined, 'ENOENT'))
  t.equal(messageOf(new Error('why')), 'why')
  t.equal(messageOf(7), '7')
  t.end()
})

t.test('each row of the catalogue is an HTTP error, an exit code of its own kind and a sentence', (t) => {
  for (const [code, row] of Object.entries(ERRORS)) {
    t.match(code, /^[A-Z][A-Z_]+$/)
    t.ok(row.http >= 400 && row.http < 600, `${code}: http ${row.http}`)
    t.ok(row.exit === 0 || (row.exit >= 64 && row.exit <= 78), `${code}: exit ${row.exit}`)
    t.match(row.hint, /^(?:[A-Z]|mysqld ).*[.?]$/, `${code}: ${row.hint}`)
  }
  t.end()
})
