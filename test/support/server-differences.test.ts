import t from 'tap'
import { differences } from '../../scripts/lib/server-differences.mjs'
import type { CountedTest } from '../../scripts/lib/tap-lines.mjs'

const test = (title: string, result: CountedTest['result'] = 'passed'): CountedTest => ({ title, result, reason: '', text: '' })

const CASES: readonly (readonly [about: string, tests: readonly CountedTest[], missing: readonly string[]])[] = [
  ['both ran', [test('a [mysql]'), test('a [mariadb]')], []],
  ['no server', [test('a')], []],
  ['one ran', [test('a [mysql]')], ['a [mysql]']],
  ['the other was skipped', [test('a [mysql]'), test('a [mariadb]', 'skipped')], []],
  ['the other was skipped, and this one has subtests', [test('a [mysql] › b'), test('a [mysql] › c'), test('a [mariadb]', 'skipped')], []],
  ['a subtest ran on one', [test('a [mysql] › b'), test('a [mysql] › c'), test('a [mariadb] › b')], ['a [mysql] › c']],
  ['the other failed half-way', [test('a [mysql] › b'), test('a [mysql] › c'), test('a [mariadb] › b', 'failed')], []],
  ['another one was skipped', [test('a [mysql] › b'), test('x [mariadb]', 'skipped')], ['a [mysql] › b']],
]

for (const [about, tests, missing] of CASES) {
  t.test(`${about}: ${missing.length === 0 ? 'nothing is missing' : 'it is told'}`, (t) => {
    const found = differences([{ file: 'f', tests }])
    t.same(found.map(({ title }) => title), missing.map((title) => `f: "${title}" ran on ${/mysql/.test(title) ? 'mysql' : 'mariadb'} only and gives no reason`))
    t.ok(found.every(({ result }) => result === 'failed'))
    t.end()
  })
}
