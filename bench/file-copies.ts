/** A backup and a restore in the measured process, through file storage, from a page cache that is warm. */
import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { PartialConfig } from '../src/config/derive.ts'
import { MANIFEST } from '../src/storage/backup-storage.ts'
import type { Bench } from './bench.ts'
import type { DataSet } from './data-set.ts'
import { BACKUP, SHARD, type EngineOutcome } from './engine-job.ts'
import { settle } from './reference.ts'
import { runEngine } from './run-engine.ts'

/** The settings of a file storage below `root`. */
export const fileStorageIn = (root: string): PartialConfig => ({ 'backup-storage-implementation': 'file', 'file-backup-storage-root': root })

/** Where the file storage at `root` keeps the backup. */
export const backupIn = (root: string): string => join(root, SHARD.keyspace, SHARD.shard, BACKUP)

export async function backUp({ options, signal }: Bench, set: DataSet, config: PartialConfig): Promise<EngineOutcome> {
  await settle(set.files.map(({ path }) => path), signal)
  return await runEngine({ do: 'backup', config, dir: set.dir, threads: options.threads }, signal)
}

/** Into `dir`, which is removed again. */
export async function restore({ options, signal }: Bench, config: PartialConfig, dir: string): Promise<EngineOutcome> {
  const root = config['file-backup-storage-root']
  await settle(root === undefined ? [] : await objectsIn(root), signal)
  const outcome = await runEngine({ do: 'restore', config, dir, threads: options.threads }, signal)
  await rm(dir, { recursive: true })
  return outcome
}

/** Paths of the objects of the backup, largest first: the order that ends soonest. */
export async function objectsIn(root: string): Promise<readonly string[]> {
  const names = (await readdir(backupIn(root))).filter((name) => name !== MANIFEST)
  const found = await Promise.all(names.map(async (name) => {
    const path = join(backupIn(root), name)
    return { path, bytes: (await stat(path)).size }
  }))
  return found.sort((a, b) => b.bytes - a.bytes).map(({ path }) => path)
}
