/** Running servers that somebody else set up, and daemons put beside them. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from './free-port.ts'
import type { TestServer } from './servers.ts'
import { DBA, REPL, daemonFlags } from './shard-place.ts'
import type { TabletPlace } from './shard-place.ts'
import type { TestShard } from './shard.ts'
import { TestTablet } from './tablet.ts'
import { startMysqld } from './throwaway-mysqld.ts'
import type { ThrowawayMysqld } from './throwaway-mysqld.ts'

/** A server with the accounts an operator makes for a daemon; it writes, has no channel, and its binary log begins with it. */
export async function startWithAccounts(server: TestServer): Promise<ThrowawayMysqld> {
  const mysqld = await startMysqld({ server })
  await mysqld.run(`create user '${DBA.user}'@'localhost' identified by '${DBA.password}'; grant all on *.* to '${DBA.user}'@'localhost' with grant option;
    create user '${REPL.user}'@'%' identified by '${REPL.password}'; grant replication slave${server.name === 'mariadb' ? ', binlog monitor' : ''} on *.* to '${REPL.user}'@'%'`)
  return mysqld
}

/** A replica of `source` from its first transaction on, as an operator attaches one; read-only by read_only alone. */
export async function startReplicaOf(source: ThrowawayMysqld): Promise<ThrowawayMysqld> {
  const mysqld = await startMysqld({ server: source.server })
  const where = `_host='127.0.0.1', X_port=${source.port}, X_user='${REPL.user}', X_password='${REPL.password}', X_connect_retry=1`
  await mysqld.run(source.server.name === 'mysql'
    ? `set global read_only=1; change replication source to source${where.replaceAll('X', 'source')}, source_auto_position=1, get_source_public_key=1; start replica`
    : `set global read_only=1; change master to master${where.replaceAll('X', 'master')}, master_use_gtid=slave_pos; start slave`)
  return mysqld
}

/** A daemon for it, which is not started: everything of the daemon in the shard's directory, the server where it is. */
export async function tabletBeside(mysqld: ThrowawayMysqld, shard: TestShard, uid: number): Promise<TestTablet> {
  const dir = join(shard.place.dir, String(uid))
  const place: TabletPlace = {
    alias: `zone1-${String(uid).padStart(10, '0')}`, dir, tabletDir: join(dir, 'tablet'),
    dataDir: mysqld.dataDir, cnfPath: mysqld.cnfPath, socket: mysqld.socket, pidFile: join(mysqld.dir, 'mysqld.pid'), errorLog: mysqld.errorLog,
    mysqlPort: mysqld.port, httpPort: await freePort(),
  }
  mkdirSync(place.tabletDir, { recursive: true, mode: 0o750 })
  return new TestTablet(place, daemonFlags(mysqld.server, shard.place, place))
}

/** Everything of a server that adopting might change; `positions` apart, because clients move them meanwhile. */
export async function stateOf(mysqld: ThrowawayMysqld): Promise<Readonly<Record<string, unknown>>> {
  const variables = Object.fromEntries((await mysqld.rows('show global variables')).map((row) => [String(row['Variable_name']), row['Value']]))
  const mariadb = mysqld.server.name === 'mariadb'
  const [channel] = await mysqld.rows(mariadb ? 'show slave status' : 'show replica status')
  const constant = ['Source_Host', 'Source_Port', 'Source_User', 'Replica_IO_Running', 'Replica_SQL_Running', 'Auto_Position', 'Channel_Name',
    'Master_Host', 'Master_Port', 'Master_User', 'Slave_IO_Running', 'Slave_SQL_Running', 'Using_Gtid', 'Connection_name']
  const [log] = await mysqld.rows('show binary logs')
  return {
    variables: Object.fromEntries(Object.entries(variables).filter(([name]) => !MOVING.test(name))),
    persisted: mariadb ? [] : await mysqld.rows('select * from performance_schema.persisted_variables'),
    channel: channel === undefined ? undefined : Object.fromEntries(Object.entries(channel).filter(([name]) => constant.includes(name))),
    firstLog: log?.['Log_name'],
    accounts: await mysqld.rows('select user, host from mysql.user order by 1, 2'),
    schemas: await mysqld.rows('show databases'),
    pid: mysqld.pid,
  }
}

/** What a server changes by itself while it works. */
const MOVING = /^(gtid_|timestamp$|innodb_buffer_pool_dump|innodb_history_list|last_gtid|rand_seed|pseudo_thread)/
