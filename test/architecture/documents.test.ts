/**
 * The documents say what the code does, and nothing else: every code, setting, state, event, blocker and route is in
 * docs/, what is there exists, and what is generated is not stale.
 */
import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { generatedDocuments } from '../../scripts/generate-docs.ts'
import { ERRORS } from '../../src/base/error-catalogue.ts'
import { COMMANDS } from '../../src/cli/tabletctl-program.ts'
import { readArguments } from '../../src/config/arguments.ts'
import { REQUIRED } from '../../src/config/setting.ts'
import { SETTINGS, isSettingName, settingNamed, type SettingName } from '../../src/config/settings.ts'
import { vitessFlag } from '../../src/config/vitess-flags.ts'
import { PROBES } from '../../src/http/probe-paths.ts'
import { BLOCKERS } from '../../src/model/blocker.ts'
import { TABLET_EVENTS, TABLET_STATES } from '../../src/model/tablet-state.ts'

const ROOT = join(import.meta.dirname, '../..')
const read = (path: string): Promise<string> => readFile(join(ROOT, path), 'utf8')

/** The documents that are there, by path. */
async function documents(): Promise<ReadonlyMap<string, string>> {
  const pages = (await readdir(join(ROOT, 'docs'))).filter((name) => name.endsWith('.md')).map((name) => `docs/${name}`)
  return new Map(await Promise.all([...pages, 'README.md', 'CHANGELOG.md'].map(async (path) => [path, await read(path)] as const)))
}

const firstCells = (page: string): readonly string[] => [...page.matchAll(/^\| `([^`]+)` \|/gm)].map((match) => match[1] ?? '')
const chapter = (page: string, title: string): string => page.split(/^## /m).find((part) => part.startsWith(title)) ?? ''

t.test('generated documents are not stale: run `npm run docs`', async (t) => {
  for (const [name, text] of await generatedDocuments()) t.equal(await read(`docs/${name}`), text, name)
})

t.test('the documents that are promised are there, and say something', async (t) => {
  const pages = await documents()
  for (const path of ['README.md', 'CHANGELOG.md', ...['architecture', 'tablet-state', 'backup-format', 'http', 'errors', 'settings'].map((name) => `docs/${name}.md`)]) {
    t.ok((pages.get(path) ?? '').length > 300, path)
  }
  t.ok((await read('LICENSE')).includes('Apache License'))
})

t.test('every code, setting, state, event and blocker has its row, and nothing else has one', async (t) => {
  const state = await read('docs/tablet-state.md')
  const settings = (await read('docs/settings.md')).split('\n## Flags of Vitess')[0] ?? ''
  const tables: readonly (readonly [string, string, readonly string[]])[] = [
    ['codes', await read('docs/errors.md'), Object.keys(ERRORS)],
    ['settings', settings, Object.keys(SETTINGS)],
    ['states', chapter(state, 'States'), TABLET_STATES],
    ['events', chapter(state, 'Events'), Object.keys(TABLET_EVENTS)],
    ['blockers', chapter(state, 'Blockers'), Object.keys(BLOCKERS)],
  ]
  for (const [what, page, names] of tables) t.same([...firstCells(page)].sort(), [...names].sort(), what)
})

t.test('every probe and route is in docs/http.md, and nothing else is', async (t) => {
  const page = await read('docs/http.md')
  t.same([...firstCells(chapter(page, 'Probes').split('### ')[0] ?? '')].sort(), Object.keys(PROBES).sort(), 'probes')
  const rooms = await readdir(join(ROOT, 'src/http'))
  const text = (await Promise.all(rooms.map((name) => read(`src/http/${name}`)))).join('\n')
  const routes = [...text.matchAll(/method: '([A-Z]+)', path: '([^']+)'/g)].map((match) => `${match[1]} ${match[2]}`)
  t.ok(routes.length > 10)
  t.same([...firstCells(chapter(page, 'API').split('### ')[0] ?? '')].sort(), routes.sort(), 'routes')
})

t.test('what documents call by name exists', async (t) => {
  for (const [path, page] of await documents()) {
    const codes = [...page.matchAll(/`([A-Z]+(?:_[A-Z]+)+)`/g)].map((match) => match[1] ?? '').filter((word) => !word.startsWith('TABLETD_'))
    t.same(codes.filter((word) => !Object.hasOwn(ERRORS, word)), [], `codes in ${path}`)
    const flags = [...page.matchAll(/`--([a-z][a-z-]+)/g)].map((match) => match[1] ?? '')
    t.same(flags.filter((name) => !isSettingName(name) && !OTHER_FLAGS.has(name)), [], `flags in ${path}`)
    for (const link of page.matchAll(/\]\((?!https?:)([^)#]+)[^)]*\)/g)) {
      const target = join(ROOT, path, '..', link[1] ?? '')
      await t.resolves(readFile(target), `${path} links to ${link[1]}`)
    }
  }
})

/** Flags of tabletctl, of the scripts and of mysqld, and the spellings that settings.md explains itself by. */
const OTHER_FLAGS = new Set([
  ...COMMANDS.flatMap(({ options }) => options.map(({ name }) => name)),
  'help', 'check', 'version', 'config', 'json', 'direct', 'force', 'once', 'flavor', 'mysqld', 'allow-primary', 'new-primary', 'flag', 'defaults-file',
  'upgrade-safe', 'engine', 'log-bin',
])

t.test('hints of the catalogue name flags that exist', (t) => {
  for (const [code, { hint }] of Object.entries(ERRORS)) {
    for (const [, flag = ''] of hint.matchAll(/--([a-z][a-z-]+)/g)) t.ok(isSettingName(flag) || OTHER_FLAGS.has(flag), `${code}: --${flag}`)
  }
  t.end()
})

t.test('the command line in README is understood', async (t) => {
  const commands = [...(await read('README.md')).matchAll(/^tabletd ((?:.*\\\n)*.*)$/gm)].map((match) => (match[1] ?? '').replaceAll('\\\n', ' ').trim().split(/\s+/))
  t.ok(commands.length > 0)
  for (const argv of commands) {
    const { problems, ignored, given } = readArguments(argv)
    t.same([problems, ignored], [[], []], argv.join(' '))
    const required = (Object.keys(SETTINGS) as SettingName[]).filter((name) => settingNamed(name).default === REQUIRED)
    t.same(required.filter((name) => !given.some((one) => one.name === name)), [], 'nothing that is required is missing')
    for (const { name, raw } of given) t.ok(settingNamed(name).schema.safeParse(raw).success, name)
  }
})

t.test('a flag of Vitess that is built is a setting, not an ignored flag', (t) => {
  for (const name of ['restore-from-backup', 'init-tablet-type', 'backup-storage-implementation', 'builtinbackup-progress']) {
    t.equal(settingNamed(name as SettingName).vitess, true)
    t.equal(vitessFlag(name), undefined)
  }
  t.end()
})
