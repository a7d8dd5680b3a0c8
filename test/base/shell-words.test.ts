import t from 'tap'
import { lexCommand } from '../../src/base/shell-words.ts'

t.test('commands are split as a shell would, and what only a shell could do is refused', (t) => {
  t.same(lexCommand(`/a/b  'c d' "e \\"f\\"" g\\ h ''`), { program: '/a/b', arguments: ['c d', 'e "f"', 'g h', ''] })
  t.same(lexCommand(`x --a='1 2'3`), { program: 'x', arguments: ['--a=1 23'] })
  for (const bad of ['', '   ', "a 'b", 'a "b', 'a \\', 'a | b', 'a > b', 'a; b', 'a $HOME', 'a `b`', 'a &', 'a \0', 'a \x1b[2J']) {
    t.throws(() => lexCommand(bad), { code: 'SETTINGS_INVALID' }, bad)
  }
  t.same(lexCommand("sh -c 'a | b'").arguments, ['-c', 'a | b'])
  t.end()
})
