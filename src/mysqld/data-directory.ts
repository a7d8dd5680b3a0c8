/**
 * What a data directory holds, and what that means: the table "facts and verdict" of the tablet's life.
 *
 * Two pure verdicts over plain facts. `directoryVerdict` needs only file names; `emptyServerVerdict` needs what a running
 * server told, since accounts, schemas and transactions cannot be seen from outside. Doubt is never read as emptiness.
 */
import { join } from 'node:path'
import { readIfPresent } from '../base/durable-file.ts'
import type { Flavor } from '../model/gtid-set.ts'
import type { ServerVersion } from '../model/server-version.ts'
import { dataNames, dataPlaces, namesIn, systemTablespace, type DataPaths } from './data-layout.ts'
import type { OriginMarkFound } from './origin-mark.ts'

export interface DirectoryFacts {
  /** False: there is no data directory. */
  readonly exists: boolean
  /** Names that are data, paths for those outside the data directory; logs of replication do not count by themselves. */
  readonly names: readonly string[]
  readonly hasSystemTablespace: boolean
  readonly hasRedo: boolean
  /** mysql/, where every server keeps its own tables. */
  readonly hasMysqlSchema: boolean
  /** mysql.ibd: MySQL 8.0 and later. */
  readonly hasMysqlIbd: boolean
  /** aria_log_control: MariaDB. */
  readonly hasAria: boolean
  /** Last line of MySQL's mysql_upgrade_history, as `9.7.4`; undefined when it does not tell. */
  readonly lastMysqlVersion: string | undefined
}

export type DirectoryVerdict =
  | { readonly verdict: 'none' }
  | { readonly verdict: 'unreadable', readonly reason: string }
  /** A server can be started on it; emptyServerVerdict says the rest. */
  | { readonly verdict: 'something' }

/** Rejects with the system's error when a directory exists and cannot be read. */
export async function inspectDirectory(paths: DataPaths): Promise<DirectoryFacts> {
  const { dataDir } = paths
  const counted: string[] = []
  let exists = false
  for (const place of dataPlaces({ ...paths, binlogBase: undefined, relayLogBase: undefined })) {
    const names = await dataNames(place)
    if (place.path === dataDir) exists = names !== undefined
    for (const name of names ?? []) counted.push(place.path === dataDir ? name : join(place.path, name))
  }
  const inData = await namesIn(dataDir) ?? []
  const tablespace = systemTablespace(paths)
  const inHome = await namesIn(join(tablespace, '..')) ?? []
  const inLogs = await namesIn(paths.innodbLogHome) ?? []
  return {
    exists, names: counted,
    hasSystemTablespace: inHome.includes(tablespace.slice(tablespace.lastIndexOf('/') + 1)),
    hasRedo: inLogs.includes('ib_logfile0') || (await namesIn(join(paths.innodbLogHome, '#innodb_redo')) ?? []).length > 0,
    hasMysqlSchema: inData.includes('mysql'),
    hasMysqlIbd: inData.includes('mysql.ibd'),
    hasAria: inData.includes('aria_log_control'),
    lastMysqlVersion: lastUpgrade(await readIfPresent(join(dataDir, 'mysql_upgrade_history'))),
  }
}

export interface ServerToRun {
  readonly flavor: Flavor
  readonly version: ServerVersion
}

/** By names alone, in this order. What only a server can find out is left to it (`unreadableReason` of its log). */
export function directoryVerdict(facts: DirectoryFacts, server: ServerToRun): DirectoryVerdict {
  if (facts.names.length === 0) return { verdict: 'none' }
  const unreadable = (reason: string): DirectoryVerdict => ({ verdict: 'unreadable', reason })
  if (facts.hasMysqlIbd && server.flavor === 'mariadb') return unreadable('mysql.ibd says that MySQL made it, and this server is MariaDB')
  if (facts.hasAria && server.flavor === 'mysql') return unreadable('aria_log_control says that MariaDB made it, and this server is MySQL')
  if (!facts.hasMysqlSchema) return unreadable('it holds files but no mysql schema')
  if (!facts.hasSystemTablespace) return unreadable('the system tablespace (innodb_data_file_path) is missing')
  if (!facts.hasRedo) return unreadable('the redo log is missing')
  if (isDowngrade(facts.lastMysqlVersion, server)) return unreadable(`MySQL ${facts.lastMysqlVersion ?? ''} used it, which is newer than this server`)
  return { verdict: 'something' }
}

/** What a running server told about itself. */
export interface EmptinessFacts {
  /** Without system schemas and tabletd's own. */
  readonly userSchemas: readonly string[]
  /** `user@host` of every account. */
  readonly accounts: readonly string[]
  /** No transaction is in gtid_executed (MariaDB: gtid_binlog_state and gtid_slave_pos are empty). */
  readonly hasTransactions: boolean
  readonly hasChannel: boolean
  readonly origin: OriginMarkFound
  /** User names of db-dba-user and db-repl-user. */
  readonly ourUsers: readonly string[]
}

/** 'initialised-only' counts as no data: it is moved aside, not deleted, until the new data are healthy. */
export function emptyServerVerdict(facts: EmptinessFacts): { readonly verdict: 'initialised-only' | 'present', readonly reason: string } {
  const present = (reason: string): { verdict: 'present', reason: string } => ({ verdict: 'present', reason })
  if (facts.userSchemas.length > 0) return present(`it holds the schema ${facts.userSchemas[0] ?? ''}`)
  const foreign = facts.accounts.find((account) => !isPackageAccount(account) && !facts.ourUsers.includes(userOf(account)))
  if (foreign !== undefined) return present(`it holds the account ${foreign}`)
  if (facts.hasTransactions) return present('it holds transactions of its own')
  if (facts.hasChannel) return present('it has a replication channel')
  if (facts.origin.kind === 'unreadable') return present(`its .tabletd.json cannot be read: ${facts.origin.reason}`)
  if (facts.origin.kind === 'mark' && facts.origin.mark.everAttached === true) return present('it was attached to a primary before')
  if (facts.origin.kind === 'mark' && facts.origin.mark.everPromoted === true) return present('it was the primary before')
  return { verdict: 'initialised-only', reason: 'it was initialised and never used' }
}

/** Made by the packages and by initialisation: MySQL's three, MariaDB's, Debian's, root on this machine, and roles' PUBLIC. */
const PACKAGE_USERS = ['mysql.infoschema', 'mysql.session', 'mysql.sys', 'mariadb.sys', 'root', 'mysql', 'debian-sys-maint', '', 'PUBLIC']

/** A root that may come from anywhere was made by somebody. */
const isPackageAccount = (account: string): boolean =>
  PACKAGE_USERS.includes(userOf(account)) && !(userOf(account) === 'root' && /[%_]/.test(account.slice(account.lastIndexOf('@') + 1)))

const userOf = (account: string): string => account.slice(0, Math.max(0, account.lastIndexOf('@')))

function lastUpgrade(text: string | undefined): string | undefined {
  const versions = [...(text ?? '').matchAll(/"version"\s*:\s*"(\d+\.\d+\.\d+)[^"]*"/g)]
  return versions.at(-1)?.[1]
}

/** Within one release series a step back is allowed; between series MySQL refuses it. */
function isDowngrade(used: string | undefined, { flavor, version }: ServerToRun): boolean {
  const [major, minor] = (used ?? '').split('.').map(Number)
  if (flavor !== 'mysql' || major === undefined || minor === undefined) return false
  return major > version.major || (major === version.major && minor > version.minor)
}
