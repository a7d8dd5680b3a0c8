/**
 * One value in a directory, as a row of numbered files: `record.<n>.json`, the highest being the value.
 *
 * Writing n+1 is link(2) of a finished, fsynced temporary file: it either makes the name or fails with EEXIST, so of
 * two writers that read the same version exactly one wins, whoever is killed where. Old versions are removed, but
 * a few are kept: a reader that listed them can still open one. Each file names the version it replaced; by
 * that a writer that slept through many versions, and whose number had been pruned and was free again, notices that
 * it wrote behind the newest one and has lost.
 *
 * See link(2), fsync(2).
 */
import { createHash, randomUUID } from 'node:crypto'
import { link, open, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { syncDirectory } from '../base/durable-file.ts'
import { TabletError, isErrno } from '../base/errors.ts'
import { MAX_RECORD_BYTES, parseFields } from './json-fields.ts'

const NAME = /^record\.(\d{1,15})\.json$/
const KEPT_VERSIONS = 8
/** A temporary file this old has lost its writer: a write takes milliseconds. */
const ABANDONED_AFTER_MS = 600_000

export interface StoredVersion {
  readonly number: number
  /** Opaque to callers: the number and a hash of the content, so that a row begun anew never matches an old one. */
  readonly version: string
  readonly text: string
  readonly path: string
}

/** The newest version in `directory`; undefined when it holds none. ENOENT of the directory itself rejects. */
export async function readNewestVersion(directory: string): Promise<StoredVersion | undefined> {
  for (;;) {
    const number = await newestNumber(directory)
    if (number === undefined) return undefined
    const path = pathOf(directory, number)
    try {
      return versionOf(number, await readBounded(path), path)
    } catch (error) {
      if (!isErrno(error, 'ENOENT')) throw error   // pruned since the listing: there are newer ones
    }
  }
}

/**
 * Makes `value` the newest version if `expected` still is; undefined expects that there is none.
 *
 * @throws TabletError TOPOLOGY_CONFLICT when another version is there.
 */
export async function writeNextVersion(directory: string, value: object, expected: string | undefined): Promise<StoredVersion> {
  const newest = await readNewestVersion(directory)
  if (newest?.version !== expected) throw conflict(directory)
  return await writeAfter(directory, newest, value)
}

/** Makes `value` the version after `seen`, which was the newest when it was read; TOPOLOGY_CONFLICT when it no longer is. */
export async function writeAfter(directory: string, seen: StoredVersion | undefined, value: object): Promise<StoredVersion> {
  const number = (seen?.number ?? 0) + 1
  const text = `${JSON.stringify({ id: randomUUID(), replaces: seen?.version ?? '', ...value }, null, 2)}\n`
  const written = versionOf(number, text, pathOf(directory, number))
  await linkDurably(directory, written)
  if (!await standsInTheRow(directory, written)) {
    await rm(written.path, { force: true })
    throw conflict(directory)
  }
  await prune(directory, number)
  return written
}

/** The highest number in `directory`, cheaply: for watching. */
export async function newestNumber(directory: string): Promise<number | undefined> {
  const numbers = await numbersIn(directory)
  return numbers.length === 0 ? undefined : Math.max(...numbers)
}

async function linkDurably(directory: string, version: StoredVersion): Promise<void> {
  const temporary = join(directory, `.${randomUUID()}.tmp`)
  try {
    const file = await open(temporary, 'wx', 0o640)
    try {
      await file.writeFile(version.text)
      await file.sync()
    } finally {
      await file.close()
    }
    await link(temporary, version.path)
  } catch (error) {
    if (isErrno(error, 'EEXIST')) throw conflict(directory, error)
    throw error
  } finally {
    await rm(temporary, { force: true }).catch(() => undefined)   // pruned later; what counts is the link
  }
  await syncDirectory(directory)
}

/** Whether nothing newer exists, or what follows was written on top of `version`. */
async function standsInTheRow(directory: string, version: StoredVersion): Promise<boolean> {
  if (await newestNumber(directory) === version.number) return true
  try {
    const path = pathOf(directory, version.number + 1)
    return parseFields(await readBounded(path), path).text('replaces') === version.version
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return false   // long superseded either way: the caller reads again
    throw error
  }
}

async function prune(directory: string, newest: number): Promise<void> {
  const old = (await numbersIn(directory)).filter((number) => number <= newest - KEPT_VERSIONS)
  for (const number of old) await rm(pathOf(directory, number), { force: true })
  for (const name of (await readdir(directory)).filter((name) => /^\..*\.tmp$/.test(name))) {
    const path = join(directory, name)
    const modifiedMs = await stat(path).then((found) => found.mtimeMs, () => Date.now())
    if (Date.now() - modifiedMs > ABANDONED_AFTER_MS) await rm(path, { force: true })
  }
}

async function numbersIn(directory: string): Promise<readonly number[]> {
  const names = await readdir(directory)
  return names.map((name) => NAME.exec(name)?.[1]).filter((digits) => digits !== undefined).map(Number)
}

/** The text of a file, cut off just beyond what any record may be: parsing refuses it then. */
async function readBounded(path: string): Promise<string> {
  const file = await open(path, 'r')
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(MAX_RECORD_BYTES + 1), 0, MAX_RECORD_BYTES + 1, 0)
    return buffer.toString('utf8', 0, bytesRead)
  } finally {
    await file.close()
  }
}

const pathOf = (directory: string, number: number): string => join(directory, `record.${String(number).padStart(8, '0')}.json`)

function versionOf(number: number, text: string, path: string): StoredVersion {
  return { number, version: `${number}-${createHash('sha256').update(text).digest('hex').slice(0, 24)}`, text, path }
}

const conflict = (directory: string, cause?: unknown): TabletError =>
  new TabletError('TOPOLOGY_CONFLICT', `cannot write the record in ${directory}: another version was written meanwhile`, { cause })
