/**
 * Backups in a directory: `<root>/<keyspace>/<shard>/<name>/<file>`, Vitess's own layout.
 *
 * Promises  an object is there whole or not at all, and durable when its write resolves;
 *           nothing gets permission bits for the world, whatever the umask;
 *           a root that is gone (not mounted) is STORAGE_UNREACHABLE, never "no backups";
 *           no name and no link leads out of the root.
 * See       reference vitess-backup.md 1.4; design.md section 2, promises 2 and 3.
 */
import { randomBytes } from 'node:crypto'
import { lstat, mkdir, open, readdir, rename, rm, stat, type FileHandle } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { ActionContext } from '../base/action.ts'
import { syncDirectory, writeDurably } from '../base/durable-file.ts'
import { TabletError, isErrno } from '../base/errors.ts'
import { syncAhead } from '../base/sync-ahead.ts'
import type { ShardName } from '../model/tablet.ts'
import { MANIFEST, type BackupStorage, type ReadableBackup, type StoredFile, type WritableBackup } from './backup-storage.ts'
import { openFileStream } from './file-stream.ts'
import { storageError } from './storage-errors.ts'
import { existsBelow, isSafeComponent, pathBelow } from './storage-path.ts'

const DIRECTORY_MODE = 0o770
const FILE_MODE = 0o660
/** More in one call made ext4 six times as slow (docs/performance.md). */
const WRITE_BYTES = 512 << 10

/** One backup's place on disk. */
interface Place {
  readonly root: string
  readonly shard: ShardName
  readonly name: string
  readonly directory: string
}

export function fileStorage({ root }: { readonly root: string }): BackupStorage {
  const shardDirectory = (shard: ShardName): string => pathBelow(root, shard.keyspace, shard.shard)
  const placeOf = (shard: ShardName, name: string): Place =>
    ({ root, shard, name, directory: pathBelow(shardDirectory(shard), name) })
  return {
    kind: 'file',
    listBackups: (shard, ctx) => guarded(`list backups in ${root}`, ctx, async () => {
      const directory = shardDirectory(shard)
      if (!await isPresent(root, directory)) return []
      const entries = await readdir(directory, { withFileTypes: true })
      return entries.filter((entry) => entry.isDirectory() && isSafeComponent(entry.name)).map((entry) => entry.name).sort()
    }),
    openBackup: (shard, name) => readableBackup(placeOf(shard, name)),
    startBackup: (shard, name, ctx) => guarded(`start backup ${name}`, ctx, async () => {
      const place = placeOf(shard, name)
      await makeShardDirectory(root, shard)
      await isPresent(root, dirname(place.directory))   // a shard's directory that leads out of the root is refused here
      ctx.signal.throwIfAborted()
      await mkdir(place.directory, { mode: DIRECTORY_MODE }).catch((error: unknown) => {
        throw isErrno(error, 'EEXIST') ? new TabletError('BACKUP_EXISTS', `cannot start backup ${name}: it exists already`) : error
      })
      await syncDirectory(dirname(place.directory))
      return writableBackup(place)
    }),
    removeBackup: (shard, name, ctx) => guarded(`remove backup ${name}`, ctx, () => removeBackup(placeOf(shard, name))),
  }
}

function readableBackup(place: Place): ReadableBackup {
  const { shard, name, directory } = place
  return {
    shard,
    name,
    listFiles: (ctx) => guarded(`list the files of ${name}`, ctx, () => listFiles(place)),
    readSmallFile: (file, maxBytes, ctx) => guarded(`read ${file} of ${name}`, ctx, async () => {
      const path = pathBelow(directory, file)
      if (!await isPresent(place.root, directory)) throw notFound(name, file)
      const stream = await openFileStream(path, { end: maxBytes + 1 }, ctx.signal).catch((error: unknown) => {
        throw isErrno(error, 'ENOENT') ? notFound(name, file) : error
      })
      const content = Buffer.concat(await stream.toArray() as Buffer[])
      if (content.length > maxBytes) throw new TabletError('MANIFEST_INVALID', `cannot read ${file} of ${name}: it is larger than ${maxBytes} bytes`)
      return content
    }),
    readFile: (file, range, ctx) => guarded(`read ${file} of ${name}`, ctx, async () => {
      const path = pathBelow(directory, file)
      const absent = new TabletError('BACKUP_CORRUPT', `cannot read ${file} of ${name}: the object is missing`, { details: { file } })
      if (!await isPresent(place.root, directory)) throw absent
      return await openFileStream(path, range, ctx.signal).catch((error: unknown) => { throw isErrno(error, 'ENOENT') ? absent : error })
    }),
  }
}

