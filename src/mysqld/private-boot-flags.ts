/**
 * The flags of every private boot: a server on data we made, that nobody finds and that does nothing by itself.
 *
 * Used for the first boot after a restore, for the clone's proof and for drills. A naive boot of a copy ran an event
 * of the donor's, and a replica's copy connected to its source and replicated (both tried). So: no defaults file (nor,
 * on MySQL, mysqld-auto.cnf), no network, no X plugin, no replication, no events, read-only, and no binary log unless
 * MariaDB's position has to be written into one. What differs between servers is in two lists below. Pure.
 */
import { join } from 'node:path'
import type { Flavor } from '../model/gtid-set.ts'
import type { ServerVersion } from '../model/server-version.ts'
import { hideFlags, readOnlyFlag, skipReplicaStartFlag } from './start-flags.ts'

export interface PrivateBootPlan {
  readonly flavor: Flavor
  readonly version: ServerVersion
  /** Ours alone and new: socket, pid file, log and temporary files. */
  readonly directory: string
  readonly user: string | undefined
  /** Paths of the copy that is booted. */
  readonly dataDir: string
  readonly innodbDataHome?: string
  readonly innodbLogHome?: string
  readonly undoDir?: string
  readonly basedir?: string
  readonly pluginDir?: string
  /** From the donor or the MANIFEST: the data need them. */
  readonly innodbDataFilePath?: string
  readonly pageSize?: number
  readonly lowerCaseTableNames?: number
  /** Options of the final server that only shape files, so that nothing is rebuilt twice: see SHAPING. */
  readonly shaping?: ReadonlyMap<string, string>
  readonly initFile?: string
  /** Directories in the data directory that are no schemas (data-layout.ts). */
  readonly hidden?: readonly string[]
  /** MariaDB's log names at their final places: it would name them after the pid file (tried). */
  readonly relayLogBase?: string
  /** A boot with a binary log at its final path: how MariaDB's position is set (ERROR 1186 without one). */
  readonly binlog?: { readonly base: string, readonly serverId: number, readonly domainId?: number }
}

export const privateSocket = (directory: string): string => join(directory, 'mysqld.sock')
export const privateLog = (directory: string): string => join(directory, 'error.log')
export const privateTmp = (directory: string): string => join(directory, 'tmp')

/** Sizes and counts of files that a boot without them would rebuild, and the final start again. */
export const SHAPING = ['innodb-redo-log-capacity', 'innodb-log-file-size', 'innodb-log-files-in-group', 'innodb-undo-tablespaces'] as const

export function privateBootFlags(plan: PrivateBootPlan): readonly string[] {
  const { flavor, directory } = plan
  return [
    '--no-defaults',
    ...given('user', plan.user),
    ...given('basedir', plan.basedir), ...given('plugin-dir', plan.pluginDir),
    `--datadir=${plan.dataDir}`,
    ...given('innodb-data-home-dir', plan.innodbDataHome),
    ...given('innodb-log-group-home-dir', plan.innodbLogHome),
    ...given('innodb-undo-directory', plan.undoDir),
    ...given('innodb-data-file-path', plan.innodbDataFilePath),
    ...given('innodb-page-size', plan.pageSize),
    ...given('lower-case-table-names', plan.lowerCaseTableNames),
    ...SHAPING.flatMap((name) => given(name, shapingValue(plan, name))),
    `--socket=${privateSocket(directory)}`,
    `--pid-file=${join(directory, 'mysqld.pid')}`,
    `--log-error=${privateLog(directory)}`,
    `--tmpdir=${privateTmp(directory)}`,
    '--skip-networking',
    skipReplicaStartFlag(plan),
    '--event-scheduler=DISABLED',
    readOnlyFlag(flavor),
    '--innodb-fast-shutdown=1',
    ...(flavor === 'mysql' ? MYSQL_ONLY : []),
    ...hideFlags({ flavor, hidden: plan.hidden ?? [] }),
    ...logFlags(plan),
    ...given('init-file', plan.initFile),
  ]
}

const MYSQL_ONLY: readonly string[] = [
  '--mysqlx=OFF',
  '--persisted-globals-load=OFF',         // mysqld-auto.cnf is the operator's and for the real start
  '--gtid-mode=ON', '--enforce-gtid-consistency=ON',   // or gtid_purged cannot be set
  '--secure-file-priv=NULL',              // the packaged default names a directory that may not exist
]

function logFlags(plan: PrivateBootPlan): readonly string[] {
  const relayLog = plan.relayLogBase ?? join(plan.directory, 'relay')
  if (plan.binlog === undefined) {
    return ['--skip-log-bin', `--relay-log=${relayLog}`, '--relay-log-recovery=OFF', ...(plan.flavor === 'mysql' ? ['--log-replica-updates=OFF'] : [])]
  }
  return [
    `--log-bin=${plan.binlog.base}`, `--log-bin-index=${plan.binlog.base}.index`,
    `--relay-log=${relayLog}`, '--relay-log-recovery=OFF',
    `--server-id=${plan.binlog.serverId}`,
    ...(plan.flavor === 'mariadb' ? [`--gtid-domain-id=${plan.binlog.domainId ?? 0}`, '--log-slave-updates=ON'] : []),
  ]
}

/** innodb-undo-tablespaces is read by MariaDB only (MySQL ignores it with a warning); redo capacity is MySQL's word for the sizes. */
function shapingValue(plan: PrivateBootPlan, name: (typeof SHAPING)[number]): string | undefined {
  const value = plan.shaping?.get(name)
  if (value === undefined || value === '') return undefined
  const mysqlOnly = name === 'innodb-redo-log-capacity'
  return mysqlOnly === (plan.flavor === 'mysql') ? value : undefined
}

const given = (name: string, value: string | number | undefined): readonly string[] =>
  value === undefined || value === '' ? [] : [`--${name}=${value}`]
