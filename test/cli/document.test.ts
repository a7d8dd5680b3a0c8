import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { COMMANDS } from '../../src/cli/tabletctl-program.ts'

const DOCUMENT = await readFile(join(import.meta.dirname, '../../docs/tabletctl.md'), 'utf8')
const ROWS = [...DOCUMENT.matchAll(/^\| `([a-z-]+)( [^`]*)?` \| ([^|]*) \| (.*) \|$/gm)]

t.test('docs/tabletctl.md names every command with its arguments, and none that does not exist', async (t) => {
  t.same(ROWS.map(([, name, args = '']) => `${name}${args}`).sort(), COMMANDS.map(({ name, args }) => [name, ...args].join(' ')).sort())
})

t.test('it names every option of each command, and only spellings that are accepted', async (t) => {
  for (const { name, aliases, options } of COMMANDS) {
    const [, , , vitess = '', text = ''] = ROWS.find((row) => row[1] === name) ?? []
    const written = [...text.matchAll(/--([a-z-]+)/g)].map(([, option]) => option)
    const shared = name === 'backup-shard' ? [] : options.map((option) => option.name)
    for (const option of shared) t.ok(written.includes(option), `${name} --${option}`)
    for (const option of written) t.ok(options.some((one) => one.name === option), `${name} --${option} exists`)
    for (const alias of vitess.split(',').map((one) => one.trim()).filter((one) => one !== '-')) t.ok(aliases.includes(alias), alias)
  }
})

t.test('every command has a shape for --json', async (t) => {
  const table = DOCUMENT.slice(DOCUMENT.indexOf('| command | value |'))
  for (const { name } of COMMANDS) t.ok(table.includes(`\`${name}\``), name)
})
