import t from 'tap'
import { gtidProblemsOf, identityOf, pathsOf, semiSyncOf, variablesOf } from '../../src/mysqld/server-variables.ts'

const variables = (values: Readonly<Record<string, string | null>>) =>
  variablesOf(Object.entries(values).map(([Variable_name, Value]) => ({ Variable_name, Value })))

const PLACES = {
  datadir: '/var/lib/mysql/', innodb_data_home_dir: null, innodb_log_group_home_dir: './', innodb_undo_directory: '/undo', tmpdir: '/tmp:/tmp2',
  socket: '/run/m.sock', pid_file: 'host.pid', log_error: './host.err', log_bin: 'ON', log_bin_basename: '/var/lib/mysql/binlog',
  relay_log_basename: '/logs/relay', plugin_dir: '/plugins/', innodb_data_file_path: 'ibdata1:12M:autoextend', innodb_page_size: '16384',
}

t.test('paths are absolute, as the server resolves them', (t) => {
  t.same(pathsOf(variables(PLACES)), {
    dataDir: '/var/lib/mysql', innodbDataHome: '/var/lib/mysql', innodbLogHome: '/var/lib/mysql', undoDir: '/undo', tmpDir: '/tmp',
    socket: '/run/m.sock', pidFile: '/var/lib/mysql/host.pid', errorLog: '/var/lib/mysql/host.err', binlogBase: '/var/lib/mysql/binlog',
    relayLogBase: '/logs/relay', pluginDir: '/plugins', innodbDataFilePath: 'ibdata1:12M:autoextend', innodbPageSize: 16384,
  })
  t.end()
})

t.test('a server without a binary log or an error log of its own has no such path', (t) => {
  const paths = pathsOf(variables({ ...PLACES, log_bin: 'OFF', log_error: 'stderr' }))
  t.equal(paths.binlogBase, undefined)
  t.equal(paths.errorLog, undefined)
  t.end()
})

t.test('the identity keeps the texts of the server and reads the numbers', (t) => {
  const said = variables({ ...PLACES, server_id: '4294967295', server_uuid: 'u', lower_case_table_names: '1' })
  t.match(identityOf('mysql', '8.0.36-28', 'Percona Server (GPL)', said), {
    version: { product: 'Percona', major: 8, minor: 0, patch: 36 }, versionText: '8.0.36-28', serverUuid: 'u', serverId: 4294967295, lowerCaseTableNames: 1,
  })
  t.equal(identityOf('mariadb', '10.11.19-MariaDB', '', said).serverUuid, '', 'MariaDB has none')
  t.throws(() => identityOf('mysql', '9.7.4', '', variables({ ...PLACES, lower_case_table_names: '0' })), { code: 'QUERY_FAILED' })
  t.end()
})

for (const [family, names] of [
  ['source and replica', ['source', 'replica']], ['master and slave', ['master', 'slave']],
] as const) {
  t.test(`semi-sync is read in the family of ${family}`, (t) => {
    const [source, replica] = names
    const facts = semiSyncOf(
      variables({ [`rpl_semi_sync_${source}_enabled`]: 'ON', [`rpl_semi_sync_${replica}_enabled`]: 'OFF' }),
      variables({
        [`Rpl_semi_sync_${source}_clients`]: '2', [`Rpl_semi_sync_${source}_wait_sessions`]: '3', [`Rpl_semi_sync_${replica}_status`]: 'ON',
      }),
    )
    t.same(facts, { sourceEnabled: true, replicaEnabled: false, acknowledgingReplicas: 2, waitingCommits: 3, replicaActive: true })
    t.end()
  })
}

t.test('a server without the plugins says so, and counts nothing', (t) => {
  t.same(semiSyncOf(variables({}), variables({})), {
    sourceEnabled: undefined, replicaEnabled: undefined, acknowledgingReplicas: 0, waitingCommits: 0, replicaActive: false,
  })
  t.end()
})

t.test('what is missing for GTIDs is named', (t) => {
  const mysql = { gtid_mode: 'ON', enforce_gtid_consistency: 'ON', log_bin: 'ON', log_replica_updates: 'ON', log_slave_updates: 'ON' }
  t.same(gtidProblemsOf('mysql', variables(mysql)), [])
  t.same(gtidProblemsOf('mysql', variables({ ...mysql, gtid_mode: 'ON_PERMISSIVE' })), ['gtid_mode is ON_PERMISSIVE, not ON'])
  t.same(gtidProblemsOf('mysql', variables({ ...mysql, enforce_gtid_consistency: 'WARN' })), ['enforce_gtid_consistency is WARN, not ON'])
  t.same(gtidProblemsOf('mysql', variables({ gtid_mode: 'ON', enforce_gtid_consistency: 'ON', log_bin: 'ON', log_slave_updates: 'OFF' })),
    ['log_slave_updates is OFF, not ON'])
  t.same(gtidProblemsOf('mariadb', variables({ gtid_strict_mode: 'OFF', log_bin: 'OFF', log_slave_updates: 'ON' })),
    ['gtid_strict_mode is OFF, not ON', 'log_bin is OFF, not ON'])
  t.same(gtidProblemsOf('mariadb', variables({})), [
    'gtid_strict_mode is unknown, not ON', 'log_bin is unknown, not ON', 'log_slave_updates is unknown, not ON',
  ])
  t.end()
})
