/** MySQL and Percona Server, 8.0.22 to 9.x. See https://dev.mysql.com/doc/refman/9.0/en/replication-statements.html */
import type { Dialect } from '../dialect.ts'
import type { ReplicationSource } from '../mysqld.ts'
import type { Statement } from '../sql-types.ts'
import { quote, whole } from './common.ts'

/**
 * AUTO_POSITION instead of file and offset. RETRY_COUNT 0 never gives up: since 8.4 the default is 10 tries, after
 * which the receiver stays stopped. Without TLS the source's public key is asked for, or caching_sha2_password refuses.
 */
const changeSource = (command: string, word: string) => (source: ReplicationSource, tls: boolean): Statement => ({
  text: `${command} ${[
    `${word}_HOST = ${quote(source.address.host)}`,
    `${word}_PORT = ${whole(source.address.port)}`,
    `${word}_USER = ${quote(source.user)}`,
    `${word}_PASSWORD = ${quote(source.password)}`,
    `${word}_CONNECT_RETRY = ${whole(source.connectRetrySeconds)}`,
    `${word}_RETRY_COUNT = 0`,
    `${word}_SSL = ${tls ? 1 : 0}`,
    `${word}_SSL_VERIFY_SERVER_CERT = 0`,
    `GET_${word}_PUBLIC_KEY = ${tls ? 0 : 1}`,
    `${word}_AUTO_POSITION = 1`,
  ].join(', ')}`,
  secrets: [source.password, quote(source.password)],
})

const newest: Dialect = {
  name: 'mysql-9',
  flavor: 'mysql',
  covers: (version) => version.major >= 9,
  tested: true,

  begin: 'SET SESSION sql_mode = \'\', autocommit = 1',
  beginUnlogged: 'SET SESSION sql_mode = \'\', autocommit = 1, sql_log_bin = 0',

  gtids: 'SELECT @@GLOBAL.gtid_executed AS executed, @@GLOBAL.gtid_purged AS purged',
  waitForGtids: (set, timeoutSeconds) => `SELECT WAIT_FOR_EXECUTED_GTID_SET(${quote(set)}, ${whole(timeoutSeconds)}) AS outcome`,
  resetGtids: ['RESET BINARY LOGS AND GTIDS'],
  declareGtids: (set) => [`SET GLOBAL gtid_purged = ${quote(set)}`],
  adoptPosition: undefined,
  oldestEvents: undefined,

  replication: {
    show: 'SHOW REPLICA STATUS',
    changeSource: changeSource('CHANGE REPLICATION SOURCE TO', 'SOURCE'),
    start: 'START REPLICA',
    stop: 'STOP REPLICA',
    startReceiver: 'START REPLICA IO_THREAD',
    stopReceiver: 'STOP REPLICA IO_THREAD',
    resetRelayLogs: 'RESET REPLICA',
    resetAll: 'RESET REPLICA ALL',
  },

  // super_read_only = ON turns read_only on with it, read_only = OFF turns both off
  readOnly: { on: 'SET GLOBAL super_read_only = ON', off: 'SET GLOBAL read_only = OFF' },
  hasSuperReadOnly: true,
  hasOfflineMode: true,
  writersDespiteReadOnly: undefined,

  tablespaces: `SELECT TABLESPACE_NAME AS name, FILE_NAME AS path, FILE_TYPE AS type FROM information_schema.FILES
    WHERE ENGINE = 'InnoDB'`,
  encrypted: [
    'SELECT NAME AS name FROM information_schema.INNODB_TABLESPACES WHERE ENCRYPTION = \'Y\'',
    'SELECT SCHEMA_NAME AS name FROM information_schema.SCHEMATA WHERE DEFAULT_ENCRYPTION = \'YES\'',
  ],
  tables: undefined,
}

export const mysql9: Dialect = newest

/** RESET BINARY LOGS AND GTIDS came with 8.2. */
export const mysql84: Dialect = { ...newest, name: 'mysql-8.4', tested: false, covers: ({ major, minor }) => major === 8 && minor >= 2 }

/** CHANGE REPLICATION SOURCE TO came with 8.0.23; the older spelling is taken by every 8.0. */
export const mysql80: Dialect = {
  ...newest,
  name: 'mysql-8.0',
  tested: false,
  covers: ({ major, minor }) => major === 8 && minor < 2,
  resetGtids: ['RESET MASTER'],
  replication: { ...newest.replication, changeSource: changeSource('CHANGE MASTER TO', 'MASTER') },
}
