/**
 * The topology of one machine, in a directory.
 *
 *     <root>/<keyspace>/<shard>/record.<n>.json      the shard record, its newest versions (versioned-file.ts)
 *                              /lock                 flock(2) of shard commands, freed when their process ends
 *                              /tablets/<alias>.json one tablet, and until when its daemon vouches for it (publisher.ts)
 *
 * Promises  T1  of two writers that read one version of a shard record, exactly one wins, also across kill -9.
 *           T2  what a call has written survives losing power.
 *           T3  a root that is missing or cannot be read is TOPOLOGY_UNREACHABLE: never "there is no record".
 *           T4  a record that cannot be believed is TOPOLOGY_CORRUPT, with `details.version` to replace it under.
 *           T5  no name leaves the root; network file systems are refused (TOPOLOGY_NOT_LOCAL).
 *
 * Only opening with `create` and publishing a tablet make a missing root (its parent must exist): a daemon's sign
 * of life. Commands that only look get T3 for a mistyped root; a root that was lost and made again by the daemons
 * holds no shard record, which each tablet compares with the last one it has read (shard-record-lost).
 */
import { mkdir, readFile, readdir, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { ActionContext } from '../base/action.ts'
import { removeDurably, syncDirectory, writeJsonDurably } from '../base/durable-file.ts'
import { TabletError, hasCode, isErrno, messageOf } from '../base/errors.ts'
import type { ShardRecord, TabletRecord } from '../model/records.ts'
import { formatShardName, isKeyspaceName, isShardPart, type ShardName, type TabletAlias } from '../model/tablet.ts'
import { lockShardFile } from './file-shard-lock.ts'
import { parseFields } from './json-fields.ts'
import { requireLocalFileSystem } from './local-file-system.ts'
import { monotonicMs, thisPublisher, type Publisher } from './publisher.ts'
import { reaching } from './reaching.ts'
import { canonicalAlias, readShardRecordFields } from './record-codec.ts'
import { isLive, readStoredTablet, type StoredTablet } from './stored-tablet.ts'
import type { ListedTablet, RecordVersion, ShardLock, Topology, VersionedShardRecord } from './topology.ts'
import { newestNumber, readNewestVersion, writeNextVersion, type StoredVersion } from './versioned-file.ts'
import { watchDirectory } from './watch-directory.ts'

/** A watch sees changes at once where inotify works; this bounds what a lost watch costs. */
const POLL_MS = 500

export interface FileTopologyOptions {
  /** Absolute. */
  readonly root: string
  /** Makes a missing root, whose parent must exist. For daemons; commands that only look leave it false. */
  readonly create: boolean
  /** How often a watch looks by itself; 500 unless given. */
  readonly pollMs?: number
  /** CLOCK_MONOTONIC unless given; the same clock in every process. */
  readonly nowMs?: () => number
}

/** @throws TabletError TOPOLOGY_NOT_LOCAL; TOPOLOGY_UNREACHABLE when the root cannot be read, or is missing and not to be made. */
export async function openFileTopology(options: FileTopologyOptions, ctx: ActionContext): Promise<Topology> {
  const topology = new FileTopology(options, await thisPublisher())
  await topology.open(ctx)
  return topology
}

class FileTopology implements Topology {
  readonly kind = 'file'
  readonly #root: string
  readonly #options: FileTopologyOptions
  readonly #self: Publisher
  readonly #nowMs: () => number

  constructor(options: FileTopologyOptions, self: Publisher) {
    this.#root = options.root
    this.#options = options
    this.#self = self
    this.#nowMs = options.nowMs ?? monotonicMs
  }

  open(ctx: ActionContext): Promise<void> {
    return reaching(`open the topology ${this.#root}`, ctx, async () => {
      if (this.#options.create) await makeDirectory(this.#root)
      await requireLocalFileSystem(this.#root)
      await readdir(this.#root)
    })
  }

  readShardRecord(shard: ShardName, ctx: ActionContext): Promise<VersionedShardRecord | undefined> {
    return reaching(`read the record of ${formatShardName(shard)}`, ctx, async () => {
      const stored = await this.#unlessMissing(() => readNewestVersion(this.#shardDir(shard)))
      return stored === undefined ? undefined : versionedRecord(stored, shard)
    })
  }

  writeShardRecord(record: ShardRecord, expected: RecordVersion | undefined, ctx: ActionContext): Promise<VersionedShardRecord> {
    return reaching(`write the record of ${formatShardName(record)}`, ctx, async () => {
      const directory = await this.#makeShardDir(record)
      return versionedRecord(await writeNextVersion(directory, record, expected), record)
    })
  }

  async watchShardRecord(shard: ShardName, changed: () => void, ctx: ActionContext): Promise<void> {
    const directory = this.#shardDir(shard)
    // the inode too: a directory lost and made again may have reached the same number
    const fingerprint = (): Promise<string> => Promise.all([newestNumber(directory), stat(directory)])
      .then(([number, { ino }]) => `${number ?? 'none'} in ${ino}`, messageOf)
    await watchDirectory({ directory, pollMs: this.#options.pollMs ?? POLL_MS, fingerprint }, changed, ctx)
  }

  listShards(ctx: ActionContext): Promise<readonly ShardName[]> {
    return reaching('list the shards', ctx, async () => {
      const keyspaces = (await readdir(this.#root)).filter(isKeyspaceName).sort()
      const shards = await Promise.all(keyspaces.map(async (keyspace) =>
        (await namesIn(join(this.#root, keyspace))).filter(isShardPart).sort().map((shard) => ({ keyspace, shard }))))
      return shards.flat()
    })
  }

  publishTablet(record: TabletRecord, ttlMs: number, ctx: ActionContext): Promise<void> {
    return reaching(`publish ${record.alias}`, ctx, async () => {
      await makeDirectory(this.#root)
      const tablets = join(await this.#makeShardDir(record), 'tablets')
      await makeDirectory(tablets)
      const stored: StoredTablet = { record, publisher: this.#self, liveUntilMs: this.#nowMs() + ttlMs }
      await writeJsonDurably(this.#tabletPath(record.alias, record), stored)
    })
  }

  withdrawTablet(alias: TabletAlias, shard: ShardName, ctx: ActionContext): Promise<void> {
    return reaching(`withdraw ${alias}`, ctx, async () => {
      const stored = await this.#readTablet(alias, shard)
      if (stored !== undefined) await writeJsonDurably(this.#tabletPath(alias, shard), { ...stored, liveUntilMs: 0 })
    })
  }

  listTablets(shard: ShardName, ctx: ActionContext): Promise<readonly ListedTablet[]> {
    return reaching(`list the tablets of ${formatShardName(shard)}`, ctx, async () => {
      const names = await this.#unlessMissing(() => readdir(join(this.#shardDir(shard), 'tablets'))) ?? []
      const aliases = names.filter((name) => name.endsWith('.json')).map((name) => canonicalAlias(name.slice(0, -5)))
      const listed = await Promise.all(aliases.filter((alias) => alias !== undefined).sort().map((alias) => this.#look(alias, shard)))
      return listed.filter((tablet) => tablet !== undefined)
    })
  }

  async findTablet(alias: TabletAlias, ctx: ActionContext): Promise<ListedTablet | undefined> {
    for (const shard of await this.listShards(ctx)) {
      const found = await reaching(`find ${alias}`, ctx, () => this.#look(alias, shard))
      if (found !== undefined) return found
    }
    return undefined
  }

  removeTablet(alias: TabletAlias, shard: ShardName, ctx: ActionContext): Promise<void> {
    return reaching(`remove ${alias}`, ctx, async () => {
      await this.#unlessMissing(() => removeDurably(this.#tabletPath(alias, shard)))
    })
  }

  lockShard(shard: ShardName, note: string, ctx: ActionContext): Promise<ShardLock> {
    return reaching(`lock ${formatShardName(shard)}`, ctx, async () => {
      const directory = await this.#makeShardDir(shard)
      return await lockShardFile(join(directory, 'lock'), `${note} (pid ${process.pid})`, this.#options.pollMs ?? POLL_MS)
    })
  }

  [Symbol.asyncDispose](): Promise<void> { return Promise.resolve() }

  async #look(alias: TabletAlias, shard: ShardName): Promise<ListedTablet | undefined> {
    const stored = await this.#readTablet(alias, shard)
    return stored === undefined ? undefined : { record: stored.record, live: await isLive(stored, this.#self, this.#nowMs()) }
  }

  async #readTablet(alias: TabletAlias, shard: ShardName): Promise<StoredTablet | undefined> {
    const path = this.#tabletPath(alias, shard)
    const text = await this.#unlessMissing(() => readFile(path, 'utf8'))
    return text === undefined ? undefined : readStoredTablet(text, { ...shard, alias }, path)
  }

  #shardDir(shard: ShardName): string {
    if (!isKeyspaceName(shard.keyspace) || !isShardPart(shard.shard)) {
      throw new TabletError('PATH_ESCAPES', `cannot use "${formatShardName(shard)}" as a shard: not a plain name each`)
    }
    return join(this.#root, shard.keyspace, shard.shard)
  }

  #tabletPath(alias: TabletAlias, shard: ShardName): string {
    if (canonicalAlias(alias) !== alias) throw new TabletError('PATH_ESCAPES', `cannot use "${alias}" as a tablet alias`)
    return join(this.#shardDir(shard), 'tablets', `${alias}.json`)
  }

  /** Makes the shard's directory in a root that exists. */
  async #makeShardDir(shard: ShardName): Promise<string> {
    const directory = this.#shardDir(shard)
    await stat(this.#root)
    await makeDirectory(dirname(directory))
    await makeDirectory(directory)
    return directory
  }

  /** The answer of `read`; undefined when what it reads is missing in a root that is there (T3). */
  async #unlessMissing<T>(read: () => Promise<T>): Promise<T | undefined> {
    try {
      return await read()
    } catch (error) {
      if (!isErrno(error, 'ENOENT')) throw error
      await readdir(this.#root)
      return undefined
    }
  }
}

/** Names in a directory; none when it is no directory, or gone. */
const namesIn = (directory: string): Promise<readonly string[]> =>
  readdir(directory).catch((error: unknown) => {
    if (isErrno(error, 'ENOTDIR', 'ENOENT')) return []
    throw error
  })

/** Makes one directory, durably; nothing happens when it is there. Its parent must exist. */
async function makeDirectory(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: 0o750 })
  } catch (error) {
    if (isErrno(error, 'EEXIST')) return
    throw error
  }
  await syncDirectory(dirname(path))
}

function versionedRecord(stored: StoredVersion, shard: ShardName): VersionedShardRecord {
  try {
    return { record: readShardRecordFields(parseFields(stored.text, stored.path), shard, stored.path), version: stored.version }
  } catch (error) {
    if (!hasCode(error, 'TOPOLOGY_CORRUPT')) throw error
    throw new TabletError(error.code, error.message, { cause: error, details: { ...error.details, version: stored.version } })
  }
}
