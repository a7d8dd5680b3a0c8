/**
 * Backups in an object store: `[<root>/]<keyspace>/<shard>/<name>/<file>`, Vitess's own layout.
 *
 * Promises  a name is used once, also between machines, where the store can write conditionally: an object whose name
 *           begins with a dot marks the start, which lists of ours and of Vitess pass over;
 *           removing takes what lies below `<name>/` and nothing of a sibling, MANIFEST first;
 *           parts that were never completed are ended: ours at the next start, a backup's when it is removed.
 * Leaves    repeating and watching whole calls to steady-storage.ts; only the requests of a write, whose source
 *           comes once, are repeated here.
 */
import { randomBytes } from 'node:crypto'
import type { ActionContext } from '../base/action.ts'
import { TabletError, messageOf } from '../base/errors.ts'
import { parseBackupName } from '../model/backup-name.ts'
import type { ShardName } from '../model/tablet.ts'
import { MANIFEST, type BackupStorage, type ReadableBackup, type StoredFile, type WritableBackup } from './backup-storage.ts'
import type { ByteRoom } from './byte-room.ts'
import { REMOVE_AT_ONCE, type ListedPage, type ObjectStore, type StoredObject } from './object-store.ts'
import { writeInParts } from './part-writer.ts'
import { steadily, type SteadyPolicy } from './steady.ts'
import { isSafeComponent, pathBelow } from './storage-path.ts'

/** Where the backups of one shard lie. */
export interface ShardPlace {
  readonly store: ObjectStore
  /** Ends with `/`. */
  readonly prefix: string
}

export interface ObjectStorageOptions {
  readonly kind: string
  /** `relative` is `<keyspace>/<shard>`, checked. */
  placeOf(shard: ShardName, relative: string): ShardPlace
  /** Makes what must be there before the first write, such as a bucket. */
  readonly prepare?: (shard: ShardName, ctx: ActionContext) => Promise<void>
  readonly room: ByteRoom
  readonly policy: SteadyPolicy
}

/** Parts of all writers to one storage together, filled or on their way: twelve of the smallest kind. */
export const ROOM_BYTES = 64 << 20

/** One backup's place. */
interface Place extends ShardPlace {
  readonly shard: ShardName
  readonly name: string
}

/** Marks that a name is taken. It begins with a dot, so it is no object of a backup, and no MANIFEST. */
const MARKER = '.tabletd-started'

export function objectStorage(options: ObjectStorageOptions): BackupStorage {
  const shardPlace = (shard: ShardName): ShardPlace => options.placeOf(shard, pathBelow('', shard.keyspace, shard.shard))
  const placeOf = (shard: ShardName, name: string): Place => {
    const { store, prefix } = shardPlace(shard)
    return { store, prefix: `${prefix}${pathBelow('', name)}/`, shard, name }
  }
  return {
    kind: options.kind,
    async listBackups(shard, ctx) {
      ctx.signal.throwIfAborted()
      const { store, prefix } = shardPlace(shard)
      const names: string[] = []
      for await (const page of pages(store, prefix, true, ctx)) {
        names.push(...page.folders.map((folder) => folder.slice(prefix.length, -1)).filter(isSafeComponent))
      }
      return names.sort()
    },
    openBackup: (shard, name) => readableBackup(placeOf(shard, name)),
    async startBackup(shard, name, ctx) {
      ctx.signal.throwIfAborted()
      const place = placeOf(shard, name)
      await options.prepare?.(shard, ctx)
      await claim(place, options.policy, ctx)
      await sweepOwn(shardPlace(shard), name, ctx)
      return writableBackup(place, options)
    },
    async removeBackup(shard, name, ctx) {
      ctx.signal.throwIfAborted()
      await removeBackup(placeOf(shard, name), ctx)
    },
  }
}

function readableBackup(place: Place): ReadableBackup {
  const { store, prefix, shard, name } = place
  return {
    shard,
    name,
    async listFiles(ctx) {
      ctx.signal.throwIfAborted()
      return await listFiles(place, ctx)
    },
    async readSmallFile(file, maxBytes, ctx) {
      ctx.signal.throwIfAborted()
      const body = await store.read(prefix + pathBelow('', file), { start: 0, end: maxBytes + 1 }, ctx)
      if (body === undefined) throw new TabletError('BACKUP_NOT_FOUND', `cannot read ${file} of ${name}: there is none`)
      if (body.totalBytes > maxBytes) {
        body.stream.destroy()
        throw new TabletError('MANIFEST_INVALID', `cannot read ${file} of ${name}: it is larger than ${maxBytes} bytes`)
      }
      return Buffer.concat(await body.stream.toArray({ signal: ctx.signal }) as Buffer[])
    },
    async readFile(file, { start = 0, end }, ctx) {
      ctx.signal.throwIfAborted()
      const body = await store.read(prefix + pathBelow('', file), { start, end }, ctx)
      if (body === undefined) throw new TabletError('BACKUP_CORRUPT', `cannot read ${file} of ${name}: the object is missing`, { details: { file } })
      return body.stream
    },
  }
}

