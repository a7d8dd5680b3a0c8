import t from 'tap'
import { formatDuration, parseDuration } from '../../src/base/duration.ts'

t.test('durations are read as people write them', (t) => {
  const table: readonly (readonly [text: string, ms: number | undefined])[] = [
    ['0', 0], ['0s', 0], ['30s', 30_000], ['2h', 7_200_000], ['1m30s', 90_000], ['250ms', 250], ['1.5s', 1500], ['1h1m1s1ms', 3_661_001],
    ['0.1ms', 0], ['', undefined], ['30', undefined], ['s', undefined], ['-1s', undefined], ['1 s', undefined], ['1s ', undefined], ['1d', undefined],
    ['1m30', undefined], ['1e3s', undefined], ['.5s', undefined], [`${'9'.repeat(400)}h`, undefined],
  ]
  for (const [text, ms] of table) t.equal(parseDuration(text), ms, JSON.stringify(text.slice(0, 20)))
  t.end()
})

t.test('durations are written as they are read', (t) => {
  for (const [ms, text] of [[0, '0s'], [1, '1ms'], [1500, '1s500ms'], [90_000, '1m30s'], [7_200_000, '2h'], [3_661_001, '1h1m1s1ms']] as const) {
    t.equal(formatDuration(ms), text)
    t.equal(parseDuration(text), ms)
  }
  t.end()
})
