/** Another machine's clock against ours, as far as one question and its answer can tell. */
import t from 'tap'
import { clockDifference } from '../../src/mysqld/remote-mysqld.ts'

const ROWS: readonly (readonly [title: string, asked: number, theirs: number, answered: number, ahead: number | undefined])[] = [
  ['equal clocks', 1000, 1005, 1010, undefined],
  ['a difference within the duration of the answer', 1000, 1900, 2000, undefined],
  ['a difference that scheduling explains', 1000, 1100, 1000, undefined],
  ['a clock that is ahead', 1000, 31_005, 1010, 30],
  ['a clock that is behind', 100_000, 70_005, 100_010, -30],
  ['a clock that says nothing', 1000, Number.NaN, 1010, undefined],
]
for (const [title, asked, theirs, answered, ahead] of ROWS) {
  t.test(`${title}: ${ahead === undefined ? 'not surely different' : `${ahead} s`}`, async (t) => {
    t.equal(clockDifference(asked, theirs, answered), ahead)
  })
}
