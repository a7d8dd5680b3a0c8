import t from 'tap'
import { readOptions } from '../../bench/options.ts'
import { inRounds, type Timed } from '../../bench/rounds.ts'

interface Seen {
  readonly order: string
  readonly counted: readonly number[]
  readonly said: readonly string[]
}

async function orderOf(...argv: readonly string[]): Promise<Seen> {
  let order = ''
  let made = 0
  const said: string[] = []
  const side = (letter: string) => (): Promise<Timed> => {
    order += letter
    return Promise.resolve({ seconds: made++, cpuSeconds: 0.5 })
  }
  const options = readOptions(argv, { cores: 2 })
  const { reference, ours } = await inRounds({ options, say: (line) => { said.push(line) } }, 'copy', { reference: side('r'), ours: side('o') })
  return { order, counted: [...reference, ...ours].map(({ seconds }) => seconds), said }
}

t.test('the sides begin in turn, and the first round does not count', async (t) => {
  const { order, counted, said } = await orderOf('--rounds', '3')
  t.equal(order, 'roorroor')
  t.same(counted, [3, 4, 7, 2, 5, 6], 'those of the reference, then ours')
  t.same(said.map((line) => line.split(':')[0]), ['copy, warming up', 'copy, round 1', 'copy, round 2', 'copy, round 3'])
})

t.test('quick runs each side once', async (t) => { t.match(await orderOf('--quick'), { order: 'or', counted: [1, 0] }) })
