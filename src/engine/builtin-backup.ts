/** The copying half of the builtin engine: the files of a stopped server into storage, `concurrency` at once. */
import { availableParallelism } from 'node:os'
import type { ActionContext } from '../base/action.ts'
import { messageOf } from '../base/errors.ts'
import type { FileEntry } from '../model/manifest.ts'
import type { CopyFacts } from '../mysqld/mysqld.ts'
import type { BackupEngine, BackupParams, BackupResult, ProgressListener } from './backup-engine.ts'
import { BlockBudget } from './block-budget.ts'
import type { Compressor } from './codec.ts'
import { CompressionPool } from './compression-pool.ts'
import { NO_COMMANDS, codecForWriting, type Compression, type Decompression } from './compression.ts'
import { copyingHeap } from './copying-heap.ts'
import { sendFile, type SentFile } from './send-file.ts'
import { chooseFiles, type ChosenFile, type FileSet } from './file-set.ts'
import { listDirectories, withRealPaths } from './list-directories.ts'
import { proveCompression } from './prove-compression.ts'
import { inTwoPasses, type Attempt } from './two-passes.ts'

/**
 * `decompression`: how a tablet of this shard would read the backup.
 *
 * @throws TabletError COMPRESSION_UNSUPPORTED when this version cannot write `compression.engine`.
 */
export function builtinBackupEngine(compression: Compression, decompression: Decompression = NO_COMMANDS): BackupEngine {
  const codec = codecForWriting(compression)
  const threads = compression.threads ?? availableParallelism()
  return {
    name: 'builtin',
    properties: { mysqldDuringBackup: 'stopped' },
    preflight: async (source) => {
      await filesOf(source)
      await proveCompression(compression, decompression)
    },
    async executeBackup(params, ctx) {
      using _fewerCollections = copyingHeap()
      const { files, directories } = await filesOf(params.source)
      ctx.log.info(`found ${files.length} files to backup`)
      const sent = await sendAll(files, { ...params, codec, threads }, ctx)
      return resultOf({ files, directories, sent, compression })
    },
  }
}

async function filesOf(source: CopyFacts): Promise<FileSet> {
  const real = await withRealPaths(source)
  return chooseFiles(await listDirectories(real), real)
}

interface Sending extends BackupParams {
  readonly codec: Compressor
  readonly threads: number
}

async function sendAll(
  files: readonly ChosenFile[], { into, codec, threads, concurrency, onProgress, onStage }: Sending, ctx: ActionContext,
): Promise<ReadonlyMap<number, SentFile>> {
  await using pool = new CompressionPool({ threads, blockBytes: codec.blockBytes, onStage })
  const budget = new BlockBudget(threads)
  const sent = new Map<number, SentFile>()
  const counted = progressOf(files.reduce((sum, { bytes }) => sum + bytes, 0), onProgress)
  const work = async (index: number, attempt: Attempt, fileCtx: ActionContext): Promise<void> => {
    const file = files[index] as ChosenFile
    fileCtx.log.info(`Backing up file: ${file.name} (attempt ${attempt}/2)`)
    const passed = counted.begin(file.name)
    using share = budget.open()
    try {
      // the hash of the attempt that counts is the last one set
      sent.set(index, await sendFile({
        path: file.path, object: String(index), into, codec, work: { share, pool }, onBytes: passed.add, onStage,
      }, fileCtx))
      fileCtx.log.info(`Completed backing up "${file.name}" (attempt ${attempt}/2)`)
    } catch (error) {
      passed.takeBack()
      const word = fileCtx.signal.aborted ? 'Canceled' : 'Failed'
      fileCtx.log.info(`${word} backing up "${file.name}" (attempt ${attempt}/2): ${messageOf(error)}`)
      throw error
    }
  }
  await inTwoPasses(largestFirst(files), { limit: concurrency, work }, ctx)
  return sent
}

/** So that no large file begins when all others are done. */
const largestFirst = (files: readonly ChosenFile[]): readonly number[] =>
  [...files.entries()].sort(([, a], [, b]) => b.bytes - a.bytes).map(([index]) => index)

function resultOf({ files, directories, sent, compression }: {
  readonly files: readonly ChosenFile[]
  readonly directories: readonly string[]
  readonly sent: ReadonlyMap<number, SentFile>
  readonly compression: Compression
}): BackupResult {
  const entries = files.map(({ base, name }, index): FileEntry => {
    const { hash, size, storedSize, allocated } = sent.get(index) as SentFile
    const holes = allocated < size ? { Allocated: allocated } : {}
    return { Base: base, Name: name, Hash: hash, ParentPath: '', Size: size, StoredSize: storedSize, ...holes }
  })
  const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)
  return {
    manifest: {
      BackupMethod: 'builtin', CompressionEngine: compression.engine, FileEntries: entries,
      SkipCompress: !compression.enabled, ExternalDecompressor: compression.manifestDecompressor ?? '', Directories: directories,
    },
    bytes: sum([...sent.values()].map(({ size }) => size)),
    storedBytes: sum([...sent.values()].map(({ storedSize }) => storedSize)),
  }
}

export interface AttemptProgress {
  readonly add: (bytes: number) => void
  /** The attempt failed: what it had passed does not count. */
  takeBack(): void
}

/** Adds up what the running attempts pass. */
export function progressOf(totalBytes: number | undefined, listener: ProgressListener): { begin(file: string): AttemptProgress } {
  let doneBytes = 0
  const add = (bytes: number, file: string): void => {
    doneBytes += bytes
    listener({ doneBytes, totalBytes, file })
  }
  return {
    begin(file) {
      let mine = 0
      return {
        add: (bytes) => { mine += bytes; add(bytes, file) },
        takeBack: () => { add(-mine, file); mine = 0 },
      }
    },
  }
}
