/**
 * Where every object of a builtin backup goes. Pure: a hostile MANIFEST ends here.
 *
 * Promises  every path lies in the directory its base names, is named once, and is no file that is private to its
 *           server (those are left out); chunks cover their file from 0 without a gap (reference 2.3, v25).
 */
import { TabletError } from '../base/errors.ts'
import type { BackupManifest, FileBase, FileEntry, ManifestChunk } from '../model/manifest.ts'
import { isSafeComponent } from '../storage/storage-path.ts'
import type { RestoreParams } from './backup-engine.ts'
import { isConfinedName, isPrivateToItsServer, isUndoFile } from './file-names.ts'

export interface PlannedFile {
  /** Of its FileEntry. */
  readonly index: number
  /** The directory of its base, and the path in it. */
  readonly root: RootName
  readonly name: string
  /** Stored in pieces, each written at its offset. */
  readonly chunked: boolean
  readonly objects: readonly PlannedObject[]
  /** Uncompressed bytes of all of it; undefined when the manifest does not tell. */
  readonly size: number | undefined
  /** Pages of zeros may be left out of it, as they were where it was copied. */
  readonly holes: boolean
  /** What it will take of the file system; undefined when the manifest does not tell. */
  readonly diskBytes: number | undefined
}

export interface PlannedObject {
  readonly object: string
  readonly offset: number
  readonly hash: string
  readonly size: number | undefined
  readonly storedSize: number | undefined
}

export type RootName = keyof RestoreParams['to']

export interface RestorePlan {
  readonly files: readonly PlannedFile[]
  /** Directories without files, made again. */
  readonly directories: readonly { readonly root: RootName, readonly name: string }[]
}

const ROOT_OF: Readonly<Record<Exclude<FileBase, 'BinLog'>, RootName>> = { Data: 'dataDir', InnoDBData: 'innodbDataHome', InnoDBLog: 'innodbLogHome' }
/** The server never makes it itself, and the clone plugin needs it. */
const ALWAYS_MADE = { root: 'dataDir', name: 'performance_schema' } as const
const HASH = /^[0-9a-f]{8}$/i

/** @throws TabletError MANIFEST_INVALID, BACKUP_UNSUPPORTED */
export function planRestore(manifest: BackupManifest): RestorePlan {
  if (manifest.BackupMethod !== 'builtin' && manifest.BackupMethod !== '') throw unsupported(`the method is ${JSON.stringify(manifest.BackupMethod)}`)
  if (manifest.Incremental) throw unsupported('it is incremental')
  if ((manifest.TransformHook ?? '') !== '') throw unsupported('its files went through a transform hook')
  const entries = manifest.FileEntries ?? []
  if (entries.length === 0) throw invalid('it names no files')
  const files = entries.map(planFile).filter(({ name }) => !isPrivateToItsServer(name))
  requireDistinct(files.map(({ root, name }) => `${root}/${name}`), 'file')
  requireDistinct(files.flatMap(({ objects }) => objects.map(({ object }) => object)), 'object')
  return { files, directories: [ALWAYS_MADE, ...(manifest.Directories ?? []).map(planDirectory)] }
}

function planFile(entry: FileEntry, index: number): PlannedFile {
  const { Base: base, Name: name } = entry
  if (!isConfinedName(name)) throw invalid(`entry ${index} has the path ${JSON.stringify(name)}`)
  if (base === 'BinLog' || entry.ParentPath !== '') throw unsupported(`entry ${index} is a binary log`)
  if (!Object.hasOwn(ROOT_OF, base)) throw invalid(`entry ${index} has the base ${JSON.stringify(base)}`)
  const chunks = entry.Chunks ?? []
  // undo files of every base: under a separate InnoDB directory, or in two places, they keep mysqld from starting
  const root = isUndoFile(name) && base !== 'InnoDBLog' ? 'undoDir' : ROOT_OF[base]
  if (chunks.length > 0) {
    const size = sizeOfChunks(chunks)
    return { index, root, name, chunked: true, objects: planChunks(chunks, index), size, holes: false, diskBytes: size }
  }
  const holes = mayHaveHoles(entry)
  const diskBytes = holes ? entry.Allocated : entry.Size
  return { index, root, name, chunked: false, objects: [planWhole(entry, index)], size: entry.Size, holes, diskBytes }
}

/**
 * Only tables, and only those that had holes: whoever wrote zeros into a file may have meant to hold its space.
 *
 * A full disk under a redo log, an undo tablespace or the system tablespace (MariaDB's with the doublewrite buffer in
 * it) ends the server instead of a statement, so these take their whole size however they were found.
 */
const mayHaveHoles = ({ Base: base, Name: name, Size: size, Allocated: allocated }: FileEntry): boolean =>
  base === 'Data' && !isUndoFile(name) && size !== undefined && allocated !== undefined && allocated < size

function planWhole(entry: FileEntry, index: number): PlannedObject {
  if (!HASH.test(entry.Hash)) throw invalid(`entry ${index} has the hash ${JSON.stringify(entry.Hash)}`)
  requireSize(entry.Size, index)
  requireSize(entry.StoredSize, index)
  requireSize(entry.Allocated, index)
  return { object: String(index), offset: 0, hash: entry.Hash, size: entry.Size, storedSize: entry.StoredSize }
}

function planChunks(chunks: readonly ManifestChunk[], index: number): readonly PlannedObject[] {
  let end = 0
  return chunks.map(({ StorageName: object, Offset: offset, Size: size, Hash: hash }, number) => {
    if (object !== `${index}-${number}` || !isSafeComponent(object)) throw invalid(`chunk ${number} of entry ${index} is stored as ${JSON.stringify(object)}`)
    if (offset !== end || !Number.isSafeInteger(size) || size <= 0) throw invalid(`chunk ${object} does not follow the one before`)
    if (!HASH.test(hash)) throw invalid(`chunk ${object} has the hash ${JSON.stringify(hash)}`)
    end += size
    if (!Number.isSafeInteger(end)) throw invalid(`the chunks of entry ${index} are larger than any file`)
    return { object, offset, hash, size, storedSize: undefined }
  })
}

const sizeOfChunks = (chunks: readonly ManifestChunk[]): number => chunks.reduce((sum, { Size }) => sum + Size, 0)

function planDirectory(text: string): { readonly root: RootName, readonly name: string } {
  const [base = '', ...rest] = text.split('/')
  const name = rest.join('/')
  if (base !== 'Data' || !isConfinedName(name) || isPrivateToItsServer(name)) throw invalid(`it names the directory ${JSON.stringify(text)}`)
  return { root: ROOT_OF[base], name }
}

function requireSize(size: number | undefined, index: number): void {
  if (size !== undefined && (!Number.isSafeInteger(size) || size < 0)) throw invalid(`entry ${index} has the size ${size}`)
}

function requireDistinct(names: readonly string[], what: string): void {
  const seen = new Set<string>()
  for (const name of names) {
    if (seen.has(name)) throw invalid(`it names the ${what} ${JSON.stringify(name)} twice`)
    seen.add(name)
  }
}

const invalid = (why: string): TabletError => new TabletError('MANIFEST_INVALID', `cannot use the MANIFEST: ${why}`)
const unsupported = (why: string): TabletError => new TabletError('BACKUP_UNSUPPORTED', `cannot restore this backup: ${why}`)
