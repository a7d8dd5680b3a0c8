/**
 * The files of a MANIFEST: entries, chunks, empty directories. Names come from outside and become paths, so each is
 * checked here, once: whoever holds a decoded manifest may join them to a base directory.
 */
import { countOf, fieldsOf, invalid, listOf, pathTo, textOf, type Fields } from './hostile-json.ts'
import type { FileBase, FileEntry, ManifestChunk } from './manifest.ts'

const BASES: readonly FileBase[] = ['InnoDBData', 'InnoDBLog', 'Data', 'BinLog']
const HASH = /^(?:[0-9a-f]{8})?$/
 
const FORBIDDEN = /[\u0000-\u001f\u007f\\]/

/** Identity and settings of the donor, which no backup of ours or Vitess's holds and no restore may bring. */
const NEVER_RESTORED: readonly string[] = ['auto.cnf', 'mysqld-auto.cnf']

/** FileEntries; undefined when absent. */
export function readFileEntries(fields: Fields): readonly FileEntry[] | undefined {
  const entries = listOf(fields, 'FileEntries')?.map((value, index) => readEntry(fieldsOf(value, `FileEntries[${index}]`), index))
  if (entries !== undefined) checkTree(entries.map((entry) => `${entry.Base}/${entry.Name}`), readDirectories(fields) ?? [])
  return entries
}

/** Directories; undefined when absent. */
export function readDirectories(fields: Fields): readonly string[] | undefined {
  return listOf(fields, 'Directories')?.map((value, index) => {
    const at = `Directories[${index}]`
    if (typeof value !== 'string') throw invalid(`${at} must be a string`)
    const slash = value.indexOf('/')
    readBase(value.slice(0, Math.max(slash, 0)), at)
    return checkPath(value, slash + 1, at)
  })
}

function readEntry(fields: Fields, index: number): FileEntry {
  const name = textOf(fields, 'Name')
  checkPath(name, 0, pathTo(fields, 'Name'))
  if (textOf(fields, 'ParentPath') !== '') throw invalid(`${pathTo(fields, 'ParentPath')} must be empty`)
  const chunks = readChunks(fields, index)
  const size = countOf(fields, 'Size')
  const storedSize = countOf(fields, 'StoredSize')
  const allocated = countOf(fields, 'Allocated')
  const chunkBytes = chunks?.reduce((sum, chunk) => sum + chunk.Size, 0)
  if (size !== undefined && chunkBytes !== undefined && size !== chunkBytes) {
    throw invalid(`${pathTo(fields, 'Size')} is ${size}, its chunks have ${chunkBytes} bytes`)
  }
  return {
    Base: readBase(textOf(fields, 'Base'), pathTo(fields, 'Base')),
    Name: name,
    Hash: readHash(fields),
    ParentPath: '',
    ...chunks === undefined ? {} : { Chunks: chunks },
    ...size === undefined ? {} : { Size: size },
    ...storedSize === undefined ? {} : { StoredSize: storedSize },
    ...allocated === undefined ? {} : { Allocated: allocated },
  }
}

/** Chunks of one file: contiguous from 0, each with bytes, stored under `<index>-<n>`. An empty list is none. */
function readChunks(fields: Fields, index: number): readonly ManifestChunk[] | undefined {
  const list = listOf(fields, 'Chunks') ?? []
  if (list.length === 0) return undefined
  let offset = 0
  return list.map((value, n) => {
    const chunk = fieldsOf(value, `${pathTo(fields, 'Chunks')}[${n}]`)
    const storageName = textOf(chunk, 'StorageName')
    if (storageName !== `${index}-${n}`) throw invalid(`${pathTo(chunk, 'StorageName')} must be ${index}-${n}`)
    if ((countOf(chunk, 'Offset') ?? 0) !== offset) throw invalid(`${pathTo(chunk, 'Offset')} must be ${offset}`)
    const size = countOf(chunk, 'Size') ?? 0
    if (size === 0) throw invalid(`${pathTo(chunk, 'Size')} must be at least 1`)
    const read = { StorageName: storageName, Offset: offset, Size: size, Hash: readHash(chunk) }
    offset += size
    if (!Number.isSafeInteger(offset)) throw invalid(`${pathTo(chunk, 'Size')} makes the file too large`)
    return read
  })
}

function readHash(fields: Fields): string {
  const hash = textOf(fields, 'Hash')
  if (!HASH.test(hash)) throw invalid(`${pathTo(fields, 'Hash')} must be 8 lowercase hex digits or empty`)
  return hash
}

function readBase(text: string, at: string): FileBase {
  const base = BASES.find((known) => known === text)
  if (base === undefined) throw invalid(`${at} must be one of ${BASES.join(', ')}`)
  return base
}

/** `path`, whose part from `start` on must be plain names with `/` between them. */
function checkPath(path: string, start: number, at: string): string {
  const segments = path.slice(start).split('/')
  const shown = JSON.stringify(path.length > 60 ? `${path.slice(0, 60)}…` : path)
  if (FORBIDDEN.test(path)) throw invalid(`${at} holds a character that no file of a database has`)
  if (path.length > 4096 || segments.some((segment) => Buffer.byteLength(segment) > 255)) throw invalid(`${at} is too long`)
  if (segments.some((segment) => segment === '' || segment === '.' || segment === '..')) throw invalid(`${at} is ${shown}, which is not a path inside its base`)
  // dot names under a data directory are tabletd's own, the sentinel among them
  if (segments[0]?.startsWith('.') === true) throw invalid(`${at} is ${shown}: names that begin with a dot are not a database's`)
  if (segments.length === 1 && NEVER_RESTORED.includes(path.slice(start))) throw invalid(`${at} is ${shown}, which would make this server into another one`)
  return path
}

/** No file twice, and none where a directory has to be: half a restore later that would be too late. */
function checkTree(files: readonly string[], directories: readonly string[]): void {
  const seen = new Set<string>()
  for (const [index, file] of files.entries()) {
    if (seen.has(file)) throw invalid(`FileEntries[${index}] is ${JSON.stringify(file)}, which stands there twice`)
    seen.add(file)
  }
  for (const path of [...files, ...directories.map((directory) => `${directory}/`)]) {
    for (let slash = path.indexOf('/'); slash >= 0; slash = path.indexOf('/', slash + 1)) {
      const parent = path.slice(0, slash)
      if (seen.has(parent)) throw invalid(`${JSON.stringify(parent)} is both a file and a directory`)
    }
  }
}
