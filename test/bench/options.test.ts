import t from 'tap'
import { PARTS, readOptions } from '../../bench/options.ts'

const read = (...argv: readonly string[]): ReturnType<typeof readOptions> => readOptions(argv, { cores: 2 })

t.test('nothing asked for is everything, with as many threads as there are cores', async (t) => {
  t.same(read(), { parts: PARTS, rounds: 5, threads: 2, quick: false, data: undefined, flavor: 'mysql', largeBytes: 10e9 })
})

t.test('what is asked for is done, in the order of the parts', async (t) => {
  t.match(read('--only', 'restore, backup', '--rounds', '3', '--threads=4', '--data', '/d', '--flavor', 'mariadb', '--size', '2'), {
    parts: ['backup', 'restore'], rounds: 3, threads: 4, data: '/d', flavor: 'mariadb', largeBytes: 2e9,
  })
})

t.test('quick is one round of little data, whatever else is said', async (t) => {
  t.match(read('--quick', '--rounds', '9'), { quick: true, rounds: 1, largeBytes: 1e8 })
})

t.test('what is not understood is refused with the usage', async (t) => {
  const refused: readonly (readonly [readonly string[], RegExp])[] = [
    [['--only', 'backup,cake'], /no part "cake"/],
    [['--rounds', '0'], /--rounds must be/],
    [['--threads', 'many'], /--threads must be/],
    [['--size', '1.5'], /--size must be/],
    [['--flavor', 'oracle'], /--flavor knows/],
    [['--fast'], /--fast/],
    [['backup'], /backup/],
  ]
  for (const [argv, message] of refused) {
    t.throws(() => read(...argv), message, argv.join(' '))
    t.throws(() => read(...argv), /usage: npm run bench/, argv.join(' '))
  }
})
