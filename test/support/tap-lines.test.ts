import t from 'tap'
import { readTap, serverOf } from '../../scripts/lib/tap-lines.mjs'

const counted = (...lines: readonly string[]): readonly string[] =>
  readTap(['TAP version 14', ...lines].join('\n')).tests.map((test) => `${test.result}: ${test.title}${test.reason === '' ? '' : ` (${test.reason})`}`)

t.test('a subtest of assertions is one test, an assertion outside of one is one test', async (t) => {
  t.strictSame(counted(
    'ok 1 - outside',
    '# Subtest: statement',
    '    ok 1 - a',
    '    ok 2 - b',
    '    1..2',
    'ok 2 - statement # time=3.186ms',
    '1..2',
  ), ['passed: outside', 'passed: statement'])
})

t.test('a failed assertion fails its statement, once, and not what surrounds it', async (t) => {
  t.strictSame(counted(
    '# Subtest: outer',
    '    # Subtest: inner',
    '        not ok 1 - a',
    '          ---',
    '          diff: |',
    '          ok 9 - quoted, not said',
    '          ...',
    '        1..1',
    '    not ok 1 - inner # time=1ms',
    '    # Subtest: other',
    '        ok 1 - a',
    '        1..1',
    '    ok 2 - other # time=1ms',
    '    1..2',
    'not ok 1 - outer # time=2ms',
  ), ['failed: outer › inner', 'passed: outer › other'])
})

t.test('what fails for no test\'s sake is counted where it is said', async (t) => {
  t.strictSame(counted(
    '# Subtest: outer',
    '    # Subtest: inner',
    '        ok 1 - a',
    '        1..1',
    '    ok 1 - inner # time=1ms',
    '    1..2',
    'not ok 1 - outer # time=2ms',
  ), ['passed: outer › inner', 'failed: outer'])
})

t.test('a skip keeps its reason, and an unfinished subtest is a failure', async (t) => {
  t.strictSame(counted(
    'ok 1 - stands on one server [mysql] # SKIP only mariadb: it has no clone',
    '# Subtest: half',
    '    ok 1 - a',
  ), ['skipped: stands on one server [mysql] (only mariadb: it has no clone)', 'failed: half (did not end)'])
})

t.test('a subtest that asserts nothing has failed', async (t) => {
  t.strictSame(counted('# Subtest: empty', '    1..0', 'ok 1 - empty # time=1ms'), ['failed: empty'])
})

t.test('a server is read from the end of a part of the title only', async (t) => {
  t.equal(serverOf('a [mysql]'), 'mysql')
  t.equal(serverOf('a [mariadb] › b'), 'mariadb')
  t.equal(serverOf('a [mysql] b'), undefined)
  t.equal(serverOf('a'), undefined)
})
