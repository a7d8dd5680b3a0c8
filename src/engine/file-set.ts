/**
 * Which files make up a stopped server: design.md section 5, "File set of builtin". Pure, over listings and CopyFacts.
 *
 * Promises  a tablespace that the server names and the set lacks is a refusal that names it, never a silent loss;
 *           undo files are always of base Data, wherever they lie: under InnoDBData of a separate directory, or
 *           twice, they keep mysqld from starting (tried).
 *
 * Aria: without aria_log_control and aria_log.* MariaDB takes its tables for another system's and "repairs" them at
 * first use; mysql.proc of a fresh 10.11.19 was lost that way (tried), so they belong to the set. With them all is well.
 */
import { basename } from 'node:path'
import { TabletError } from '../base/errors.ts'
import type { FileBase } from '../model/manifest.ts'
import type { CopyFacts } from '../mysqld/mysqld.ts'
import { isUndoFile } from './file-names.ts'
import { below, type DirectoryListings, type ListedEntry } from './list-directories.ts'

export interface ChosenFile {
  readonly base: FileBase
  /** Relative to the base, with `/`. */
  readonly name: string
  readonly path: string
  readonly bytes: number
}

export interface FileSet {
  readonly files: readonly ChosenFile[]
  /** Empty directories of the data directory, as `Data/<name>`. */
  readonly directories: readonly string[]
}

type SetFacts = Pick<CopyFacts, 'paths' | 'innodbDataFilePath' | 'tablespaceFiles' | 'encrypted' | 'engines'>

/** Keep their tables in places of their own, or on other machines. */
const UNCOPIED_ENGINES = /^(?:ROCKSDB|TOKUDB|COLUMNSTORE|S3|NDBCLUSTER|CONNECT|MROONGA|OQGRAPH|SPHINX)$/i
const ARIA_LOG = /^aria_log(?:_control|\.\d{8})$/

/**
 * The files to copy, in the order of Vitess's FileEntries, and the empty directories to make again.
 *
 * @throws TabletError TABLESPACE_OUTSIDE, ENCRYPTION_UNSUPPORTED, ENGINE_NOT_COPIED; DATADIR_UNREADABLE when a part is
 *   missing without which no server starts.
 */
export function chooseFiles(listings: DirectoryListings, facts: SetFacts): FileSet {
  refuseWhatCannotBeCopied(facts)
  const schemas = schemaEntries(listings.dataDir, facts)
  const files = [
    ...systemTablespace(listings.innodbDataHome, facts),
    ...redoLog(listings.innodbLogHome, facts),
    ...topLevelData(listings, facts),
    ...schemas.filter(({ kind }) => kind === 'file').map((entry) => fileIn('Data', facts.paths.dataDir, entry)),
  ]
  requireAllTablespaces(files, facts)
  requireAriaLog(files)
  return { files, directories: emptyDirectories(schemas) }
}

function refuseWhatCannotBeCopied(facts: SetFacts): void {
  const [encrypted] = facts.encrypted
  if (encrypted !== undefined) {
    throw new TabletError('ENCRYPTION_UNSUPPORTED', `cannot copy: ${encrypted} is encrypted`, { details: { encrypted: facts.encrypted.slice(0, 100) } })
  }
  const engine = facts.engines.find((name) => UNCOPIED_ENGINES.test(name))
  if (engine !== undefined) throw new TabletError('ENGINE_NOT_COPIED', `cannot copy: there are tables of storage engine ${engine}`)
}

