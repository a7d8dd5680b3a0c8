import t from 'tap'
import { BlockBudget, type Share } from '../../src/engine/block-budget.ts'

/** Takes as much as there is. */
function takeAll(share: Share): number {
  let taken = 0
  while (share.tryTake()) taken += 1
  return taken
}

t.test('a file alone gets all that is shared and the one of its own', (t) => {
  for (const threads of [1, 2, 7]) {
    using file = new BlockBudget(threads).open()
    t.equal(takeAll(file), 2 * threads + 1, `${threads} threads`)
  }
  t.end()
})

t.test('files that are open together get equal parts, and each at least its own', (t) => {
  const rows: readonly (readonly [threads: number, files: number, each: readonly number[]])[] = [
    [2, 2, [3, 3]],
    [2, 4, [2, 2, 2, 2]],
    [1, 4, [2, 2, 1, 1]],
    [1, 6, [2, 2, 1, 1, 1, 1]],
    [4, 3, [4, 4, 3]],
  ]
  for (const [threads, files, each] of rows) {
    const budget = new BlockBudget(threads)
    const shares = Array.from({ length: files }, () => budget.open())
    t.same(shares.map(takeAll), each, `${threads} threads, ${files} files`)
    t.equal(each.reduce((sum, taken) => sum + taken, 0), 2 * threads + files, 'over all files no more than is shared and one each')
  }
  t.end()
})

t.test('what a file gives back another may take, and what it holds when it ends comes back', (t) => {
  const budget = new BlockBudget(2)
  using first = budget.open()
  t.equal(takeAll(first), 5)
  {
    using second = budget.open()
    t.equal(takeAll(second), 1, 'its own is there even when all others are taken')
    first.give()
    t.equal(takeAll(second), 1, 'one came back')
    t.notOk(first.tryTake(), 'to the file that has fewer')
  }
  t.equal(takeAll(first), 1, 'what the second one held came back when it ended')
  first[Symbol.dispose]()
  using third = budget.open()
  t.equal(takeAll(third), 5)
  t.end()
})
