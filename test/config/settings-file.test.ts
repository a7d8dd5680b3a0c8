/** The YAML file: plain values mean what they mean in a flag, and a hostile file is an error, not a surprise. */
import t from 'tap'
import { readSettingsFile } from '../../src/config/settings-file.ts'

const read = (text: string): ReturnType<typeof readSettingsFile> => readSettingsFile('tabletd.yaml', text)

t.test('values are the text they are', (t) => {
  const { given, problems } = read(`
# a comment
tablet-path: zone1-0000000101
init-shard: 0
init_keyspace: "commerce"
restore-from-backup: true
restore-from-backup-ts: 2021-04-29.133050
port: 15_100
wait-for-backup-interval: 1m30s
file-backup-storage-root: /srv/a b
init-db-name-override:
restore-from-backup-allowed-engines: [builtin, xtrabackup]
init-tags:
  - zone:eu
  - rack:b1
`)
  t.same(problems, [])
  t.same(Object.fromEntries(given.map(({ name, raw }) => [name, raw])), {
    'tablet-path': 'zone1-0000000101', 'init-shard': '0', 'init-keyspace': 'commerce', 'restore-from-backup': 'true',
    'restore-from-backup-ts': '2021-04-29.133050', 'port': '15_100', 'wait-for-backup-interval': '1m30s',
    'file-backup-storage-root': '/srv/a b', 'init-db-name-override': '', 'restore-from-backup-allowed-engines': ['builtin', 'xtrabackup'],
    'init-tags': ['zone:eu', 'rack:b1'],
  })
  t.equal(given[0]?.where, 'tabletd.yaml:3: tablet-path')
  t.end()
})

t.test('an empty file, and one of comments, say nothing', (t) => {
  for (const text of ['', '\n', '# nothing\n', '---\n', '{}\n']) t.same(read(text), { given: [], problems: [], ignored: [] }, JSON.stringify(text))
  t.end()
})

t.test('what is wrong is told with its line', (t) => {
  const cases: readonly (readonly [title: string, text: string, problem: object])[] = [
    ['a duplicate key', 'port: 1\nport: 2\n', { where: 'tabletd.yaml:2', what: /unique/ }],
    ['the same setting in two spellings is no duplicate of the parser', 'nosuch: 2\n', { where: 'tabletd.yaml:1: nosuch', what: 'is not a setting' }],
    ['a slip of the fingers', 'port: 1\nrestor-from-backup: true\n', { where: /:2/, hint: 'did you mean --restore-from-backup?' }],
    ['a nested value', 'port:\n  number: 1\n', { where: 'tabletd.yaml:1', what: /port: must be a value or a list/ }],
    ['a nested list', 'init-tags:\n - [a]\n', { what: /must be a value or a list/ }],
    ['a list', '- port\n', { what: /not a mapping/ }],
    ['a word', 'port\n', { what: /not a mapping/ }],
    ['broken syntax', 'port: [1\n', { where: /^tabletd.yaml:\d$/ }],
    ['two documents', 'port: 1\n---\nport: 2\n', { what: /./ }],
    ['a tag of its own', 'port: !!js/function "x"\n', { what: /tag/i }],
    ['a local tag', 'port: !x 1\n', { what: /tag/i }],
    ['an anchor', 'port: &a 1\n', { what: 'anchors and aliases are not taken' }],
    ['an alias', 'port: *a\n', { what: /alias/i }],
    ['a merge key', '<<: {port: 1}\n', { what: /must be a value|not a setting/ }],
    ['a key that is a list', '? [a]\n: 1\n', { what: /plain word/ }],
    ['a secret', 'db-dba-password: hunter2\n', { what: /files only/, hint: /db-dba-password-file/ }],
    ['a key of the prototype', '__proto__: 1\n', { what: 'is not a setting' }],
  ]
  for (const [title, text, problem] of cases) {
    const { problems, given } = read(text)
    t.match(problems[0], problem, title)
    t.notMatch(JSON.stringify(problems), /hunter2/, title)
    t.notOk(given.some(({ raw }) => raw === 'hunter2'))
  }
  t.end()
})

t.test('a file that is built to exhaust the reader ends in an error', (t) => {
  const laughs = `a: &a [x,x]\n${Array.from({ length: 30 }, (_, n) => `b${n}: &b${n} [${n === 0 ? '*a,*a' : `*b${n - 1},*b${n - 1}`}]`).join('\n')}\n`
  t.ok(read(laughs).problems.length > 0)
  t.match(read('x'.repeat(300_000)).problems, [{ what: /larger than/ }])
  t.ok(read(`port: ${'['.repeat(5000)}`).problems.length > 0)
  t.end()
})

t.test('flags of Vitess are taken here too', (t) => {
  const { ignored, problems } = read('grpc_port: 15999\n')
  t.same(problems, [])
  t.same(ignored, ['tabletd.yaml:1: grpc_port'])
  t.end()
})
