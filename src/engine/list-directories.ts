/** What lies in the directories of a stopped server, as plain facts. */
import { lstat, readdir, realpath, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { isErrno } from '../base/errors.ts'
import type { CopyFacts } from '../mysqld/mysqld.ts'
import { locally } from './local-errors.ts'

export interface ListedEntry {
  /** Relative to the directory listed, with `/`. */
  readonly path: string
  readonly kind: 'file' | 'directory' | 'link' | 'linked-directory' | 'other'
  readonly bytes: number
}

/** Sorted by path. */
export interface DirectoryListings {
  /** With everything below, but for directories whose names begin with a dot or `#`. */
  readonly dataDir: readonly ListedEntry[]
  readonly innodbDataHome: readonly ListedEntry[]
  /** With the files of `#innodb_redo`. */
  readonly innodbLogHome: readonly ListedEntry[]
  readonly undoDir: readonly ListedEntry[]
}

/** @throws TabletError LOCAL_IO_FAILED */
export async function listDirectories({ paths }: Pick<CopyFacts, 'paths'>): Promise<DirectoryListings> {
  const isTree = (name: string): boolean => !name.startsWith('.') && !name.startsWith('#') && name !== 'lost+found'
  return {
    dataDir: await listBelow(paths.dataDir, isTree),
    innodbDataHome: await listBelow(paths.innodbDataHome, () => false),
    innodbLogHome: await listBelow(paths.innodbLogHome, (name) => name === '#innodb_redo'),
    undoDir: await listBelow(paths.undoDir, () => false),
  }
}

/** The same facts with every directory's links followed, so that two spellings of one place compare equal. */
export async function withRealPaths(facts: CopyFacts): Promise<CopyFacts> {
  const known = new Map<string, Promise<string>>()
  const real = (path: string): Promise<string> => {
    const found = known.get(path) ?? realpath(path).catch((error: unknown) => {
      if (isErrno(error, 'ENOENT', 'ENOTDIR')) return path   // what is not there is found missing later, by its name
      throw error
    })
    known.set(path, found)
    return found
  }
  const realFile = async (path: string): Promise<string> => join(await real(dirname(path)), basename(path))
  const { paths } = facts
  return await locally('follow the paths of the server', async () => ({
    ...facts,
    paths: {
      ...paths,
      dataDir: await real(paths.dataDir),
      innodbDataHome: await real(paths.innodbDataHome),
      innodbLogHome: await real(paths.innodbLogHome),
      undoDir: await real(paths.undoDir),
      tmpDir: await real(paths.tmpDir),
      pluginDir: await real(paths.pluginDir),
      binlogBase: paths.binlogBase === undefined ? undefined : await realFile(paths.binlogBase),
      relayLogBase: paths.relayLogBase === undefined ? undefined : await realFile(paths.relayLogBase),
    },
    tablespaceFiles: await Promise.all(facts.tablespaceFiles.map(async (file) => ({ ...file, path: await realFile(file.path) }))),
  }))
}

/** `path` relative to `directory`, or undefined when it is not below it. */
export function below(directory: string, path: string): string | undefined {
  const prefix = directory.endsWith('/') ? directory : `${directory}/`
  return path.startsWith(prefix) && path.length > prefix.length ? path.slice(prefix.length).replace(/\/+$/, '') : undefined
}

async function listBelow(directory: string, descend: (topName: string) => boolean): Promise<readonly ListedEntry[]> {
  const found: ListedEntry[] = []
  const visit = async (relative: string): Promise<void> => {
    for (const name of await readdir(join(directory, relative))) {
      const path = relative === '' ? name : `${relative}/${name}`
      const entry = await describe(directory, path)
      if (entry === undefined) continue
      found.push(entry)
      const isRedoLink = entry.kind === 'linked-directory' && name === '#innodb_redo'   // reading through it changes nothing
      if ((entry.kind === 'directory' || isRedoLink) && (relative !== '' || descend(name))) await visit(path)
    }
  }
  await locally(`list ${directory}`, () => visit(''))
  return found.sort((a, b) => a.path < b.path ? -1 : 1)
}

/** undefined: it vanished since it was listed, as sockets and temporary files do; tablespaces are missed elsewhere. */
async function describe(directory: string, path: string): Promise<ListedEntry | undefined> {
  const full = join(directory, path)
  const facts = await lstat(full).catch((error: unknown) => {
    if (isErrno(error, 'ENOENT')) return undefined
    throw error
  })
  if (facts === undefined) return undefined
  if (facts.isFile()) return { path, kind: 'file', bytes: facts.size }
  if (facts.isDirectory()) return { path, kind: 'directory', bytes: 0 }
  if (!facts.isSymbolicLink()) return { path, kind: 'other', bytes: 0 }
  const target = await stat(full).catch(() => undefined)   // a dangling link is a link all the same
  return { path, kind: target?.isDirectory() === true ? 'linked-directory' : 'link', bytes: 0 }
}
