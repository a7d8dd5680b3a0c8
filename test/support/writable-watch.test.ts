import t from 'tap'
import { bothWritable, type Look } from './writable-watch.ts'

/** Looks of 2 ms, one each 10 ms from `startMs` on: W writable, r read-only, - no answer. */
const looks = (startMs: number, text: string): Look[] => [...text].map((letter, index) => ({
  fromMs: startMs + index * 10, toMs: startMs + index * 10 + 2, writable: letter === '-' ? undefined : letter === 'W',
}))

t.test('two writable at once are seen, and a hand-over is not taken for it', async (t) => {
  for (const [one, other, wanted] of [
    [looks(0, 'WWWW'), looks(5, 'rrrr'), []],
    [looks(0, 'WWrr'), looks(5, 'rrWW'), []],
    [looks(0, 'WWrr'), looks(5, 'rWWW'), []],   // the first may have ended before the other began
    [looks(0, 'WWWr'), looks(5, 'rWWW'), [17]],
    [looks(0, 'WWWW'), looks(5, 'rWrr'), [15]],   // one look within
    [looks(0, 'rWrr'), looks(5, 'WWWW'), [10]],
    [looks(0, 'rWrr'), looks(1, 'rWrr'), []],   // two lone looks: nobody knows which was first
    [looks(0, 'WW-W'), looks(5, '-W--'), []],   // nobody answered in between
    [[], looks(0, 'WWWW'), []],
  ] as const) t.strictSame(bothWritable(one, other), wanted)
})
