import t from 'tap'
import { replicationStatusOf } from '../../src/mysqld/replication-status.ts'
import type { Row } from '../../src/mysqld/sql-types.ts'

const UUID = '10f1d25e-e54f-11f1-983e-02fc00000001'

/** As SHOW REPLICA STATUS of MySQL 8.0.22 to 9.7 prints it (9.7 tried), without columns that nothing reads. */
const mysqlRow: Row = {
  Replica_IO_State: 'Waiting for source to send event', Source_Host: '10.0.0.1', Source_User: 'repl', Source_Port: '3306',
  Replica_IO_Running: 'Yes', Replica_SQL_Running: 'Yes', Last_Errno: '0', Last_Error: '', Seconds_Behind_Source: '0',
  Last_IO_Errno: '0', Last_IO_Error: '', Last_SQL_Errno: '0', Last_SQL_Error: '', Source_Server_Id: '1', Source_UUID: UUID,
  Retrieved_Gtid_Set: `${UUID}:5-9`, Executed_Gtid_Set: `${UUID}:1-8`, Auto_Position: '1', Channel_Name: '',
}

/** The spelling of SHOW SLAVE STATUS, which 8.0 still answers. */
const oldMysqlRow: Row = {
  Master_Host: '10.0.0.1', Master_User: 'repl', Master_Port: '3306', Slave_IO_Running: 'Connecting', Slave_SQL_Running: 'Yes',
  Seconds_Behind_Master: null, Last_IO_Errno: '2003', Last_IO_Error: 'error connecting to master', Last_SQL_Errno: '0', Last_SQL_Error: '',
  Master_UUID: UUID, Retrieved_Gtid_Set: '', Executed_Gtid_Set: `${UUID}:1-8`, Auto_Position: '1', Channel_Name: '',
}

/** SHOW ALL SLAVES STATUS of MariaDB 10.11 (tried). */
const mariadbRow: Row = {
  Connection_name: '', Slave_SQL_State: '', Slave_IO_State: '', Master_Host: '127.0.0.1', Master_User: 'r', Master_Port: '23711',
  Slave_IO_Running: 'Preparing', Slave_SQL_Running: 'No', Last_IO_Errno: '0', Last_IO_Error: '', Last_SQL_Errno: '1062',
  Last_SQL_Error: 'Duplicate entry', Seconds_Behind_Master: '7', Master_Server_Id: '1', Using_Gtid: 'Slave_Pos', Gtid_IO_Pos: '0-1-9',
  Gtid_Slave_Pos: '0-1-8',
}

t.test('a MySQL row is read in the spelling of 8.0.22 and later', (t) => {
  const status = replicationStatusOf('mysql', [mysqlRow])
  t.match(status, {
    source: { host: '10.0.0.1', port: 3306 }, user: 'repl', io: 'running', sql: 'running', ioErrorNumber: 0, sqlError: '',
    secondsBehind: 0, autoPosition: true, sourceUuid: UUID,
  })
  t.equal(status?.retrieved.toString(), `${UUID}:5-9`)
  t.equal(status?.executed.toString(), `${UUID}:1-8`)
  t.end()
})

t.test('a MySQL row is read in the older spelling too', (t) => {
  const status = replicationStatusOf('mysql', [oldMysqlRow])
  t.match(status, { source: { host: '10.0.0.1', port: 3306 }, io: 'connecting', sql: 'running', ioErrorNumber: 2003, sourceUuid: UUID })
  t.equal(status?.secondsBehind, undefined, 'NULL is unknown, never zero')
  t.equal(status?.retrieved.isEmpty(), true)
  t.end()
})

t.test('a MariaDB row is read with its own positions', (t) => {
  const status = replicationStatusOf('mariadb', [mariadbRow])
  t.match(status, {
    source: { host: '127.0.0.1', port: 23711 }, io: 'connecting', sql: 'stopped', sqlErrorNumber: 1062, sqlError: 'Duplicate entry',
    secondsBehind: 7, autoPosition: true, sourceUuid: '',
  })
  t.equal(status?.retrieved.toString(), '0-1-9')
  t.equal(status?.executed.toString(), '0-1-8')
  t.equal(replicationStatusOf('mariadb', [{ ...mariadbRow, Using_Gtid: 'No' }])?.autoPosition, false)
  t.end()
})

for (const [said, state] of [['Yes', 'running'], ['No', 'stopped'], ['Connecting', 'connecting'], ['Preparing', 'connecting']] as const) {
  t.test(`a receiver that says ${said} is ${state}`, (t) => {
    t.equal(replicationStatusOf('mysql', [{ ...mysqlRow, Replica_IO_Running: said }])?.io, state)
    t.end()
  })
}

t.test('no row, or one without a source, is no channel', (t) => {
  t.equal(replicationStatusOf('mysql', []), undefined)
  t.equal(replicationStatusOf('mysql', [{ ...mysqlRow, Source_Host: '' }]), undefined)
  t.end()
})

t.test('of several channels the nameless one counts, and those of group replication never', (t) => {
  const named = { ...mysqlRow, Channel_Name: 'other', Source_Host: 'other-host' }
  const group = { ...mysqlRow, Channel_Name: 'group_replication_applier' }
  t.equal(replicationStatusOf('mysql', [group, named, mysqlRow])?.source.host, '10.0.0.1')
  t.equal(replicationStatusOf('mysql', [group, named])?.source.host, 'other-host')
  t.equal(replicationStatusOf('mysql', [group]), undefined)
  t.equal(replicationStatusOf('mariadb', [{ ...mariadbRow, Connection_name: 'x', Master_Host: 'x' }, mariadbRow])?.source.host, '127.0.0.1')
  t.end()
})

t.test('a number that is none is an error, not a zero', (t) => {
  t.throws(() => replicationStatusOf('mysql', [{ ...mysqlRow, Seconds_Behind_Source: 'soon' }]), { code: 'QUERY_FAILED' })
  t.end()
})
