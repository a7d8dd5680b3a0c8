/** MariaDB 10.5 to 11.x. See https://mariadb.com/kb/en/replication-commands/ and https://mariadb.com/kb/en/gtid/ */
import type { Dialect } from '../dialect.ts'
import type { ReplicationSource } from '../mysqld.ts'
import type { Statement } from '../sql-types.ts'
import { NOT_USER_SCHEMAS, quote, whole } from './common.ts'

function changeSource(source: ReplicationSource, tls: boolean): Statement {
  return {
    text: `CHANGE MASTER TO ${[
      `MASTER_HOST = ${quote(source.address.host)}`,
      `MASTER_PORT = ${whole(source.address.port)}`,
      `MASTER_USER = ${quote(source.user)}`,
      `MASTER_PASSWORD = ${quote(source.password)}`,
      `MASTER_CONNECT_RETRY = ${whole(source.connectRetrySeconds)}`,
      `MASTER_SSL = ${tls ? 1 : 0}`,
      'MASTER_SSL_VERIFY_SERVER_CERT = 0',     // 11.4 verifies by default; db-ssl-mode encrypts and does not identify
      'MASTER_USE_GTID = slave_pos',
    ].join(', ')}`,
    secrets: [source.password, quote(source.password)],
  }
}

export const mariadb10: Dialect = {
  name: 'mariadb-10',
  flavor: 'mariadb',
  covers: ({ major, minor }) => major === 10 && minor >= 6,
  tested: true,

  begin: 'SET SESSION sql_mode = \'\', max_statement_time = 0, autocommit = 1',
  beginUnlogged: 'SET SESSION sql_mode = \'\', max_statement_time = 0, autocommit = 1, sql_log_bin = 0',

  gtids: `SELECT @@GLOBAL.gtid_binlog_pos AS binlog_pos, @@GLOBAL.gtid_slave_pos AS slave_pos,
    @@GLOBAL.gtid_binlog_state AS binlog_state`,
  waitForGtids: (set, timeoutSeconds) => `SELECT MASTER_GTID_WAIT(${quote(set)}, ${whole(timeoutSeconds)}) AS outcome`,
  resetGtids: ['RESET MASTER', 'SET GLOBAL gtid_slave_pos = \'\''],
  declareGtids: (set, binlogState) => [
    `SET GLOBAL gtid_slave_pos = ${quote(set)}`,
    `SET GLOBAL gtid_binlog_state = ${quote(binlogState)}`,
  ],
  adoptPosition: 'SET GLOBAL gtid_slave_pos = @@GLOBAL.gtid_current_pos',
  oldestEvents: 'SHOW BINLOG EVENTS LIMIT 12',

  replication: {
    show: 'SHOW ALL SLAVES STATUS',
    changeSource,
    start: 'START SLAVE',
    stop: 'STOP SLAVE',
    startReceiver: 'START SLAVE IO_THREAD',
    stopReceiver: 'STOP SLAVE IO_THREAD',
    resetRelayLogs: 'RESET SLAVE',
    resetAll: 'RESET SLAVE ALL',
  },

  readOnly: { on: 'SET GLOBAL read_only = ON', off: 'SET GLOBAL read_only = OFF' },
  hasSuperReadOnly: false,
  hasOfflineMode: false,
  // since 10.11 SUPER alone does not write any more (tried)
  writersDespiteReadOnly: ({ major, minor }) => `SELECT DISTINCT GRANTEE AS grantee FROM information_schema.USER_PRIVILEGES
    WHERE PRIVILEGE_TYPE IN ('READ_ONLY ADMIN', 'READ ONLY ADMIN'${major > 10 || minor >= 11 ? '' : ', \'SUPER\''})`,

  tablespaces: 'SELECT NAME AS name, FILENAME AS path, \'\' AS type FROM information_schema.INNODB_SYS_TABLESPACES',
  encrypted: ['SELECT NAME AS name FROM information_schema.INNODB_TABLESPACES_ENCRYPTION WHERE ENCRYPTION_SCHEME <> 0'],
  // DATA_LENGTH makes the server open every table, and only an opened table is sure to be among `tablespaces`
  tables: `SELECT TABLE_SCHEMA AS \`schema\`, TABLE_NAME AS \`table\`, CREATE_OPTIONS AS options, DATA_LENGTH AS length
    FROM information_schema.TABLES WHERE TABLE_TYPE = 'BASE TABLE'
      AND TABLE_SCHEMA NOT IN (${NOT_USER_SCHEMAS.map(quote).join(', ')})`,
}

export const mariadb11: Dialect = { ...mariadb10, name: 'mariadb-11', tested: false, covers: (version) => version.major >= 11 }

/** FILENAME came with 10.6. */
export const mariadb105: Dialect = {
  ...mariadb10,
  name: 'mariadb-10.5',
  tested: false,
  covers: ({ major, minor }) => major === 10 && minor === 5,
  tablespaces: `SELECT s.NAME AS name, d.PATH AS path, '' AS type FROM information_schema.INNODB_SYS_TABLESPACES s
    JOIN information_schema.INNODB_SYS_DATAFILES d ON d.SPACE = s.SPACE`,
}
