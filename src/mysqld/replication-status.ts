/**
 * Rows of SHOW REPLICA STATUS (MySQL) or SHOW ALL SLAVES STATUS (MariaDB) as a ReplicationStatus. Pure.
 *
 * MySQL 8.0.22 renamed the columns; both spellings are read wherever they come from.
 * See https://dev.mysql.com/doc/refman/9.0/en/show-replica-status.html
 */
import { TabletError } from '../base/errors.ts'
import type { Flavor } from '../model/gtid-set.ts'
import { parseGtidSet } from '../model/position.ts'
import type { Row } from './sql-types.ts'
import type { ReplicationStatus } from './mysqld.ts'

/** The status of the one channel; undefined when none is configured. Channels of group replication are not ours to judge. */
export function replicationStatusOf(flavor: Flavor, rows: readonly Row[]): ReplicationStatus | undefined {
  const configured = rows.filter((row) => column(row, 'Source_Host') !== '' && !channelOf(row).startsWith('group_replication_'))
  const row = configured.find((one) => channelOf(one) === '') ?? configured[0]
  return row && parseRow(flavor, row)
}

function parseRow(flavor: Flavor, row: Row): ReplicationStatus {
  const gtids = (mysql: string, mariadb: string): ReplicationStatus['executed'] =>
    parseGtidSet(flavor, column(row, flavor === 'mysql' ? mysql : mariadb))
  return {
    source: { host: column(row, 'Source_Host'), port: numberIn(row, 'Source_Port') },
    user: column(row, 'Source_User'),
    io: receiverState(column(row, 'Replica_IO_Running')),
    sql: column(row, 'Replica_SQL_Running') === 'Yes' ? 'running' : 'stopped',
    ioErrorNumber: numberIn(row, 'Last_IO_Errno'),
    ioError: column(row, 'Last_IO_Error'),
    sqlErrorNumber: numberIn(row, 'Last_SQL_Errno'),
    sqlError: column(row, 'Last_SQL_Error'),
    secondsBehind: column(row, 'Seconds_Behind_Source') === '' ? undefined : numberIn(row, 'Seconds_Behind_Source'),
    retrieved: gtids('Retrieved_Gtid_Set', 'Gtid_IO_Pos'),
    executed: gtids('Executed_Gtid_Set', 'Gtid_Slave_Pos'),
    autoPosition: flavor === 'mysql' ? column(row, 'Auto_Position') === '1' : !['', 'No'].includes(column(row, 'Using_Gtid')),
    sourceUuid: column(row, 'Source_UUID'),
  }
}

/** Anything but Yes and No (Connecting; MariaDB also Preparing) has no connection and wants one. */
const receiverState = (text: string): ReplicationStatus['io'] =>
  text === 'Yes' ? 'running' : text === 'No' ? 'stopped' : 'connecting'

const channelOf = (row: Row): string => row['Channel_Name'] ?? row['Connection_name'] ?? ''

/** '' for NULL and for a column that this server does not have. */
function column(row: Row, name: string): string {
  return row[name] ?? row[name.replace('Source', 'Master').replace('Replica', 'Slave')] ?? ''
}

function numberIn(row: Row, name: string): number {
  const text = column(row, name)
  const value = text === '' ? 0 : Number(text)
  if (!Number.isSafeInteger(value)) throw new TabletError('QUERY_FAILED', `cannot read ${name} of the replication status: ${JSON.stringify(text)}`)
  return value
}
