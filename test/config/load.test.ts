/** From sources to a Config: precedence, spellings, derived defaults, and every problem at once. */
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { TabletError } from '../../src/base/errors.ts'
import type { MachineFacts } from '../../src/config/derive.ts'
import { loadClientConfig, loadConfig, type SettingsSources } from '../../src/config/load.ts'
import { SETTINGS, type Config } from '../../src/config/settings.ts'

const directory = await mkdtemp(join(tmpdir(), 'td-config-'))
t.teardown(() => rm(directory, { recursive: true, force: true }))
const secret = join(directory, 'password')
await writeFile(secret, 'correct horse\n', { mode: 0o600 })

const MACHINE: MachineFacts = { hostname: 'db7.example', pid: 4711, cores: 6, findProgram: () => '/opt/mysqld' }

/** The least that a daemon needs. */
const NEEDED = [
  '--tablet-path=zone1-101', '--init-keyspace=commerce', '--init-shard=0', '--topo-root=/srv/topology', '--my-cnf=/etc/my.cnf',
  `--db-dba-password-file=${secret}`, `--db-repl-password-file=${secret}`,
]

async function configOf(sources: Partial<SettingsSources>): Promise<Config> {
  const loaded = await loadConfig({ machine: MACHINE, env: {}, ...sources, argv: [...NEEDED, ...sources.argv ?? []] })
  if (loaded.command !== 'run') throw new Error(`the command is ${loaded.command}`)
  return loaded.config
}

async function complaintOf(argv: readonly string[], more: Partial<SettingsSources> = {}): Promise<string> {
  try {
    await loadConfig({ machine: MACHINE, env: {}, ...more, argv })
  } catch (error) {
    if (error instanceof TabletError && error.code === 'SETTINGS_INVALID') return error.message
    throw error
  }
  return ''
}

t.test('a command line spelled as Vitess spells it works', async (t) => {
  const loaded = await loadConfig({
    machine: MACHINE, env: {}, argv: [
      '-backup_storage_implementation=file', '-file_backup_storage_root=/srv/backups', '-restore_from_backup',
      '-tablet-path', 'zone1-0000000101', '-init_keyspace', 'commerce', '-init_shard', '-80', '-init_tablet_type', 'REPLICA',
      '-topo_implementation', 'file', '-topo_global_server_address', 'localhost:2379', '-topo_global_root', '/srv/topology',
      '-mycnf-file', '/etc/my.cnf', '-health_check_interval', '5s', '-wait_for_backup_interval=10s', '-grpc_port', '16101',
      '-service_map', 'grpc-queryservice', '-pid_file', '/tmp/x.pid', '-logtostderr', '-port', '15101',
      '-db-dba-password-file', secret, '-db_repl_password_file', secret,
    ],
  })
  t.match(loaded, { command: 'run', config: {
    'backup-storage-implementation': 'file', 'file-backup-storage-root': '/srv/backups', 'restore-from-backup': true,
    'tablet-path': 'zone1-0000000101', 'init-keyspace': 'commerce', 'init-shard': '-80', 'init-tablet-type': 'replica', 'topo-root': '/srv/topology',
    'my-cnf': '/etc/my.cnf', 'health-check-interval': 5000, 'wait-for-backup-interval': 10_000, 'port': 15_101,
  } })
  t.same('warnings' in loaded && loaded.warnings, [
    'flags of Vitess that mean nothing to tabletd are ignored: --topo-global-server-address, --grpc-port, --service-map, '
    + '--pid-file, --logtostderr',
  ])
})

t.test('the file is weaker than the environment, the environment weaker than a flag', async (t) => {
  const files: string[] = []
  const sources = {
    env: { TABLETD_CONFIG: 'x.yaml', TABLETD_RESTORE_CONCURRENCY: '2', TABLETD_CONCURRENCY: '2', TABLETD_UNRELATED_PORT: undefined, PATH: '/bin' },
    readFile: (path: string): Promise<string> => { files.push(path); return Promise.resolve('restore_concurrency: 1\nconcurrency: 1\nport: 1\n') },
  }
  const config = await configOf({ ...sources, argv: ['--concurrency=3'] })
  t.same([config['port'], config['restore-concurrency'], config['concurrency']], [1, 2, 3])
  await configOf({ ...sources, argv: ['--config=/etc/other.yaml'] })
  t.same(files, [join(process.cwd(), 'x.yaml'), '/etc/other.yaml'])
})

t.test('a repeated flag: the last one counts, and lists grow', async (t) => {
  const config = await configOf({ argv: ['--port=1', '--port=2', '--init-tags=a:1', '--init-tags=b:2,c:3'] })
  t.equal(config['port'], 2)
  t.same(config['init-tags'], { a: '1', b: '2', c: '3' })
})

t.test('an empty value takes back what a weaker source said', async (t) => {
  const config = await configOf({ env: { TABLETD_INIT_DB_NAME_OVERRIDE: 'shop', TABLETD_MYSQLD_USER: '' }, argv: ['--init-db-name-override='] })
  t.equal(config['init-db-name-override'], undefined)
  t.equal(config['mysqld-user'], undefined)
})

