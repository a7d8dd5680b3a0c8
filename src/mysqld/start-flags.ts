/** Flags of a normal start: they beat my.cnf and mysqld-auto.cnf. Pure. */
import type { Flavor } from '../model/gtid-set.ts'
import type { ServerVersion } from '../model/server-version.ts'
import type { StartOptions } from './mysqld-process.ts'

export interface StartSubject {
  readonly flavor: Flavor
  readonly version: ServerVersion
  readonly myCnf: string
  /** Set when we are root: mysqld gives up its rights for this user's. */
  readonly user: string | undefined
  /** What the server's own socket is while it is closed to clients and has no offline mode. */
  readonly privateSocket: string
  /** Directories that are no schemas (data-layout.ts). */
  readonly hidden: readonly string[]
}

/** --defaults-file comes first or the server ignores it. Replication is always started by us, never by the server. */
export function startFlags(subject: StartSubject, options: StartOptions): readonly string[] {
  return [
    `--defaults-file=${subject.myCnf}`,
    ...(subject.user === undefined ? [] : [`--user=${subject.user}`]),
    skipReplicaStartFlag(subject),
    ...(options.readOnly ? [readOnlyFlag(subject.flavor)] : []),
    ...(options.closedToClients ? closedFlags(subject) : []),
    ...hideFlags(subject),
    ...(options.serverId === undefined ? [] : [`--server-id=${options.serverId}`]),
  ]
}

/** --skip-replica-start came with MySQL 8.0.26; MariaDB 10.5.1 knows it too, but only the old name is sure on both. */
export function skipReplicaStartFlag({ flavor, version }: { readonly flavor: Flavor, readonly version: ServerVersion }): string {
  const old = flavor === 'mariadb' || (version.major === 8 && version.minor === 0 && version.patch < 26)
  return old ? '--skip-slave-start' : '--skip-replica-start'
}

export const readOnlyFlag = (flavor: Flavor): string => flavor === 'mysql' ? '--super-read-only=ON' : '--read-only=ON'

/** MySQL keeps its schemas in a dictionary and needs no such flag. */
export const hideFlags = ({ flavor, hidden }: { readonly flavor: Flavor, readonly hidden: readonly string[] }): readonly string[] =>
  flavor === 'mysql' ? [] : hidden.map((name) => `--ignore-db-dirs=${name}`)

/** MariaDB has no offline mode: nobody finds it on a socket of its own. */
const closedFlags = ({ flavor, privateSocket }: StartSubject): readonly string[] =>
  flavor === 'mysql' ? ['--offline-mode=ON'] : ['--skip-networking', `--socket=${privateSocket}`]
