/** Storage that fails on command: a wrapper around a real one, for tests of what others make of the failures. */
import { Readable } from 'node:stream'
import type { BackupStorage, ReadableBackup, StoredFile, WritableBackup } from '../../src/storage/backup-storage.ts'

export interface StorageFaults {
  /** Called when the `count`-th write of `file` begins (from 1): throw to fail it, return bytes to have these stored instead. */
  readonly write?: (file: string, count: number) => Uint8Array | undefined | Promise<Uint8Array | undefined>
  /** The same when all bytes of it have been stored, before the call resolves. */
  readonly written?: (file: string, count: number) => void | Promise<void>
  /** Called when the `count`-th read of `file` begins: throw to fail it, return bytes to have these read instead. */
  readonly read?: (file: string, count: number, range: Range) => Uint8Array | undefined | Promise<Uint8Array | undefined>
  readonly manifest?: () => void
  /** When a small file, as the MANIFEST, has been read: throw, or return other bytes. */
  readonly small?: (file: string, bytes: Uint8Array) => Uint8Array
  /** When the store reports what it holds. */
  readonly confirmed?: (files: readonly StoredFile[]) => readonly StoredFile[]
  readonly list?: () => void
  readonly abort?: () => void
}

export interface Range {
  readonly start?: number
  readonly end?: number
}

export interface FaultyStorage extends BackupStorage {
  /** Files in the order their writes and reads began. */
  readonly writes: readonly string[]
  readonly reads: readonly string[]
  /** The ranges of these reads. */
  readonly ranges: readonly Range[]
}

export function faultyStorage(inner: BackupStorage, faults: StorageFaults): FaultyStorage {
  const writes: string[] = []
  const reads: string[] = []
  const ranges: Range[] = []
  const countIn = (all: readonly string[], file: string): number => all.filter((name) => name === file).length

  const readable = (backup: ReadableBackup): ReadableBackup => ({
    ...backup,
    async readFile(file, range, ctx) {
      reads.push(file)
      ranges.push(range)
      const instead = await faults.read?.(file, countIn(reads, file), range)
      return instead === undefined ? await backup.readFile(file, range, ctx) : Readable.from([Buffer.from(instead)])
    },
    async readSmallFile(file, maxBytes, ctx) {
      const bytes = await backup.readSmallFile(file, maxBytes, ctx)
      return faults.small?.(file, bytes) ?? bytes
    },
  })
  const writable = (backup: WritableBackup): WritableBackup => ({
    ...backup,
    async writeFile(file, source, options, ctx) {
      writes.push(file)
      const count = countIn(writes, file)
      const instead = await faults.write?.(file, count)
      const stored = await backup.writeFile(file, instead === undefined ? source : only(instead), options, ctx)
      await faults.written?.(file, count)
      return stored
    },
    async writeManifest(content, ctx) {
      faults.manifest?.()
      await backup.writeManifest(content, ctx)
    },
    async confirmFiles(ctx) {
      const files = await backup.confirmFiles(ctx)
      return faults.confirmed?.(files) ?? files
    },
    async abort(ctx) {
      faults.abort?.()
      await backup.abort(ctx)
    },
    asReadable: () => readable(backup.asReadable()),
  })
  return {
    ...inner,
    writes,
    reads,
    ranges,
    async listBackups(shard, ctx) {
      faults.list?.()
      return await inner.listBackups(shard, ctx)
    },
    openBackup: (shard, name) => readable(inner.openBackup(shard, name)),
    startBackup: async (shard, name, ctx) => writable(await inner.startBackup(shard, name, ctx)),
  }
}

async function* only(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> { yield bytes }
