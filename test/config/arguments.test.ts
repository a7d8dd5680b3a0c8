/** Every spelling of a flag, and what is said of what is none. */
import t from 'tap'
import { readArguments } from '../../src/config/arguments.ts'

const valuesOf = (...argv: readonly string[]): readonly (readonly [string, unknown])[] => {
  const { given, problems } = readArguments(argv)
  t.same(problems, [], argv.join(' '))
  return given.map(({ name, raw }) => [name, raw])
}

t.test('one setting has many spellings', (t) => {
  const spellings: readonly (readonly string[])[] = [
    ['--restore-concurrency', '8'], ['--restore-concurrency=8'], ['-restore-concurrency', '8'], ['-restore-concurrency=8'],
    ['--restore_concurrency', '8'], ['--restore_concurrency=8'], ['-restore_concurrency', '8'], ['-restore_concurrency=8'],
    ['--RESTORE_CONCURRENCY=8'],
  ]
  for (const argv of spellings) t.same(valuesOf(...argv), [['restore-concurrency', '8']], argv.join(' '))
  t.end()
})

t.test('a switch is true when bare and takes its word after = only', (t) => {
  t.same(valuesOf('-restore_from_backup', '-port', '1'), [['restore-from-backup', 'true'], ['port', '1']])
  t.same(valuesOf('--restore-from-backup=false'), [['restore-from-backup', 'false']])
  const { given, problems } = readArguments(['--restore-from-backup', 'false'])
  t.same(given.map(({ raw }) => raw), ['true'])
  t.match(problems, [{ where: '--restore-from-backup', what: /takes no word after it/, hint: 'write --restore-from-backup=false' }])
  t.end()
})

t.test('a flag takes the next argument though it begins with a dash, unless it is plainly a flag', (t) => {
  t.same(valuesOf('-init_shard', '-80', '-port=1'), [['init-shard', '-80'], ['port', '1']])
  for (const next of ['--restore-from-backup', '-logtostderr', '--help', '--config=x']) {
    t.match(readArguments(['--init-shard', next]).problems, [{ where: '--init-shard', what: 'needs a value' }], next)
  }
  t.match(readArguments(['--init-shard']).problems, [{ where: '--init-shard', what: 'needs a value' }])
  t.match(readArguments(['--config']).problems, [{ where: '--config', what: 'needs a value' }])
  t.end()
})

t.test('an attached value may hold anything, also nothing and further equal signs', (t) => {
  t.same(valuesOf('--init-tags=a:b=c'), [['init-tags', 'a:b=c']])
  t.same(valuesOf('--init-db-name-override='), [['init-db-name-override', '']])
  t.same(valuesOf('--init-db-name-override', ''), [['init-db-name-override', '']])
  t.end()
})

t.test('other names of a setting are that setting', (t) => {
  const aliases = {
    '--mycnf-file': 'my-cnf', '-mycnf_file': 'my-cnf', '--topo-global-root': 'topo-root',
    '--master_connect_retry': 'replication-connect-retry',
  }
  for (const [flag, name] of Object.entries(aliases)) t.same(valuesOf(flag, 'x'), [[name, 'x']], flag)
  t.end()
})

t.test('commands are no settings, and help wins', (t) => {
  const commands: readonly (readonly [readonly string[], string])[] = [
    [[], 'run'], [['--check'], 'check'], [['-check=true'], 'check'], [['--check=false'], 'run'], [['--version'], 'version'],
    [['--help'], 'help'], [['-h'], 'help'], [['-help'], 'help'], [['--check', '--help', '--version'], 'help'],
  ]
  for (const [argv, command] of commands) t.equal(readArguments(argv).command, command, argv.join(' '))
  t.end()
})

t.test('the file is named once, the last one counts', (t) => {
  t.equal(readArguments(['--config', 'a.yaml']).configFile, 'a.yaml')
  t.equal(readArguments(['-config=a.yaml', '--config=b.yaml']).configFile, 'b.yaml')
  t.end()
})

t.test('flags of Vitess outside our scope are swallowed with their values', (t) => {
  const { given, ignored, problems } = readArguments(['-grpc_port', '15999', '-logtostderr', '-service_map', 'grpc-x,-grpc-y', '--s3-backup-log-level=LogOff', '-port', '1'])
  t.same(given.map(({ name }) => name), ['port'])
  t.same(ignored, ['--grpc-port', '--logtostderr', '--service-map', '--s3-backup-log-level'])
  t.same(problems, [])
  t.end()
})

t.test('flags of Vitess that must not be ignored are refused when set', (t) => {
  for (const argv of [['--restore-to-pos', 'MySQL56/x'], ['--restore_to_timestamp=2021-01-01T00:00:00Z'], ['-restore-with-clone'], ['--disable_active_reparents'], ['-unmanaged']]) {
    t.match(readArguments(argv).problems, [{ what: /must not ignore/, hint: /./ }], argv.join(' '))
  }
  for (const argv of [['--restore-with-clone=false'], ['--disable-active-reparents=false'], ['--restore-to-pos=']]) {
    t.same(readArguments(argv).problems, [], argv.join(' '))
  }
  t.end()
})

t.test('an unknown flag is an error that names the nearest setting and not its value', (t) => {
  const { problems } = readArguments(['--restor-from-backup', '--zzzz=hunter2', '--yyyy', 'hunter2', '--constructor=1'])
  t.match(problems, [
    { where: '--restor-from-backup', what: 'is not a setting', hint: 'did you mean --restore-from-backup?' },
    { where: '--zzzz', hint: /--help/ }, { where: '--yyyy' }, { where: '--constructor' },
  ])
  t.notMatch(JSON.stringify(problems), /hunter2/)
  t.end()
})

t.test('a secret on the command line is refused and not repeated', (t) => {
  const { problems, given } = readArguments(['-db_dba_password', 'hunter2', '--db-repl-password=hunter2', '--api-token', 'hunter2', '--orc_api_password=hunter2'])
  t.match(problems, [
    { where: '--db-dba-password', hint: /--db-dba-password-file/ }, { hint: /--db-repl-password-file/ }, { hint: /--api-token-file/ }, { hint: /remove it/ },
  ])
  t.same(given, [])
  t.notMatch(JSON.stringify(problems), /hunter2/)
  t.end()
})

t.test('an argument that is no flag is an error, and not repeated either', (t) => {
  for (const argv of [['hunter2'], ['--port=1', 'hunter2'], ['--', 'hunter2'], ['-80'], ['']]) {
    const { problems } = readArguments(argv)
    t.ok(problems.length > 0, JSON.stringify(argv))
    t.notMatch(JSON.stringify(problems), /hunter2/)
  }
  t.end()
})
