/**
 * The directories of one server's data, and which names in them are data.
 *
 * A data directory is often a mount point: its contents are ours, the directory is not. What begins with a dot or is
 * called lost+found is never counted, moved or deleted; nor are the operator's own files in it (KEPT).
 */
import { readdir } from 'node:fs/promises'
import { basename, dirname, isAbsolute, join, relative } from 'node:path'
import { isErrno } from '../base/errors.ts'
import type { ServerPaths } from './mysqld.ts'

export type DataPaths = Pick<ServerPaths,
  'dataDir' | 'innodbDataHome' | 'innodbLogHome' | 'undoDir' | 'innodbDataFilePath' | 'binlogBase' | 'relayLogBase'>

/** The operator's: settings, certificates and keys. Never in a backup, so never taken away by a restore. */
const KEPT = /^(?:mysqld-auto\.cnf|mysqld\.my|[^/]*\.pem|[^/]*keyring[^/]*)$/

/** Names that InnoDB gives its files: in a directory other than the data directory only these are data. */
const INNODB = /^(?:ibdata.*|ib_logfile\d+|#innodb_redo|#innodb_temp|#ib_.*|ibtmp\d+|undo_?\d+|.*\.ibu|.*\.dblwr|ib_buffer_pool)$/

/** One directory and the test for the names in it that are data. */
export interface DataPlace {
  readonly path: string
  readonly isData: (name: string) => boolean
  /** Names below which my.cnf puts directories: they are data only when there is a file in them. */
  readonly structure: readonly string[]
}

const isOurs = (name: string): boolean => name.startsWith('.') || name === 'lost+found'
export const isKept = (name: string): boolean => KEPT.test(name)

/** Data directory first; every directory once; those inside the data directory are not listed, being part of it. */
export function dataPlaces(paths: DataPaths): readonly DataPlace[] {
  const { dataDir } = paths
  const structure = innerDirectories(paths).map((path) => relative(dataDir, path).split('/')[0] ?? '')
  const places: DataPlace[] = [{ path: dataDir, structure, isData: (name) => !isOurs(name) && !isKept(name) }]
  const files = dataFileNames(paths)
  const outside = [paths.innodbDataHome, paths.innodbLogHome, paths.undoDir].filter((path) => !isInside(path, dataDir))
  for (const path of new Set(outside)) {
    places.push({ path, structure: [], isData: (name) => !isOurs(name) && (INNODB.test(name) || files.includes(name)) })
  }
  for (const base of [paths.binlogBase, paths.relayLogBase]) {
    if (base === undefined || isInside(dirname(base), dataDir)) continue
    places.push({ path: dirname(base), structure: [], isData: (name) => isLogName(name, basename(base)) })
  }
  return merged(places)
}

/** Directories below the data directory that the server expects to exist. */
export const innerDirectories = (paths: DataPaths): readonly string[] =>
  [...new Set([paths.innodbDataHome, paths.innodbLogHome, paths.undoDir, ...logDirectories(paths)])]
    .filter((path) => path !== paths.dataDir && isInside(path, paths.dataDir))

/** Names of the files of innodb_data_file_path. */
export function dataFileNames(paths: Pick<DataPaths, 'innodbDataFilePath'>): readonly string[] {
  return paths.innodbDataFilePath.split(';').map((part) => part.split(':')[0]?.trim() ?? '').filter((name) => name !== '')
}

/** Names of data in a place; undefined when the directory does not exist. Every other trouble rejects. */
export async function dataNames(place: DataPlace): Promise<readonly string[] | undefined> {
  const names = await namesIn(place.path)
  if (names === undefined) return undefined
  const found: string[] = []
  for (const name of names.filter((name) => place.isData(name))) {
    if (!place.structure.includes(name) || await holdsFiles(join(place.path, name))) found.push(name)
  }
  return found.sort()
}

async function holdsFiles(path: string): Promise<boolean> {
  try {
    const entries = await readdir(path, { recursive: true, withFileTypes: true })
    return entries.some((entry) => !entry.isDirectory())
  } catch (error) {
    if (isErrno(error, 'ENOTDIR')) return true
    throw error
  }
}

/**
 * Directories in the data directory that are no schemas, although MariaDB shows them as `#mysql50#.name` (tried) and
 * mariadb-upgrade would rename them: every start of ours hides them with --ignore-db-dirs.
 */
export async function noSchemas(dataDir: string): Promise<readonly string[]> {
  if (await namesIn(dataDir) === undefined) return []
  const entries = await readdir(dataDir, { withFileTypes: true })
  return entries.filter((entry) => entry.isDirectory() && isOurs(entry.name)).map((entry) => entry.name).sort()
}

export async function namesIn(path: string): Promise<readonly string[] | undefined> {
  try {
    return await readdir(path)
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined
    throw error
  }
}

export function isInside(path: string, directory: string): boolean {
  const way = relative(directory, path)
  return way === '' || (way !== '..' && !way.startsWith('../') && !isAbsolute(way))
}

const isLogName = (name: string, base: string): boolean =>
  name.startsWith(`${base}.`) && /^(?:\d{6,}|index|state|~rec~|index_crash_safe)$/.test(name.slice(base.length + 1))

const logDirectories = (paths: DataPaths): readonly string[] =>
  [paths.binlogBase, paths.relayLogBase].flatMap((base) => base === undefined ? [] : [dirname(base)])

function merged(places: readonly DataPlace[]): readonly DataPlace[] {
  const byPath = new Map<string, DataPlace>()
  for (const place of places) {
    const other = byPath.get(place.path)
    byPath.set(place.path, other === undefined ? place : { ...other, isData: (name) => other.isData(name) || place.isData(name) })
  }
  return [...byPath.values()]
}

export const systemTablespace = (paths: DataPaths): string => {
  const [first = 'ibdata1'] = dataFileNames(paths)
  return isAbsolute(first) ? first : join(paths.innodbDataHome, first)
}
