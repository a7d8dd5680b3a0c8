/**
 * One backup or restore in a process of its own, with the engine, storage and flow of the daemon and no mysqld.
 *
 * Its argument is an EngineJob; it prints an EngineOutcome. Time runs from the call to its end: modules are loaded
 * before, as in a daemon; the last byte is on disk, and a backup's MANIFEST read back, after.
 */
import '../src/base/thread-pool.ts'
import { createReadStream } from 'node:fs'
import { mkdir, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { forEachParallel, type ActionContext } from '../src/base/action.ts'
import { createLogger } from '../src/base/logger.ts'
import { takeBackup } from '../src/backup/take-backup.ts'
import type { BackupFacts } from '../src/backup/build-manifest.ts'
import { builtinBackupEngine } from '../src/engine/builtin-backup.ts'
import { builtinRestoreEngine } from '../src/engine/builtin-restore.ts'
import { decodeManifest, MAX_MANIFEST_BYTES } from '../src/model/manifest-codec.ts'
import { emptyGtidSet } from '../src/model/position.ts'
import { MANIFEST, type BackupStorage } from '../src/storage/backup-storage.ts'
import { openStorage } from '../src/storage/open-storage.ts'
import { factsOf } from './data-set.ts'
import { BACKUP, CONCURRENCY, SHARD, type EngineJob, type EngineOutcome } from './engine-job.ts'

interface Copied {
  readonly bytes: number
  readonly storedBytes: number
}

type Doing = (job: EngineJob, storage: BackupStorage, ctx: ActionContext) => Promise<Copied>

const DOING: Readonly<Record<EngineJob['do'], Doing>> = { backup, restore, upload, download }

async function main(): Promise<EngineOutcome> {
  const job = JSON.parse(process.argv[2] ?? '') as EngineJob
  const ctx = { signal: new AbortController().signal, log: createLogger({ level: 'error' }) }
  const storage = openStorage(job.config['backup-storage-implementation'] ?? 'file', job.config)
  await storage.listBackups(SHARD, ctx)   // a vendor's client is loaded by the first call
  const [began, usedBefore] = [performance.now(), process.cpuUsage()]
  const copied = await DOING[job.do](job, storage, ctx)
  const seconds = (performance.now() - began) / 1000
  const { user, system } = process.cpuUsage(usedBefore)
  return { ...copied, seconds, cpuSeconds: (user + system) / 1e6, peakBytes: process.resourceUsage().maxRSS * 1024 }
}

async function backup(job: EngineJob, storage: BackupStorage, ctx: ActionContext): Promise<Copied> {
  const engine = builtinBackupEngine({ engine: 'zstd', enabled: true, level: 1, threads: job.threads })
  const source = factsOf(job.dir)
  const nothing = (): Promise<void> => Promise.resolve()
  const { bytes, storedBytes } = await takeBackup({
    shard: SHARD, name: BACKUP, prepare: () => Promise.resolve({ facts: backupFacts(job), source }), concurrency: CONCURRENCY,
    onFailed: () => undefined, onStep: nothing, onProgress: () => undefined,
  }, { engine, storage }, ctx)
  return { bytes, storedBytes }
}

function backupFacts({ dir }: EngineJob): BackupFacts {
  const copy = factsOf(dir)
  return {
    alias: 'zone1-0000000100', shard: SHARD, hostname: 'localhost', position: emptyGtidSet('mysql'), purged: emptyGtidSet('mysql'),
    binlogState: undefined, copy, upgradeSafe: false, startedAt: new Date(), toolVersion: '0',
    identity: {
      flavor: 'mysql', version: { product: 'MySQL', major: 9, minor: 7, patch: 4 }, versionText: '9.7.4', versionComment: 'bench', serverUuid: '', serverId: 1,
      paths: copy.paths, pid: undefined, lowerCaseTableNames: 0,
    },
  }
}

async function restore(job: EngineJob, storage: BackupStorage, ctx: ActionContext): Promise<Copied> {
  await mkdir(job.dir, { recursive: true })
  const from = storage.openBackup(SHARD, BACKUP)
  const manifest = decodeManifest(await from.readSmallFile(MANIFEST, MAX_MANIFEST_BYTES, ctx))
  const engine = builtinRestoreEngine({ threads: job.threads, useManifest: false })
  const { storedBytes } = await engine.verify({ from, manifest }, ctx)
  const to = { dataDir: job.dir, innodbDataHome: job.dir, innodbLogHome: job.dir, undoDir: job.dir }
  await engine.executeRestore({ from, manifest, to, concurrency: CONCURRENCY, onProgress: () => undefined }, ctx)
  return { bytes: (manifest.FileEntries ?? []).reduce((sum, { Size = 0 }) => sum + Size, 0), storedBytes }
}

/** The objects of a backup that lies in a directory, as they are, under the same storage. */
async function upload(job: EngineJob, storage: BackupStorage, ctx: ActionContext): Promise<Copied> {
  const into = await storage.startBackup(SHARD, BACKUP, ctx)
  const objects = (await readdir(job.dir)).filter((name) => name !== MANIFEST)
  let bytes = 0
  await forEachParallel(objects, CONCURRENCY, async (name, inner) => {
    const path = join(job.dir, name)
    const { size } = await stat(path)
    bytes += (await into.writeFile(name, createReadStream(path, { highWaterMark: 2 << 20 }), { sizeHint: size }, inner)).bytes
  }, ctx)
  return { bytes, storedBytes: bytes }
}

async function download(_job: EngineJob, storage: BackupStorage, ctx: ActionContext): Promise<Copied> {
  const from = storage.openBackup(SHARD, BACKUP)
  let bytes = 0
  await forEachParallel(await from.listFiles(ctx), CONCURRENCY, async ({ file }, inner) => {
    for await (const chunk of await from.readFile(file, {}, inner)) bytes += (chunk as Buffer).length
  }, ctx)
  return { bytes, storedBytes: bytes }
}

process.stdout.write(`${JSON.stringify(await main())}\n`)
process.exit()
