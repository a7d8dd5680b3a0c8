import t from 'tap'
import { largest, median, percentile } from '../../bench/statistics.ts'

t.test('a median is the middle one, or between the two middle ones, in whatever order they come', async (t) => {
  t.equal(median([7]), 7)
  t.equal(median([10, 9, 1]), 9, 'in the order of numbers, not of their digits')
  t.equal(median([4, 1, 3, 2]), 2.5)
})

t.test('a percentile is a value that was measured', async (t) => {
  const hundred = Array.from({ length: 100 }, (_, index) => 100 - index)
  t.equal(percentile(hundred, 0.99), 99)
  t.equal(percentile(hundred, 1), 100)
  t.equal(percentile(hundred, 0), 1)
  t.equal(percentile([5], 0.99), 5)
})

t.test('the largest is the largest', async (t) => { t.equal(largest([9, 10, 1]), 10) })

t.test('nothing measured has no figure', async (t) => {
  for (const figure of [median, largest, (values: readonly number[]) => percentile(values, 0.99)]) t.throws(() => figure([]), RangeError)
})

t.test('what was measured stays in its order', async (t) => {
  const values = [3, 1, 2]
  median(values)
  t.same(values, [3, 1, 2])
})
