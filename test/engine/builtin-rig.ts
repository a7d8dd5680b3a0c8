/** A builtin backup and restore of small files through a real file storage that fails where told. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pino } from 'pino'
import type { ActionContext } from '../../src/base/action.ts'
import type { BackupResult, Progress, ProgressListener } from '../../src/engine/backup-engine.ts'
import { builtinBackupEngine } from '../../src/engine/builtin-backup.ts'
import { builtinRestoreEngine } from '../../src/engine/builtin-restore.ts'
import type { Compression } from '../../src/engine/compression.ts'
import type { BackupManifest } from '../../src/model/manifest.ts'
import { fileStorage } from '../../src/storage/file-storage.ts'
import { faultyStorage, type FaultyStorage, type StorageFaults } from '../support/faulty-storage.ts'
import { tempDir } from '../support/temp-dir.ts'
import { MYSQL_FILES, directoriesIn, factsOf, readTree, writeTree } from './fake-server.ts'

export const SHARD = { keyspace: 'commerce', shard: '0' }
export const NAME = '2026-08-19.101500.zone1-0000000102'
export const ZSTD: Compression = { engine: 'zstd', enabled: true, level: 1 }

export interface Rig extends AsyncDisposable {
  /** Holds `source`, `target` and `storage`. */
  readonly path: string
  readonly source: string
  readonly target: string
  readonly storage: FaultyStorage
  /** Every message logged. */
  readonly messages: readonly string[]
  readonly progress: readonly Progress[]
  readonly ctx: ActionContext
  readonly stop: AbortController
  backup(compression?: Compression, concurrency?: number): Promise<BackupResult>
  verify(manifest: BackupManifest): Promise<unknown>
  restore(manifest: BackupManifest, concurrency?: number): Promise<void>
  /** The stored bytes of an object, read behind the storage's back. */
  object(file: string): Promise<Buffer>
  /** What is below the target. */
  restored(): Promise<Record<string, string | null>>
}

export async function rig(
  faults: StorageFaults = {}, files: Readonly<Record<string, string | Buffer>> = MYSQL_FILES, listen: ProgressListener = () => undefined,
): Promise<Rig> {
  const dir = await tempDir()
  const messages: string[] = []
  const progress: Progress[] = []
  const log = pino({ level: 'debug' }, { write: (line: string) => { messages.push((JSON.parse(line) as { msg: string }).msg) } })
  const stop = new AbortController()
  const [source, target, root] = ['source', 'target', 'storage'].map((name) => join(dir.path, name)) as [string, string, string]
  await writeTree(source, files)
  await writeTree(root, { '.keep': '' })
  await writeTree(target, { 'data/.tabletd-was-here': '', 'beside': 'untouched' })
  const storage = faultyStorage(fileStorage({ root }), faults)
  const ctx: ActionContext = { signal: stop.signal, log }
  const onProgress = (step: Progress): void => {
    progress.push(step)
    listen(step)
  }
  return {
    path: dir.path, source, target, storage, messages, progress, ctx, stop,
    async backup(compression = ZSTD, concurrency = 1) {
      const into = await storage.startBackup(SHARD, NAME, ctx)
      return await builtinBackupEngine(compression).executeBackup({ into, source: factsOf(source), concurrency, onProgress }, ctx)
    },
    verify: (manifest) => builtinRestoreEngine().verify({ from: storage.openBackup(SHARD, NAME), manifest }, ctx),
    async restore(manifest, concurrency = 1) {
      const from = storage.openBackup(SHARD, NAME)
      await builtinRestoreEngine().executeRestore({ from, manifest, to: directoriesIn(target), concurrency, onProgress }, ctx)
    },
    object: (file) => readFile(join(root, SHARD.keyspace, SHARD.shard, NAME, file)),
    restored: () => readTree(target),
    [Symbol.asyncDispose]: () => dir[Symbol.asyncDispose](),
  }
}

export function manifestWith(engine: Partial<BackupManifest>): BackupManifest {
  return {
    BackupName: NAME, BackupMethod: 'builtin', Position: '', PurgedPosition: '', FromPosition: '', FromBackup: '', Incremental: false,
    BackupTime: '', FinishedTime: '', ServerUUID: '', TabletAlias: '', Hostname: '', Keyspace: 'commerce', Shard: '0', MySQLVersion: '',
    UpgradeSafe: false, IncrementalDetails: null, CompressionEngine: 'zstd', ...engine,
  }
}
