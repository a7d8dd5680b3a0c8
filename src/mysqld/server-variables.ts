/**
 * What SHOW GLOBAL VARIABLES and SHOW GLOBAL STATUS say, as facts. Pure.
 *
 * Names that a server does not have are simply missing from the answer, so one statement asks for the names of
 * every family: log_slave_updates or log_replica_updates, rpl_semi_sync_master_* or rpl_semi_sync_source_*.
 */
import { isAbsolute, resolve } from 'node:path'
import { TabletError } from '../base/errors.ts'
import type { Flavor } from '../model/gtid-set.ts'
import { parseVersion } from '../model/version-rules.ts'
import type { Row } from './sql-types.ts'
import type { SemiSyncFacts, ServerIdentity, ServerPaths } from './mysqld.ts'

export type Variables = ReadonlyMap<string, string>

/** Lower-case names with their values; NULL is ''. */
export const variablesOf = (rows: readonly Row[]): Variables =>
  new Map(rows.map((row) => [(row['Variable_name'] ?? '').toLowerCase(), row['Value'] ?? '']))

export const SEMI_SYNC_VARIABLES = {
  source: ['rpl_semi_sync_source_enabled', 'rpl_semi_sync_master_enabled'],
  replica: ['rpl_semi_sync_replica_enabled', 'rpl_semi_sync_slave_enabled'],
} as const

const PATH_VARIABLES = [
  'datadir', 'innodb_data_home_dir', 'innodb_log_group_home_dir', 'innodb_undo_directory', 'tmpdir', 'socket', 'pid_file', 'log_error',
  'log_bin_basename', 'relay_log_basename', 'plugin_dir', 'innodb_data_file_path', 'innodb_page_size',
] as const

export const VARIABLES = [
  ...PATH_VARIABLES, ...SEMI_SYNC_VARIABLES.source, ...SEMI_SYNC_VARIABLES.replica,
  'server_id', 'server_uuid', 'lower_case_table_names', 'read_only', 'super_read_only', 'offline_mode',
  'gtid_mode', 'enforce_gtid_consistency', 'gtid_strict_mode', 'log_bin', 'log_slave_updates', 'log_replica_updates',
] as const

export const STATUS = [
  'Uptime', 'Rpl_semi_sync_source_clients', 'Rpl_semi_sync_master_clients', 'Rpl_semi_sync_source_wait_sessions',
  'Rpl_semi_sync_master_wait_sessions', 'Rpl_semi_sync_replica_status', 'Rpl_semi_sync_slave_status',
] as const

/** ON, 1 and what newer servers say instead of ON for read_only are true. */
export const isOn = (variables: Variables, name: string): boolean => !['', 'OFF', '0', 'NO'].includes((variables.get(name) ?? '').toUpperCase())

export function identityOf(flavor: Flavor, versionText: string, versionComment: string, variables: Variables): Omit<ServerIdentity, 'pid'> {
  const version = parseVersion(versionText, versionComment)
  if (version === undefined) throw new TabletError('MYSQLD_UNSUPPORTED', `this server says it is ${JSON.stringify(versionText)}`)
  return {
    flavor, version, versionText, versionComment,
    serverUuid: flavor === 'mysql' ? variables.get('server_uuid') ?? '' : '',
    serverId: integer(variables, 'server_id'),
    paths: pathsOf(variables),
    lowerCaseTableNames: integer(variables, 'lower_case_table_names'),
  }
}

export function pathsOf(variables: Variables): ServerPaths {
  const dataDir = resolve(variables.get('datadir') || '/')
  const optional = (name: string): string | undefined => {
    const value = variables.get(name) ?? ''
    return value === '' || value === 'stderr' ? undefined : absolute(dataDir, value)
  }
  const directory = (name: string): string => optional(name) ?? dataDir
  return {
    dataDir,
    innodbDataHome: directory('innodb_data_home_dir'),
    innodbLogHome: directory('innodb_log_group_home_dir'),
    undoDir: directory('innodb_undo_directory'),
    tmpDir: absolute(dataDir, (variables.get('tmpdir') || '/tmp').split(':')[0] ?? '/tmp'),
    socket: directory('socket'),
    pidFile: directory('pid_file'),
    errorLog: optional('log_error'),
    binlogBase: isOn(variables, 'log_bin') ? optional('log_bin_basename') : undefined,
    relayLogBase: optional('relay_log_basename'),
    pluginDir: directory('plugin_dir'),
    innodbDataFilePath: variables.get('innodb_data_file_path') ?? '',
    innodbPageSize: integer(variables, 'innodb_page_size'),
  }
}

/** As the server resolves it: relative to the data directory, where it runs. */
export const absolute = (dataDir: string, path: string): string => isAbsolute(path) ? resolve(path) : resolve(dataDir, path)

/** What is missing for replication by GTIDs, in words. */
export function gtidProblemsOf(flavor: Flavor, variables: Variables): readonly string[] {
  const updates = variables.has('log_replica_updates') ? 'log_replica_updates' : 'log_slave_updates'
  const wanted = flavor === 'mysql'
    ? ['gtid_mode', 'enforce_gtid_consistency', 'log_bin', updates] : ['gtid_strict_mode', 'log_bin', updates]
  return wanted.flatMap((name) => (variables.get(name) ?? '').toUpperCase() === 'ON' || (variables.get(name) ?? '') === '1'
    ? [] : [`${name} is ${variables.get(name) || 'unknown'}, not ON`])
}

export function semiSyncOf(variables: Variables, status: Variables): SemiSyncFacts {
  const enabled = (names: readonly string[]): boolean | undefined => {
    const name = names.find((one) => variables.has(one))
    return name === undefined ? undefined : isOn(variables, name)
  }
  const count = (newer: string, older: string): number => Number(status.get(newer) ?? status.get(older) ?? 0)
  return {
    sourceEnabled: enabled(SEMI_SYNC_VARIABLES.source),
    replicaEnabled: enabled(SEMI_SYNC_VARIABLES.replica),
    acknowledgingReplicas: count('rpl_semi_sync_source_clients', 'rpl_semi_sync_master_clients'),
    waitingCommits: count('rpl_semi_sync_source_wait_sessions', 'rpl_semi_sync_master_wait_sessions'),
    replicaActive: isOn(status, 'rpl_semi_sync_replica_status') || isOn(status, 'rpl_semi_sync_slave_status'),
  }
}

function integer(variables: Variables, name: string): number {
  const value = Number(variables.get(name))
  if (!Number.isSafeInteger(value)) throw new TabletError('QUERY_FAILED', `mysqld did not say ${name} as a number: ${variables.get(name)}`)
  return value
}