function writableBackup(place: Place): WritableBackup {
  const { shard, name, directory } = place
  return {
    shard,
    name,
    writeFile: (file, source, _options, ctx) => guarded(`write ${file} of ${name}`, ctx, async () => {
      const path = pathBelow(directory, file)
      const bytes = await writeObject(path, source, ctx.signal).catch((error: unknown) => lostIn(place, error))
      return { file, bytes }
    }),
    confirmFiles: (ctx) => guarded(`confirm the files of ${name}`, ctx, () => listFiles(place)),
    writeManifest: (content, ctx) => guarded(`write ${MANIFEST} of ${name}`, ctx, () =>
      writeDurably(join(directory, MANIFEST), content, FILE_MODE).catch((error: unknown) => lostIn(place, error))),
    asReadable: () => readableBackup(place),
    abort: (ctx) => guarded(`take back ${name}`, ctx, () => removeBackup(place)),
  }
}

/** A directory that was there a moment ago and is not: the root may be gone with it, which is the better thing to say. */
async function lostIn({ root, name, directory }: Place, error: unknown): Promise<never> {
  if (!isErrno(error, 'ENOENT', 'ENOTDIR')) throw error
  if (await isPresent(root, directory)) throw error
  throw new TabletError('STORAGE_UNREACHABLE', `cannot write to ${name}: its directory is gone from ${root} (unmounted, or removed by somebody?)`)
}

/** Under a name that lists do not show until all of it is on disk: what is visible is whole. */
async function writeObject(path: string, source: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<number> {
  const temporary = join(dirname(path), `.${randomBytes(8).toString('hex')}.tmp`)
  try {
    const bytes = await writeAll(await open(temporary, 'wx', FILE_MODE), source, signal)
    signal.throwIfAborted()
    await rename(temporary, path)
    await syncDirectory(dirname(path))
    return bytes
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined)   // the first error is the one worth telling
    throw error
  }
}

async function writeAll(handle: FileHandle, source: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<number> {
  try {
    await using disk = syncAhead(handle)
    let position = 0
    for await (const chunk of source) {
      signal.throwIfAborted()
      for (let done = 0; done < chunk.length;) {
        const { bytesWritten } = await handle.write(chunk, done, Math.min(WRITE_BYTES, chunk.length - done), position)
        done += bytesWritten
        position += bytesWritten
        disk.note(bytesWritten)
      }
    }
    await disk.finish()
    return position
  } finally {
    await handle.close()
  }
}

async function listFiles({ root, directory }: Place): Promise<readonly StoredFile[]> {
  if (!await isPresent(root, directory)) return []
  const files: StoredFile[] = []
  for (const file of await readdir(directory)) {
    if (!isSafeComponent(file)) continue   // a write that was cut off
    const facts = await lstat(join(directory, file))
    if (facts.isFile()) files.push({ file, bytes: facts.size })
  }
  return files.sort((a, b) => a.file < b.file ? -1 : 1)
}

/** MANIFEST goes first, durably: whatever a crash leaves of the rest is no backup. */
async function removeBackup({ root, directory }: Place): Promise<void> {
  if (!await isPresent(root, directory)) return
  await rm(join(directory, MANIFEST), { force: true })
  await syncDirectory(directory)
  await rm(directory, { recursive: true, force: true })
  await syncDirectory(dirname(directory))
}

async function makeShardDirectory(root: string, shard: ShardName): Promise<void> {
  await requireRoot(root)
  const keyspace = pathBelow(root, shard.keyspace)
  for (const made of [keyspace, pathBelow(keyspace, shard.shard)]) {
    const isNew = await mkdir(made, { mode: DIRECTORY_MODE }).then(() => true, (error: unknown) => {
      if (isErrno(error, 'EEXIST')) return false
      throw error
    })
    if (isNew) await syncDirectory(dirname(made))
  }
}

/** Whether `directory` is there; a root that is not is doubt, so it is an error. */
async function isPresent(root: string, directory: string): Promise<boolean> {
  await requireRoot(root)
  return await existsBelow(root, directory)
}

async function requireRoot(root: string): Promise<void> {
  const unreachable = (why: string): TabletError => new TabletError('STORAGE_UNREACHABLE', `cannot reach the backup storage: ${root} ${why}`)
  const facts = await stat(root).catch((error: unknown) => {
    throw isErrno(error, 'ENOENT', 'ENOTDIR') ? unreachable('does not exist (is it mounted?)') : error
  })
  if (!facts.isDirectory()) throw unreachable('is not a directory')
}

const notFound = (name: string, file: string): TabletError =>
  new TabletError('BACKUP_NOT_FOUND', `cannot read ${file} of ${name}: there is none`)

/** Nothing is touched under an aborted signal, an abort speaks with its own reason, and every failure has a code of the contract. */
async function guarded<T>(doing: string, ctx: ActionContext, work: () => Promise<T>): Promise<T> {
  ctx.signal.throwIfAborted()
  try {
    return await work()
  } catch (error) {
    ctx.signal.throwIfAborted()
    throw error instanceof TabletError || !isSystemError(error) ? error : storageError(doing, error)
  }
}

/** What a source throws while it is written is the source's to explain; only what the system says is storage's. */
const isSystemError = (error: unknown): boolean => error instanceof Error && 'syscall' in error
