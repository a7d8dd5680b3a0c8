/**
 * The floors of the house, and its doors to the outside.
 *
 * A module imports from its own room and from floors below: never up, never from another room of its floor. A
 * package from npm comes in through the modules named in DOORS. Whoever changes FLOORS or DOORS gives the reason
 * in the commit.
 */
import { readFile, readdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import t from 'tap'
import { importsIn } from './imports-in.ts'

/** Ground floor first. Rooms in one array stand on one floor and are strangers to one another. */
const FLOORS: readonly (readonly string[])[] = [
  ['base'],
  ['model'],
  ['config'],
  ['mysqld', 'storage', 'topology'],
  ['engine'],
  ['backup', 'restore', 'replication', 'health'],
  ['http'],
  ['daemon'],
  ['cli'],
]

/** Package → modules that may import it; a name that ends with / means the whole room. */
const DOORS: Readonly<Record<string, readonly string[]>> = {
  'pino': ['base/logger.ts'],
  'p-limit': ['base/action.ts'],
  'zod': ['config/setting.ts'],
  'yaml': ['config/settings-file.ts'],
  'mysql2': ['mysqld/connection.ts'],
  // the vendors' clients are loaded when first used: their modules would triple the daemon's start
  '@aws-sdk/client-s3': ['storage/s3-client.ts'],
  '@azure/storage-blob': ['storage/azblob-client.ts'],
  '@google-cloud/storage': ['storage/gcs-client.ts'],
  // so are the codecs that few backups need
  'lz4-napi': ['engine/lz4-library.ts'],
  'xxhash-wasm': ['engine/lz4-library.ts'],
  'execa': ['mysqld/program.ts'],
  'fastify': ['http/'],
  'prom-client': ['http/', 'health/'],
  'croner': ['daemon/'],
  'commander': ['cli/'],
}

/**
 * Other programs are started by mysqld/program.ts; flock(1) holds a lock for us before there is a mysqld, and filters are
 * plain pipes with a process group of their own.
 */
const BUILT_IN_DOORS: Readonly<Record<string, readonly string[]>> = {
  'node:child_process': ['base/file-lock.ts', 'engine/filter-program.ts'],
}

const MAX_LINES = 250
const SRC = join(import.meta.dirname, '../../src')

const sources = new Map<string, string>()
for (const file of await readdir(SRC, { recursive: true })) {
  if (file.endsWith('.ts')) sources.set(file, await readFile(join(SRC, file), 'utf8'))
}

const roomOf = (file: string): string => file.split('/')[0] ?? ''
const floorOf = (file: string): number => FLOORS.findIndex((rooms) => rooms.includes(roomOf(file)))
const importsOf = (file: string): readonly string[] => importsIn(sources.get(file) ?? '')
const localImportsOf = (file: string): readonly string[] =>
  importsOf(file).filter((name) => name.startsWith('.')).map((name) => join(dirname(file), name))

const packageOf = (name: string): string => name.split('/').slice(0, name.startsWith('@') ? 2 : 1).join('/')
const mayPass = (doors: readonly string[] | undefined, file: string): boolean =>
  doors?.some((door) => door === file || (door.endsWith('/') && file.startsWith(door))) ?? false

t.test('every room stands on a floor', (t) => {
  t.ok(sources.size > 50, `${sources.size} modules found`)
  t.same([...sources.keys()].filter((file) => floorOf(file) === -1), [])
  t.end()
})

t.test('every import goes down, or stays in its room', (t) => {
  const wrong = [...sources.keys()].flatMap((file) => localImportsOf(file)
    .filter((target) => roomOf(file) !== roomOf(target) && floorOf(target) >= floorOf(file))
    .map((target) => `${file} -> ${target}`))
  t.same(wrong, [])
  t.end()
})

t.test('every import names a module that exists, with its ending', (t) => {
  const wrong = [...sources.keys()].flatMap((file) => localImportsOf(file).filter((target) => !sources.has(target)).map((target) => `${file} -> ${target}`))
  t.same(wrong, [])
  t.end()
})

t.test('no module imports itself, even by a detour', (t) => {
  const done = new Set<string>()
  const cycles: string[] = []
  const visit = (file: string, path: readonly string[]): void => {
    if (path.includes(file)) cycles.push([...path.slice(path.indexOf(file)), file].join(' -> '))
    if (done.has(file) || path.includes(file)) return
    for (const target of localImportsOf(file)) visit(target, [...path, file])
    done.add(file)
  }
  for (const file of sources.keys()) visit(file, [])
  t.same(cycles, [])
  t.end()
})

t.test('a package comes in through its door only', (t) => {
  const wrong = [...sources.keys()].flatMap((file) => importsOf(file)
    .filter((name) => !/^(?:\.|node:)/.test(name) && !mayPass(DOORS[packageOf(name)], file))
    .map((name) => `${file} imports ${name}`))
  t.same(wrong, [])
  t.end()
})

t.test('programs are started through their doors only', (t) => {
  const wrong = [...sources.keys()].flatMap((file) => importsOf(file)
    .filter((name) => name in BUILT_IN_DOORS && !mayPass(BUILT_IN_DOORS[name], file))
    .map((name) => `${file} imports ${name}`))
  t.same(wrong, [])
  t.end()
})

t.test('every door is a dependency, and every dependency has its door', async (t) => {
  const { dependencies } = JSON.parse(await readFile(join(SRC, '../package.json'), 'utf8')) as { dependencies: Record<string, string> }
  t.same(Object.keys(dependencies).sort(), Object.keys(DOORS).sort())
  t.same(Object.entries(dependencies).filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version)), [], 'every version is pinned')
})

t.test('a module can be read in one sitting', (t) => {
  t.same([...sources].filter(([, text]) => text.trimEnd().split('\n').length > MAX_LINES).map(([file]) => file), [])
  t.end()
})

t.test('a module that is longer than a screen says first what it owns', (t) => {
  const silent = [...sources].filter(([, text]) => text.split('\n').length > 30 && !text.startsWith('/**') && !text.startsWith('//') && !text.startsWith('#!'))
  t.same(silent.map(([file]) => file), [])
  t.end()
})
