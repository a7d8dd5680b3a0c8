/** The files in config/ work as they are: the example is loaded, and both my.cnf boot real servers as tabletd wants them. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { loadConfig } from '../../src/config/load.ts'
import { isSettingName } from '../../src/config/settings.ts'
import { forEachServer, type TestServer } from '../support/servers.ts'
import { startMysqld, type ThrowawayMysqld } from '../support/throwaway-mysqld.ts'

const shipped = (name: string): Promise<string> => readFile(join(import.meta.dirname, '../../config', name), 'utf8')

t.test('the example of a settings file is taken as it is', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'td-example-'))
  t.teardown(() => rm(directory, { recursive: true, force: true }))
  const text = await shipped('tabletd.example.yaml')
  for (const name of ['dba-password', 'repl-password', 'api-token']) await writeFile(join(directory, name), 'secret\n', { mode: 0o600 })
  await writeFile(join(directory, 'tabletd.yaml'), text.replaceAll('/etc/tabletd/', `${directory}/`))
  const loaded = await loadConfig({
    argv: ['--config', join(directory, 'tabletd.yaml')], env: {}, machine: { hostname: 'h', pid: 2, cores: 2, findProgram: () => '/usr/sbin/mysqld' },
  })
  t.match(loaded, { command: 'run', warnings: [], config: {
    'tablet-path': 'zone1-0000000101', 'init-shard': '0', 'restore-from-backup': true, 'wait-for-backup-interval': 60_000, 'semi-sync': 'unset',
  } })
})

t.test('also what the example has commented out is taken', async (t) => {
  const text = await shipped('tabletd.example.yaml')
  const hidden = [...text.matchAll(/^#([a-z][a-z-]+): (.*?)(?: +#.*)?$/gm)].map((match) => [match[1] ?? '', match[2] ?? ''] as const)
  t.ok(hidden.length >= 5)
  for (const [name] of hidden) t.ok(isSettingName(name), name)
  const { problems } = (await import('../../src/config/settings-file.ts')).readSettingsFile('x', text.replaceAll(/^#(?=[a-z][a-z-]+: )/gm, ''))
  t.same(problems, [])
})

/** The shipped file with only its places changed, plus what a packaged server needs to run small and as root. */
function placed(text: string, mysqld: ThrowawayMysqld): string {
  const places: Readonly<Record<string, string>> = {
    datadir: mysqld.dataDir, socket: mysqld.socket, pid_file: join(mysqld.dir, 'mysqld.pid'), log_error: mysqld.errorLog,
    port: String(mysqld.port), bind_address: '127.0.0.1',
  }
  const moved = text.replaceAll(/^([a-z_]+)=.*$/gm, (line, name: string) => places[name] === undefined ? line : `${name}=${places[name]}`)
  const small = ['innodb_buffer_pool_size=64M', ...mysqld.server.name === 'mysql' ? ['secure_file_priv=NULL', 'innodb_redo_log_capacity=16M'] : ['innodb_log_file_size=16M']]
  return [moved, ...process.getuid?.() === 0 ? ['user=root'] : [], ...small, ''].join('\n')
}

async function bootWith(server: TestServer, change: (text: string) => string): Promise<ThrowawayMysqld> {
  const mysqld = await startMysqld({ server, start: false })
  try {
    await writeFile(mysqld.cnfPath, placed(change(await shipped(`${server.name}.cnf`)), mysqld))
    await mysqld.start()
    return mysqld
  } catch (error) {
    await mysqld[Symbol.asyncDispose]()
    throw error
  }
}

async function variablesOf(mysqld: ThrowawayMysqld): Promise<Readonly<Record<string, string>>> {
  const rows = await mysqld.rows('SHOW GLOBAL VARIABLES')
  return Object.fromEntries(rows.map((row) => [String(row['Variable_name']).toLowerCase(), String(row['Value'])]))
}

const WANTED: Readonly<Record<TestServer['name'], Readonly<Record<string, string | RegExp>>>> = {
  mysql: {
    gtid_mode: 'ON', enforce_gtid_consistency: 'ON', log_bin: 'ON', log_replica_updates: 'ON', read_only: 'ON', super_read_only: 'ON',
    skip_replica_start: 'ON', relay_log_recovery: 'ON', sync_binlog: '1', innodb_flush_log_at_trx_commit: '1', binlog_expire_logs_seconds: '259200',
    replica_net_timeout: '8', log_bin_basename: /\/binlog$/, relay_log_basename: /\/relay$/, binlog_format: 'ROW',
  },
  mariadb: {
    gtid_strict_mode: 'ON', gtid_domain_id: '0', log_bin: 'ON', log_slave_updates: 'ON', read_only: 'ON', relay_log_recovery: 'ON', sync_binlog: '1',
    innodb_flush_log_at_trx_commit: '1', expire_logs_days: /^3(?:\.0+)?$/, slave_net_timeout: '8', log_bin_basename: /\/binlog$/, relay_log_basename: /\/relay$/,
    binlog_format: 'ROW',
  },
}

forEachServer(t, 'the shipped my.cnf boots a server that is read-only and ready for GTIDs', async (t, server) => {
  await using mysqld = await bootWith(server, (text) => text)
  const variables = await variablesOf(mysqld)
  for (const [name, value] of Object.entries(WANTED[server.name])) t.match(variables[name], value, name)
  t.match(variables['datadir'], mysqld.dataDir)
  const log = await readFile(mysqld.errorLog, 'utf8')
  t.notMatch(log, /deprecated|unknown (?:variable|option)/i, 'the server finds nothing to complain of in the file')
})

forEachServer(t, 'so do its lines for semi-sync', async (t, server) => {
  await using mysqld = await bootWith(server, (text) => text.replaceAll(/^#(?=(?:plugin_load_add|loose_rpl|rpl|server_id)[a-z_]*=)/gm, ''))
  const variables = await variablesOf(mysqld)
  t.equal(variables['server_id'], '101')
  if (server.name === 'mysql') {
    t.match(variables, { rpl_semi_sync_source_timeout: '1000000000', rpl_semi_sync_source_enabled: 'OFF', rpl_semi_sync_replica_enabled: 'OFF' })
  } else {
    t.match(variables, { rpl_semi_sync_master_timeout: '1000000000', rpl_semi_sync_master_enabled: 'OFF', rpl_semi_sync_slave_enabled: 'OFF' })
  }
})

forEachServer(t, 'every line of the shipped my.cnf stands under a reason', async (t, server) => {
  const lines = (await shipped(`${server.name}.cnf`)).split('\n')
  const settings = lines.flatMap((line, at) => /^[a-z_]+(?:=|$)/.test(line) ? [at] : [])
  t.ok(settings.length > 10)
  for (const at of settings) {
    let above = at - 1
    while (/^[a-z_]+(?:=|$)/.test(lines[above] ?? '')) above--
    t.match(lines[above], /^# ?/, lines[at] ?? '')
  }
})