function writableBackup(place: Place, { room, policy }: ObjectStorageOptions): WritableBackup {
  const { store, prefix, shard, name } = place
  return {
    shard,
    name,
    async writeFile(file, source, { sizeHint }, ctx) {
      ctx.signal.throwIfAborted()
      const key = prefix + pathBelow('', file)
      return { file, bytes: await writeInParts({ store, key, sizeHint, room, policy }, source, ctx) }
    },
    async confirmFiles(ctx) {
      ctx.signal.throwIfAborted()
      return await listFiles(place, ctx)
    },
    async writeManifest(content, ctx) {
      ctx.signal.throwIfAborted()
      await store.put(prefix + MANIFEST, Buffer.from(content), ctx)
    },
    asReadable: () => readableBackup(place),
    async abort(ctx) {
      ctx.signal.throwIfAborted()
      await removeBackup(place, ctx)
    },
  }
}

async function listFiles({ store, prefix }: Place, ctx: ActionContext): Promise<readonly StoredFile[]> {
  const files: StoredFile[] = []
  for await (const page of pages(store, prefix, false, ctx)) {
    const inIt = page.objects.map(({ key, bytes }) => ({ file: key.slice(prefix.length), bytes }))
    files.push(...inIt.filter(({ file }) => isSafeComponent(file)))
  }
  return files.sort((a, b) => a.file < b.file ? -1 : 1)
}

async function* pages(
  store: ObjectStore, prefix: string, folders: boolean, ctx: ActionContext,
): AsyncGenerator<ListedPage, void, undefined> {
  let token: string | undefined
  do {
    const page = await store.listPage(prefix, { folders, token }, ctx)
    yield page
    if (page.next !== undefined && page.next === token) {
      throw new TabletError('STORAGE_FAILED', `cannot list ${prefix}: the storage gives the same page again`)
    }
    token = page.next
  } while (token !== undefined)
}

/** Takes the name. A repeated try finds the marker of its own first one and knows it by its content. */
async function claim({ store, prefix, name }: Place, policy: SteadyPolicy, ctx: ActionContext): Promise<void> {
  const taken = new TabletError('BACKUP_EXISTS', `cannot start backup ${name}: it exists already`)
  const key = prefix + MARKER
  const token = Buffer.from(randomBytes(16).toString('hex'))
  await steadily(`start backup ${name}`, policy, async (inner) => {
    const { objects } = await store.listPage(prefix, { folders: false, token: undefined }, inner)
    if (objects.some((object) => object.key !== key)) throw taken
    if (objects.length === 0) await store.putIfAbsent(key, token, inner)
    // read back: also where a store takes no conditions, of two that write at once the first is told
    const found = await store.read(key, { start: 0, end: 64 }, inner)
    const content = found === undefined ? Buffer.alloc(0) : Buffer.concat(await found.stream.toArray({ signal: inner.signal }) as Buffer[])
    if (!content.equals(token)) throw taken
  }, ctx)
}

/** A tablet takes one backup at a time: parts of an earlier one by its alias belong to nobody any more. */
async function sweepOwn({ store, prefix }: ShardPlace, name: string, ctx: ActionContext): Promise<void> {
  const alias = parseBackupName(name)?.alias
  if (alias === undefined) return
  const isOurs = (key: string): boolean => {
    const other = key.slice(prefix.length).split('/')[0] ?? ''
    return other !== name && parseBackupName(other)?.alias === alias
  }
  await store.endLeftUploads(prefix, isOurs, ctx).catch((error: unknown) => {
    ctx.signal.throwIfAborted()
    ctx.log.warn({ err: error }, `parts that earlier backups left in ${prefix} could not be removed: ${messageOf(error)}`)   // costs space, harms no backup
  })
}

/** Safe to repeat. Each page is removed before the next is asked for, from the beginning: tokens into what is removed mean nothing. */
async function removeBackup({ store, prefix }: Place, ctx: ActionContext): Promise<void> {
  await store.remove([prefix + MANIFEST], ctx)
  let before: readonly StoredObject[] = []
  for (;;) {
    const { objects } = await store.listPage(prefix, { folders: false, token: undefined }, ctx)
    if (objects.length === 0) break
    if (objects[0]?.key === before[0]?.key) {
      throw new TabletError('STORAGE_FAILED', `cannot remove ${prefix}: ${objects[0]?.key} is still there after it was removed`)
    }
    before = objects
    for (let first = 0; first < objects.length; first += REMOVE_AT_ONCE) {
      await store.remove(objects.slice(first, first + REMOVE_AT_ONCE).map(({ key }) => key), ctx)
    }
  }
  await store.endLeftUploads(prefix, () => true, ctx)
}
