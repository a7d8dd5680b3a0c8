import t from 'tap'
import { budgetsFor, memoryBudget } from '../../bench/budgets.ts'
import { figure, judge, table, type Finding } from '../../bench/report.ts'

const BUDGETS = budgetsFor({ threads: 2 })
const judged = (finding: Finding): ReturnType<typeof judge> => judge(finding, BUDGETS)

t.test('a budget is held at its bound and missed beyond it, whichever way it faces', async (t) => {
  const cases: readonly (readonly [Finding, 'held' | 'MISSED'])[] = [
    [{ budget: 'backup-many', reference: [200], ours: [200] }, 'held'],
    [{ budget: 'backup-many', reference: [200], ours: [199] }, 'MISSED'],
    [{ budget: 'backup-many-stored', reference: [100], ours: [103] }, 'held'],
    [{ budget: 'backup-many-stored', reference: [100], ours: [104] }, 'MISSED'],
    [{ budget: 'probes-rate', reference: [], ours: [5000] }, 'held'],
    [{ budget: 'probes-rate', reference: [], ours: [4999] }, 'MISSED'],
    [{ budget: 'probes-p99', reference: [], ours: [10] }, 'held'],
    [{ budget: 'probes-p99', reference: [], ours: [10.1] }, 'MISSED'],
    [{ budget: 'backup-huge', reference: [200], ours: [NaN] }, 'MISSED'],
    [{ budget: 'start-probe', reference: [], ours: [NaN] }, 'MISSED'],
  ]
  for (const [finding, verdict] of cases) t.equal(judged(finding).verdict, verdict, JSON.stringify(finding))
})

t.test('of several rounds the medians are compared, and what must always hold is judged by its worst', async (t) => {
  t.match(judged({ budget: 'restore-huge', reference: [100, 900, 200], ours: [300, 200, 250] }), { reference: 200, ours: 250, ratio: 1.25, verdict: 'held' })
  t.match(judged({ budget: 'backup-memory', reference: [], ours: [100, 301, 100] }), { ours: 301, ratio: undefined, verdict: 'MISSED' })
})

t.test('what is only told is never held', async (t) => {
  t.match(judged({ budget: 's3-backup', reference: [100], ours: [1] }), { ratio: 0.01, verdict: 'told' })
})

t.test('nothing measured is no budget held', async (t) => {
  t.throws(() => judged({ budget: 'backup-many', reference: [1], ours: [] }), RangeError)
  t.throws(() => judged({ budget: 'backup-many', reference: [], ours: [1] }), RangeError)
})

t.test('memory grows with the threads beyond four', async (t) => {
  t.same([1, 4, 5, 16].map(memoryBudget), [300, 300, 330, 660])
})

t.test('the table has one row a budget, in columns', async (t) => {
  const rows = [judged({ budget: 'backup-many', reference: [200], ours: [210] }), judged({ budget: 'probes-p99', reference: [], ours: [12] })]
  t.same(table(rows, { judged: true }).split('\n'), [
    '| what                | reference              | ours     | ratio | budget    | verdict |',
    '|---------------------|------------------------|----------|-------|-----------|---------|',
    '| backup, many tables | 200 MB/s (zstd -1 -T2) | 210 MB/s | 1.05  | ≥ 1.00 ×  | held    |',
    '|   99 of 100 within  |                        | 12.0 ms  |       | ≤ 10.0 ms | MISSED  |',
  ])
  t.match(table(rows, { judged: false }), /not judged/)
  t.notMatch(table(rows, { judged: false }), /MISSED/)
})

t.test('figures have their units', async (t) => {
  t.same([figure(1234.6, 'MB/s'), figure(0.456, 's'), figure(5100.2, '/s'), figure(9.96, 'ms')], ['1235 MB/s', '0.46 s', '5100/s', '10.0 ms'])
})