function systemTablespace(home: readonly ListedEntry[], { paths, innodbDataFilePath }: SetFacts): readonly ChosenFile[] {
  return parseDataFilePath(innodbDataFilePath).map((named) => {
    const name = named.startsWith('/') ? below(paths.innodbDataHome, named) : named.replace(/^\.\//, '')
    if (name === undefined) throw outside(`the system tablespace file ${named}`)
    return fileIn('InnoDBData', paths.innodbDataHome, requireFile(home, name, `${paths.innodbDataHome}/${name}`))
  })
}

/**
 * Names of an innodb_data_file_path, as `ibdata1:12M;ibdata2:50M:autoextend:max:1G`.
 *
 * @throws TabletError TABLESPACE_OUTSIDE for raw partitions.
 */
export function parseDataFilePath(text: string): readonly string[] {
  return text.split(';').map((part) => part.trim()).filter((part) => part !== '').map((part) => {
    const [, name, options] = /^(.+?):(\d+[KMGkmg]?.*)$/.exec(part) ?? [undefined, part, '']
    if (/raw$/.test(options ?? '')) throw outside(`the raw device ${name ?? part}`)
    return name ?? part
  })
}

/** MySQL 8.0.30 and later: `#innodb_redo/`; before, and MariaDB: `ib_logfile*`. */
function redoLog(home: readonly ListedEntry[], { paths }: SetFacts): readonly ChosenFile[] {
  const inDirectory = home.filter(({ path, kind }) => kind === 'file' && /^#innodb_redo\/[^/]+$/.test(path))
  const chosen = inDirectory.length > 0 ? inDirectory : home.filter(({ path, kind }) => kind === 'file' && /^ib_logfile\d+$/.test(path))
  if (chosen.length === 0) throw new TabletError('DATADIR_UNREADABLE', `cannot copy: there is no redo log in ${paths.innodbLogHome}`)
  return chosen.map((entry) => fileIn('InnoDBLog', paths.innodbLogHome, entry))
}

/** mysql.ibd, the Aria log, general tablespaces and undo tablespaces: files beside the schema directories. */
function topLevelData({ dataDir, undoDir }: DirectoryListings, { paths, tablespaceFiles }: SetFacts): readonly ChosenFile[] {
  const named = new Set(tablespaceFiles.filter(({ kind }) => kind === 'general' || kind === 'undo').map(({ path }) => path))
  const isTopFile = ({ path, kind }: ListedEntry): boolean => kind === 'file' && !path.includes('/')
  const beside = dataDir.filter((entry) => isTopFile(entry)
    && (entry.path === 'mysql.ibd' || ARIA_LOG.test(entry.path) || named.has(`${paths.dataDir}/${entry.path}`)))
  const undo = undoDir.filter((entry) => isTopFile(entry) && (isUndoFile(entry.path) || named.has(`${paths.undoDir}/${entry.path}`)))
  const files = [
    ...beside.map((entry) => fileIn('Data', paths.dataDir, entry)),
    ...undo.map((entry) => fileIn('Data', paths.undoDir, entry)),
  ]
  return uniqueByName(files)
}

/** Two files that would be restored to one place: the same file seen twice is one, two files are a refusal. */
function uniqueByName(files: readonly ChosenFile[]): readonly ChosenFile[] {
  const byName = new Map<string, ChosenFile>()
  for (const file of files) {
    const other = byName.get(file.name)
    if (other !== undefined && other.path !== file.path) throw outside(`${file.path}, which has the name of ${other.path}`)
    byName.set(file.name, file)
  }
  return [...byName.values()]
}

/** What lies in schema directories, and these directories; links lead to files that would not be copied. */
function schemaEntries(dataDir: readonly ListedEntry[], { paths }: SetFacts): readonly ListedEntry[] {
  const foreign = ownDirectories(paths).flatMap((directory) => {
    const name = below(paths.dataDir, directory)
    return name === undefined ? [] : [name.split('/')[0] ?? name]
  })
  const isSchema = ({ path, kind }: ListedEntry): boolean => {
    const [top = ''] = path.split('/')
    if (path === top && kind !== 'directory' && kind !== 'linked-directory') return false
    return !top.startsWith('#') && top !== 'lost+found' && !foreign.includes(top) && !path.split('/').some((part) => part.startsWith('.'))
  }
  const entries = dataDir.filter(isSchema)
  const stray = entries.find(({ path, kind }) => kind === 'link' || kind === 'linked-directory' || path.endsWith('.isl'))
  if (stray !== undefined) throw outside(`${paths.dataDir}/${stray.path} (a link to another place)`)
  return entries
}

/** Directories that are the server's own although they may lie in the data directory: their names are no schemas. */
function ownDirectories({ innodbDataHome, innodbLogHome, undoDir, tmpDir, binlogBase, relayLogBase, pluginDir }: SetFacts['paths']): readonly string[] {
  const logs = [binlogBase, relayLogBase].flatMap((base) => base === undefined ? [] : [base.slice(0, -basename(base).length - 1)])
  return [innodbDataHome, innodbLogHome, undoDir, tmpDir, pluginDir, ...logs]
}

function emptyDirectories(schemas: readonly ListedEntry[]): readonly string[] {
  const parents = new Set(schemas.filter(({ path }) => path.includes('/')).map(({ path }) => path.slice(0, path.lastIndexOf('/'))))
  return schemas.filter(({ path, kind }) => kind === 'directory' && !parents.has(path)).map(({ path }) => `Data/${path}`)
}

/** An undo tablespace made since the last start is named as if it lay in the data directory (MySQL 9.7, tried). */
function requireAllTablespaces(files: readonly ChosenFile[], { paths, tablespaceFiles }: SetFacts): void {
  const copied = new Set(files.map(({ path }) => path))
  const isCopied = ({ path, kind }: SetFacts['tablespaceFiles'][number]): boolean => kind === 'temporary' || copied.has(path)
    || (kind === 'undo' && path === `${paths.dataDir}/${basename(path)}` && copied.has(`${paths.undoDir}/${basename(path)}`))
  const missing = tablespaceFiles.find((file) => !isCopied(file))
  if (missing !== undefined) throw outside(`tablespace ${missing.name} (${missing.path})`)
}

function requireAriaLog(files: readonly ChosenFile[]): void {
  const table = files.find(({ name }) => name.endsWith('.MAI'))
  if (table !== undefined && !files.some(({ name }) => name === 'aria_log_control')) throw outside(`aria_log_control, which ${table.name} needs`)
}

function requireFile(entries: readonly ListedEntry[], name: string, path: string): ListedEntry {
  const entry = entries.find((listed) => listed.path === name)
  if (entry?.kind === 'link') throw outside(`${path} (a link to another place)`)
  if (entry?.kind !== 'file') throw new TabletError('DATADIR_UNREADABLE', `cannot copy: ${path} is missing`)
  return entry
}

const fileIn = (base: FileBase, directory: string, { path, bytes }: ListedEntry): ChosenFile =>
  ({ base, name: path, path: `${directory}/${path}`, bytes })

const outside = (what: string): TabletError =>
  new TabletError('TABLESPACE_OUTSIDE', `cannot copy ${what}: it does not lie where the builtin engine copies`)
