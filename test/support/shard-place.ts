/** Where a shard under test keeps its things, and the flags that tell its daemons so. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from './free-port.ts'
import { serverCnf } from './my-cnf.ts'
import type { TestServer } from './servers.ts'

export const ROOT = join(import.meta.dirname, '../..')
export const DBA = { user: 'vt_dba', password: 'dba-Pässword "1"' }
export const REPL = { user: 'vt_repl', password: 'repl-password-2' }
export const API_TOKEN = 'token-for-tests'

export interface ShardPlace {
  readonly dir: string
  readonly topology: string
  readonly storage: string
  readonly dbaPasswordFile: string
  readonly replPasswordFile: string
  readonly tokenFile: string
  readonly keyspace: string
  readonly shard: string
}

export interface TabletPlace {
  readonly alias: string
  readonly dir: string
  readonly dataDir: string
  readonly tabletDir: string
  readonly cnfPath: string
  readonly socket: string
  readonly pidFile: string
  readonly errorLog: string
  readonly mysqlPort: number
  readonly httpPort: number
}

export function makeShardPlace(dir: string, names: { readonly keyspace: string, readonly shard: string }): ShardPlace {
  const secret = (name: string, text: string): string => {
    writeFileSync(join(dir, name), `${text}\n`, { mode: 0o600 })
    return join(dir, name)
  }
  const place = { dir, topology: join(dir, 'topology'), storage: join(dir, 'backups'), ...names }
  mkdirSync(place.topology)
  mkdirSync(place.storage)
  return {
    ...place,
    dbaPasswordFile: secret('dba', DBA.password), replPasswordFile: secret('repl', REPL.password), tokenFile: secret('token', API_TOKEN),
  }
}

/** Makes the tablet's directory with a my.cnf and an empty data directory. Names are short: sockets end at 107 bytes. */
export async function makeTabletPlace(server: TestServer, shard: ShardPlace, uid: number, cnf: readonly string[]): Promise<TabletPlace> {
  const dir = join(shard.dir, String(uid))
  const place = {
    alias: `zone1-${String(uid).padStart(10, '0')}`,
    dir, dataDir: join(dir, 'data'), tabletDir: join(dir, 'tablet'), cnfPath: join(dir, 'my.cnf'), socket: join(dir, 's'),
    pidFile: join(dir, 'mysqld.pid'), errorLog: join(dir, 'error.log'), mysqlPort: await freePort(), httpPort: await freePort(),
  }
  mkdirSync(place.dataDir, { recursive: true, mode: 0o750 })
  mkdirSync(place.tabletDir, { mode: 0o750 })
  writeFileSync(place.cnfPath, serverCnf(server, { ...place, port: place.mysqlPort, serverId: uid }, cnf))
  return place
}

/** The flags of a daemon: everything in the shard's directory, and intervals short enough for tests. */
export function daemonFlags(server: TestServer, shard: ShardPlace, tablet: TabletPlace): readonly string[] {
  return Object.entries({
    'tablet-path': tablet.alias,
    'init-keyspace': shard.keyspace,
    'init-shard': shard.shard,
    'tablet-dir': tablet.tabletDir,
    'tablet-hostname': '127.0.0.1',
    'bind-address': '127.0.0.1',
    'port': tablet.httpPort,
    'my-cnf': tablet.cnfPath,
    'mysqld-path': server.mysqldPath,
    'db-dba-password-file': shard.dbaPasswordFile,
    'db-repl-password-file': shard.replPasswordFile,
    'api-token-file': shard.tokenFile,
    'topo-implementation': 'file',
    'topo-root': shard.topology,
    'backup-storage-implementation': 'file',
    'file-backup-storage-root': shard.storage,
    'backup-storage-retry-timeout': '5s',
    'restore-from-backup': true,
    'health-check-interval': '500ms',
    'replication-connect-retry': '1s',
    'builtinbackup-progress': '500ms',
  }).map(([name, value]) => `--${name}=${value}`)
}