t.test('defaults come from the table, the alias and the machine', async (t) => {
  const config = await configOf({})
  t.match(config, {
    'tablet-path': 'zone1-0000000101', 'tablet-dir': '/var/lib/tabletd/zone1-0000000101',
    'tablet-hostname': 'db7.example', 'compression-threads': 6, 'server-id': undefined, 'mysqld-path': '/opt/mysqld', 'stop-mysqld-on-exit': false, 'mysqld-control': 'supervised',
    'port': 15_100, 'compression-engine-name': 'zstd', 'unhealthy-threshold': 7_200_000, 'semi-sync': 'unset', 'restore-from-backup': false,
  })
  t.same(Object.keys(config).sort(), Object.keys(SETTINGS).sort(), 'every setting has its place')
  t.ok(Object.isFrozen(config))
  const first = await configOf({ machine: { ...MACHINE, pid: 1 } })
  t.equal(first['stop-mysqld-on-exit'], true)
  const own = await configOf({ machine: { ...MACHINE, pid: 1 }, argv: ['--stop-mysqld-on-exit=false', '--tablet-dir=/srv/t', '--server-id=7'] })
  t.same([own['stop-mysqld-on-exit'], own['tablet-dir'], own['server-id']], [false, '/srv/t', 7])
})

t.test('help and version need no settings at all', async (t) => {
  t.same(await loadConfig({ argv: ['--help', '--port=x'], env: {} }), { command: 'help' })
  t.same(await loadConfig({ argv: ['-version'], env: { TABLETD_PORT: 'x' } }), { command: 'version' })
  t.match(await loadConfig({ argv: [...NEEDED, '--check'], env: {}, machine: MACHINE }), { command: 'check', config: { port: 15_100 } })
})

t.test('all problems of all sources are told at once, with code, hint and exit status', async (t) => {
  const problem = loadConfig({
    machine: MACHINE, argv: ['--prot=1', '--port=x', '--restore-from-backup', '--config=f'], env: { TABLETD_LAMEDUCK_PERIOD: '5' },
    readFile: () => Promise.resolve('restore-concurrency: 0\n'),
  })
  const error: unknown = await problem.catch((reason: unknown) => reason)
  if (!(error instanceof TabletError)) throw error
  t.equal(error.code, 'SETTINGS_INVALID')
  t.equal(error.row.exit, 78)
  for (const line of [
    /^ {2}--prot: is not a setting \(did you mean --port\?\)$/m, /^ {2}--port: "x" is not a whole number from 1 to 65535/m,
    /^ {2}TABLETD_LAMEDUCK_PERIOD: "5" is not a duration/m, /^ {2}f:1: restore-concurrency: "0" is not a whole number/m,
    /^ {2}--tablet-path: is needed/m, /^ {2}--init-shard: is needed/m, /^ {2}--db-dba-password-file: is needed/m,
    /^ {2}--backup-storage-implementation: is needed with restore-from-backup/m,
  ]) t.match(error.message, line)
  const problems = error.details['problems'] as readonly { readonly where: string }[]
  t.ok(problems.some(({ where }) => where === 'f:1: restore-concurrency'))
  t.equal(error.message.split('\n').length - 1, problems.length)
})

t.test('a single problem is a single line', async (t) => {
  t.match(await complaintOf([...NEEDED, '--port=x']), /^--port: "x" is not a whole number from 1 to 65535 \([^\n]*\)$/)
})

t.test('a wrong value is told also where a stronger source replaces it', async (t) => {
  t.match(await complaintOf([...NEEDED, '--port=1'], { env: { TABLETD_PORT: 'x' } }), /^TABLETD_PORT: "x"/)
})

t.test('a settings file that cannot be read is a problem beside the others', async (t) => {
  const complaint = await complaintOf([...NEEDED, `--config=${join(directory, 'absent.yaml')}`, '--port=x'])
  t.match(complaint, /--config: cannot read .*absent\.yaml: ENOENT/)
  t.match(complaint, /--port/)
})

t.test('the file of a secret is looked at, and its content never told', async (t) => {
  const open = join(directory, 'open')
  await writeFile(open, 'hunter2')
  await chmod(open, 0o644)
  const complaint = await complaintOf([...NEEDED, `--api-token-file=${open}`, `--db-dba-password-file=${join(directory, 'absent')}`])
  t.match(complaint, /--api-token-file: .*everybody on this machine/)
  t.match(complaint, /--db-dba-password-file: .*there is no such file/)
  t.notMatch(complaint, /hunter2/)
})

t.test('a client is told what it was given, and needs nothing', async (t) => {
  const { config, warnings } = await loadClientConfig({
    flags: { 'topo_global_root': '/srv/topology', '--file-backup-storage-root': 'backups' }, env: { TABLETD_GRPC_PORT: '1' },
    configFile: 'c.yaml', readFile: () => Promise.resolve('tablet-path: zone1-101\n'),
  })
  t.match(config, { 'topo-root': '/srv/topology', 'file-backup-storage-root': join(process.cwd(), 'backups'), 'topo-implementation': 'file', 'tablet-path': 'zone1-0000000101' })
  t.equal(config['api-token-file'], undefined)
  t.same(warnings, ['flags of Vitess that mean nothing to tabletd are ignored: TABLETD_GRPC_PORT'])
  await t.rejects(loadClientConfig({ flags: { 'topo-root': '/t', 'port': 'x' }, env: { TABLETD_NOSUCH: '1' } }), { code: 'SETTINGS_INVALID', message: /2 settings/ })
})
