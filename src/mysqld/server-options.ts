/**
 * A server's own view of its options, from `mysqld --verbose --help` and `--print-defaults`, without starting it.
 *
 * Pure: running the program is read-server-options.ts. Both flavours print a table of names and final values after a
 * line of dashes. What it does not tell is taken from the defaults: MySQL prints log-error as `stderr` whatever
 * my.cnf says (tried on 9.7), and neither prints where MariaDB's relay log will be.
 */
import { basename, dirname, isAbsolute, join, normalize, parse } from 'node:path'
import type { Flavor } from '../model/gtid-set.ts'
import type { ServerVersion } from '../model/server-version.ts'
import type { ServerPaths } from './mysqld.ts'

export interface ServerOptions {
  readonly flavor: Flavor
  readonly version: ServerVersion
  readonly paths: ServerPaths
  readonly basedir: string
  readonly port: number
  readonly serverId: number
  readonly lowerCaseTableNames: number
  readonly readOnly: boolean
  /** Same as readOnly where the server has no super_read_only. */
  readonly superReadOnly: boolean
  readonly skipReplicaStart: boolean
  readonly gtid: boolean
  /** Every option as the server prints it, names with dashes. */
  readonly all: ReadonlyMap<string, string>
}

/** The table at the end of `--verbose --help`; empty when there is none. */
export function parseVerboseHelp(text: string): ReadonlyMap<string, string> {
  const options = new Map<string, string>()
  let inTable = false
  for (const line of text.split('\n')) {
    if (/^-{10,} -+$/.test(line)) { inTable = true; continue }
    if (!inTable) continue
    if (line === '') break
    const [, name, value] = /^(\S+)\s*(.*)$/.exec(line) ?? []
    if (name !== undefined) options.set(name, value === '(No default value)' ? '' : (value ?? '').trim())
  }
  return options
}

/** The options of `--print-defaults`: one line, separated by spaces that values may hold too, so only `--name=` begins one. */
export function parsePrintDefaults(text: string): ReadonlyMap<string, string> {
  const options = new Map<string, string>()
  const line = text.slice(text.indexOf('following arguments:') + 'following arguments:'.length).trim()
  for (const part of line.split(/\s+(?=--[a-zA-Z])/)) {
    const [, name, value] = /^--([^=\s]+)(?:=(.*))?$/s.exec(part) ?? []
    if (name !== undefined) options.set(name.replaceAll('_', '-'), value ?? '')
  }
  return options
}

/** `mysqld  Ver 8.4.3 for Linux …`, `Ver 10.11.19-MariaDB-…`; Percona names itself in the comment. */
export function parseProgramVersion(text: string): ServerVersion | undefined {
  const [, major, minor, patch] = /\bVer (\d+)\.(\d+)\.(\d+)/.exec(text) ?? []
  if (major === undefined) return undefined
  const product = /mariadb/i.test(text) ? 'MariaDB' : /percona/i.test(text) ? 'Percona' : 'MySQL'
  return { product, major: Number(major), minor: Number(minor), patch: Number(patch) }
}

export interface OptionTexts {
  readonly version: ServerVersion
  readonly help: ReadonlyMap<string, string>
  readonly defaults: ReadonlyMap<string, string>
}

/** Undefined when the table lacks a data directory: then it was no server that printed it. */
export function serverOptions(texts: OptionTexts): ServerOptions | undefined {
  const { help, version } = texts
  if ((help.get('datadir') ?? '') === '') return undefined
  const flavor: Flavor = version.product === 'MariaDB' ? 'mariadb' : 'mysql'
  const isOn = (name: string): boolean => /^(?:TRUE|ON|1|YES)$/i.test(help.get(name) ?? '')
  const readOnly = isOn('read-only') || isOn('super-read-only')
  return {
    flavor, version, paths: pathsOf(texts, flavor),
    basedir: trimSlash(help.get('basedir') ?? ''),
    port: Number(help.get('port')), serverId: Number(help.get('server-id')),
    lowerCaseTableNames: Number(help.get('lower-case-table-names') ?? '0'),
    readOnly, superReadOnly: help.has('super-read-only') ? isOn('super-read-only') : readOnly,
    skipReplicaStart: isOn('skip-replica-start') || isOn('skip-slave-start'),
    gtid: flavor === 'mysql'
      ? help.get('gtid-mode') === 'ON' && isOn('enforce-gtid-consistency')
      : isOn('gtid-strict-mode') && isOn('log-slave-updates'),
    all: help,
  }
}

function pathsOf({ help, defaults }: OptionTexts, flavor: Flavor): ServerPaths {
  const dataDir = trimSlash(help.get('datadir') ?? '')
  const resolve = (value: string): string => trimSlash(isAbsolute(value) ? normalize(value) : join(dataDir, value))
  const given = (name: string): string | undefined => { const value = help.get(name) ?? ''; return value === '' ? undefined : value }
  const directory = (name: string): string => resolve(given(name) ?? '.')
  const pidFile = resolve(given('pid-file') ?? 'mysqld.pid')
  const binlog = given('log-bin')
  const errorLog = errorLogOf(defaults.get('log-error'), dataDir, pidFile)
  return {
    dataDir,
    innodbDataHome: directory('innodb-data-home-dir'),
    innodbLogHome: directory('innodb-log-group-home-dir'),
    undoDir: directory('innodb-undo-directory'),
    tmpDir: trimSlash((given('tmpdir') ?? '/tmp').split(':')[0] ?? '/tmp'),
    socket: resolve(given('socket') ?? '/tmp/mysql.sock'), pidFile, errorLog,
    binlogBase: binlog === undefined || isOffWord(binlog) ? undefined : resolve(withoutExtension(binlog)),
    relayLogBase: resolve(withoutExtension(given('relay-log') ?? relayDefault(flavor, pidFile))),
    pluginDir: trimSlash(help.get('plugin-dir') ?? ''),
    innodbDataFilePath: given('innodb-data-file-path') ?? 'ibdata1:12M:autoextend',
    innodbPageSize: Number(help.get('innodb-page-size') ?? '16384'),
  }
}

/** MariaDB names relay logs after the pid file (tried); MySQL after the host, which it prints itself. */
const relayDefault = (flavor: Flavor, pidFile: string): string =>
  flavor === 'mariadb' ? `${parse(pidFile).name}-relay-bin` : 'relay-bin'

/** Undefined: standard error. Given without a value it is named after the pid file's (MariaDB) or the host (MySQL), with .err. */
function errorLogOf(given: string | undefined, dataDir: string, pidFile: string): string | undefined {
  if (given === undefined || given === 'stderr') return undefined
  if (given === '') return join(dataDir, `${parse(pidFile).name}.err`)
  const named = basename(given).includes('.') ? given : `${given}.err`
  return isAbsolute(named) ? normalize(named) : join(dataDir, named)
}

/** The servers drop what follows the last dot of a log's name (tried on both). */
const withoutExtension = (name: string): string => join(dirname(name), basename(name).replace(/\.[^.]*$/, ''))
const trimSlash = (path: string): string => path.length > 1 ? path.replace(/\/+$/, '') : path
const isOffWord = (value: string): boolean => /^(?:0|FALSE|OFF)$/i.test(value)
