import t from 'tap'
import { eventIn } from '../../src/cli/follow-operation.ts'
import { progressLine, progressView, rateOf } from '../../src/cli/progress.ts'
import { printable, seconds, size, table } from '../../src/cli/text.ts'
import { operation } from '../http/fake-control.ts'

t.test('a table is as wide as its cells and lets no control character through', async (t) => {
  t.equal(table(['A', 'LONG'], [['1234', 'x'], ['\u001b[31m', '\u202eevil']]), 'A         LONG\n1234      x\n\\x1b[31m  \\x202eevil')
  t.equal(printable('a\nb\u0007'), 'a\\x0ab\\x07')
})

t.test('sizes and times are written in the unit a person would take', async (t) => {
  t.same([undefined, 0, 1023, 1024, 1_500_000, 150 * 2 ** 20, 3 * 2 ** 40].map(size), ['-', '0 B', '1023 B', '1.0 KiB', '1.4 MiB', '150 MiB', '3.0 TiB'])
  t.same([0.04, 9.94, 59, 600, 10_000].map(seconds), ['0.0 s', '9.9 s', '59 s', '10 min', '2.8 h'])
})

t.test('a rate needs two marks of the last ten seconds', async (t) => {
  t.equal(rateOf([], 0), undefined)
  t.equal(rateOf([{ atMs: 0, bytes: 5 }], 0), undefined)
  t.equal(rateOf([{ atMs: 0, bytes: 0 }, { atMs: 2000, bytes: 100 }], 2000), 50)
  t.equal(rateOf([{ atMs: 0, bytes: 0 }, { atMs: 11_000, bytes: 100 }, { atMs: 12_000, bytes: 200 }], 12_000), 100)
})

t.test('the line of progress tells step, share, rate and the time left', async (t) => {
  const half = operation({ progress: { step: 'copying', doneBytes: 50 * 2 ** 20, totalBytes: 100 * 2 ** 20 } })
  t.equal(progressLine(half, 2 ** 20), 'copying [############............] 50 %, 50.0 MiB of 100 MiB, 1.0 MiB/s, 50 s left')
  t.equal(progressLine(operation({ progress: { step: 'stopping mysqld', doneBytes: 0, totalBytes: undefined } }), undefined), 'stopping mysqld')
  t.match(progressLine(operation({ progress: { step: 'x', doneBytes: 300, totalBytes: 100 } }), undefined), '100 %')
})

t.test('a terminal redraws one line, anything else gets a line a step', async (t) => {
  const event = (step: string, doneBytes: number) => ({ event: 'progress' as const, time: '', operation: operation({ progress: { step, doneBytes, totalBytes: 100 } }) })
  const show = (isTTY: boolean): string => {
    let written = ''
    let now = 0
    const view = progressView({ write: (text) => { written += text }, isTTY, columns: 80 }, () => now)
    for (const [step, done] of [['copying', 1], ['copying', 2], ['attaching', 100]] as const) { now += 1000; view.show(event(step, done)) }
    view.show({ event: 'log', time: '', operation: operation(), message: 'hello\u001b' })
    view.end()
    return written
  }
  t.match(show(false), /^copying .*\nattaching .*\nhello\\x1b\n$/)
  t.equal(show(true).split('\n').length, 2)
  t.match(show(true), /\rcopying .*\rcopying .*\rattaching .*\r\u001b\[Khello/)
})

t.test('heartbeats and kinds of event of a later version are passed over', async (t) => {
  t.equal(eventIn(': still here'), undefined)
  t.equal(eventIn('event: novelty\ndata: {}'), undefined)
  t.match(eventIn('event: end\ndata: {"event":"end","time":""}'), { event: 'end' })
})
