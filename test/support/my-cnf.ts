/** Defaults files for servers under test: small in memory and on disk, everything of their own, GTIDs on. */
import { join } from 'node:path'
import type { TestServer } from './servers.ts'

export interface ServerPlace {
  readonly dir: string
  readonly dataDir: string
  readonly socket: string
  readonly port: number
  readonly serverId: number
}

/** The whole text of a my.cnf; `extra` lines come last, so they win. */
export function serverCnf(server: TestServer, place: ServerPlace, extra: readonly string[] = []): string {
  const user = process.getuid?.() === 0 ? ['user=root'] : []
  return ['[mysqld]', ...user, ...ownPlace(place), ...SMALL, ...(server.name === 'mysql' ? MYSQL : MARIADB), ...extra, ''].join('\n')
}

const ownPlace = (place: ServerPlace): string[] => [
  `datadir=${place.dataDir}`,
  `socket=${place.socket}`,
  `pid-file=${join(place.dir, 'mysqld.pid')}`,
  `log-error=${join(place.dir, 'error.log')}`,
  // a MariaDB that starts removes the temporary tables of every other one in its tmpdir
  `tmpdir=${place.dir}`,
  'bind-address=127.0.0.1',
  `port=${place.port}`,
  `server-id=${place.serverId}`,
  'report-host=127.0.0.1',
  `report-port=${place.port}`,
]

const SMALL = [
  'skip-name-resolve',
  'innodb-buffer-pool-size=64M',
  'max-connections=60',
  'table-open-cache=200',
  'table-definition-cache=400',
]

const MYSQL = [
  'mysqlx=OFF',
  // the packaged default names a directory that only an installed package makes
  'secure-file-priv=NULL',
  'innodb-redo-log-capacity=16M',
  'gtid-mode=ON',
  'enforce-gtid-consistency=ON',
  'log-bin=binlog',
  'relay-log=relay',
]

const MARIADB = [
  'innodb-log-file-size=16M',
  'gtid-strict-mode=ON',
  'log-bin=binlog',
  'log-slave-updates=ON',
  'relay-log=relay',
  'binlog-format=ROW',
  'performance-schema=OFF',
]
