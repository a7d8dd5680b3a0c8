/** The architecture test sees every way of importing; otherwise it would approve of what it overlooks. */
import t from 'tap'
import { importsIn } from './imports-in.ts'

t.test('every form of import is seen', (t) => {
  const text = [
    'import \'./effect.ts\'', 'import a from \'./a.ts\'', 'import { b } from \'../b.ts\'', 'import type { C } from \'./c.ts\'',
    'import {', '  d,', '  e,', '} from \'./d.ts\'', 'import * as z from \'zod/mini\'', 'export { f } from \'./f.ts\'', 'export type { G } from \'./g.ts\'',
    'export * from \'./h.ts\'', 'const lazy = await import(\'./lazy.ts\')',
  ].join('\n')
  t.same(importsIn(text), ['./effect.ts', './a.ts', '../b.ts', './c.ts', './d.ts', 'zod/mini', './f.ts', './g.ts', './h.ts', './lazy.ts'])
  t.end()
})

t.test('what only looks like one is not', (t) => {
  t.same(importsIn('const from = \'x\'\nexport const a = \'b\'\n// import \'./c.ts\'\nfoo(\'import x from\')\n'), [])
  t.end()
})
