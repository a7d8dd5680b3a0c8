import t from 'tap'
import { readCommandLine } from '../../src/cli/command-line.ts'
import { COMMANDS, parseProgram } from '../../src/cli/tabletctl-program.ts'

const read = (...argv: readonly string[]) => readCommandLine(argv, COMMANDS)
const parse = (...argv: readonly string[]) => {
  const written: string[] = []
  const asked = parseProgram(read(...argv).argv, { version: '9.9.9', write: (text) => { written.push(text) } })
  return { name: asked?.command.name, args: asked?.args, options: asked?.options, written: written.join('') }
}

const SPELLINGS: readonly (readonly [readonly string[], string, readonly string[], Readonly<Record<string, string | true>>])[] = [
  [['backup', 'zone1-101'], 'backup', ['zone1-101'], {}],
  [['Backup', '-concurrency=4', '-allow_primary', 'zone1-101'], 'backup', ['zone1-101'], { 'concurrency': '4', 'allow-primary': true }],
  [['Backup', '--allow_primary=true', 'zone1-101'], 'backup', ['zone1-101'], { 'allow-primary': true }],
  [['Backup', '-allow_primary=false', 'zone1-101'], 'backup', ['zone1-101'], {}],
  [['Backup', '-allow_master', 'zone1-101'], 'backup', ['zone1-101'], { 'allow-primary': true }],
  [['backup', '--upgrade-safe', '--backup-engine', 'builtin', 'zone1-101'], 'backup', ['zone1-101'], { 'upgrade-safe': true, 'engine': 'builtin' }],
  [['BackupShard', 'commerce/-80'], 'backup-shard', ['commerce/-80'], {}],
  [['ListBackups', 'commerce/0'], 'list-backups', ['commerce/0'], {}],
  [['GetBackups', '-l', '5', '-j', 'commerce/0'], 'list-backups', ['commerce/0'], { limit: '5', json: true }],
  [['--json', 'list-backups', 'commerce/0', '--direct'], 'list-backups', ['commerce/0'], { json: true, direct: true }],
  [['RemoveBackup', 'commerce/0', 'name'], 'remove-backup', ['commerce/0', 'name'], {}],
  [['RestoreFromBackup', '-t', '2026-01-01.000000', 'zone1-101'], 'restore-from-backup', ['zone1-101'], { 'backup-timestamp': '2026-01-01.000000' }],
  [['InitShardMaster', '-force', 'commerce/0', 'zone1-101'], 'init-shard-primary', ['commerce/0', 'zone1-101'], { force: true }],
  [['InitShardPrimary', '--wait_replicas_timeout', '30s', 'commerce/0', 'zone1-101'], 'init-shard-primary', ['commerce/0', 'zone1-101'], { 'wait-replicas-timeout': '30s' }],
  [['PlannedReparentShard', '--new_primary', 'zone1-102', 'commerce/0'], 'planned-reparent-shard', ['commerce/0'], { 'new-primary': 'zone1-102' }],
  [['PlannedReparentShard', '-new_master=zone1-102', 'commerce/0'], 'planned-reparent-shard', ['commerce/0'], { 'new-primary': 'zone1-102' }],
  [['ChangeTabletType', 'zone1-101', 'drained'], 'change-tablet-type', ['zone1-101', 'drained'], {}],
  [['ListTablets'], 'list-tablets', [], {}],
  [['GetTablet', 'zone1-101'], 'get-tablet', ['zone1-101'], {}],
  [['operations', 'zone1-101'], 'list-operations', ['zone1-101'], {}],
  [['cancel', 'zone1-101', 'op-1'], 'cancel-operation', ['zone1-101', 'op-1'], {}],
]

for (const [argv, name, args, options] of SPELLINGS) {
  t.test(`${argv.join(' ')} is ${name}`, async (t) => {
    const parsed = parse(...argv)
    t.equal(parsed.name, name)
    t.same(parsed.args, args)
    t.same(JSON.parse(JSON.stringify(parsed.options)), options)
  })
}

t.test('settings are taken out wherever they stand, in every spelling', async (t) => {
  const line = read('-topo_global_root', '/t', 'backup', '--api-token-file=/f', 'zone1-101', '--restore-from-backup', '--tablet-dir', '/d', '--config', '/c.yaml')
  t.same(line.argv, ['backup', 'zone1-101'])
  t.same(line.settings, { 'topo_global_root': '/t', 'api-token-file': '/f', 'restore-from-backup': 'true', 'tablet-dir': '/d' })
  t.equal(line.configFile, '/c.yaml')
})

t.test('what a setting is to the daemon is an option to the command that has it', async (t) => {
  t.same(read('backup', 'zone1-101', '--concurrency', '7').settings, {})
})

t.test('after -- nothing is read as an option', async (t) => {
  t.same(read('backup', '--', '--topo-root', '-x').argv, ['backup', '--', '--topo-root', '-x'])
})

const WRONG: readonly (readonly [readonly string[], RegExp])[] = [
  [[], /which command\? backup/], [['bakup', 'x'], /unknown command 'bakup'.*backup/], [['backup'], /missing required argument 'alias'/],
  [['backup', 'a', 'b'], /too many arguments/], [['backup', 'a', '--alow-primary'], /unknown option '--alow-primary'.*--allow-primary/],
  [['backup', 'a', '--concurrency'], /argument missing/], [['list-backups', '--allow-primary', 'x'], /unknown option/],
  [['backup', 'a', '--allow-primary=perhaps'], /allow-primary/],
]

for (const [argv, message] of WRONG) {
  t.test(`tabletctl ${argv.join(' ')} is BAD_REQUEST`, async (t) => { t.throws(() => parse(...argv), { code: 'BAD_REQUEST', message }) })
}

t.test('help and version are written and ask for nothing', async (t) => {
  t.match(parse('--help'), { name: undefined, written: /Commands:[\s\S]*init-shard-primary[\s\S]*--topo-root/ })
  t.match(parse('help', 'backup'), { name: undefined, written: /--allow-primary/ })
  t.match(parse('Backup', '--help'), { name: undefined, written: /--allow-primary/ })
  t.match(parse('--version'), { name: undefined, written: /^9\.9\.9\n$/ })
})

t.test('no two commands share a name', async (t) => {
  const names = COMMANDS.flatMap(({ name, aliases }) => [name, ...aliases])
  t.equal(new Set(names).size, names.length)
})
