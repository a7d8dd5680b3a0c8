/** The restoring half of the builtin engine: objects of a backup into empty directories, proven and on disk. */
import type { FileHandle } from 'node:fs/promises'
import type { ActionContext } from '../base/action.ts'
import { TabletError, hasCode, messageOf } from '../base/errors.ts'
import type { RestoreEngine, RestoreEstimate, RestoreParams, RestoreSource } from './backup-engine.ts'
import { progressOf, type AttemptProgress } from './builtin-backup.ts'
import { NO_COMMANDS, codecForReading, requireReadable, type Decompression } from './compression.ts'
import { copyingHeap } from './copying-heap.ts'
import { DecodingPool } from './decoding-pool.ts'
import { locally } from './local-errors.ts'
import { receiveFile, requireStoredHash, type IncomingFile } from './receive-file.ts'
import { planRestore, type PlannedFile, type PlannedObject, type RestorePlan } from './restore-plan.ts'
import { restoreTarget, type RestoreTarget } from './restore-target.ts'
import { Room } from '../base/room.ts'
import { syncAhead } from '../base/sync-ahead.ts'
import { inTwoPasses, type Attempt } from './two-passes.ts'

/** Few enough to leave libuv's threads to everything else (base/thread-pool.ts), enough to keep a disk busy. */
const SYNCS_AT_ONCE = 8

/** Four times what zstd makes of zeros: 128 KiB from the 4 bytes of an RLE block (RFC 8878). */
const MOST_PER_BYTE = 128 * 1024

export function builtinRestoreEngine(decompression: Decompression = NO_COMMANDS): RestoreEngine {
  return {
    name: 'builtin',
    verify: (source, ctx) => verify(source, decompression, ctx),
    executeRestore: (params, ctx) => executeRestore(params, decompression, ctx),
  }
}

async function verify({ from, manifest }: RestoreSource, decompression: Decompression, ctx: ActionContext): Promise<RestoreEstimate> {
  const plan = planRestore(manifest)
  const command = await requireReadable(manifest, decompression)   // refused now rather than with the data gone
  if (command !== undefined) ctx.log.info({ program: command.program }, 'this backup is decompressed by an external command')
  const stored = new Map((await from.listFiles(ctx)).map(({ file, bytes }) => [file, bytes]))
  let storedBytes = 0
  for (const { name, objects } of plan.files) {
    for (const { object, storedSize, size } of objects) {
      const bytes = stored.get(object)
      if (bytes === undefined) throw corrupt(`object ${object} (${name}) is missing`)
      if (storedSize !== undefined && bytes !== storedSize) throw corrupt(`object ${object} (${name}) has ${bytes} bytes, the MANIFEST says ${storedSize}`)
      // else an absurd size would be taken for a disk that is too small, and no older backup be tried; a command may do better
      if (command === undefined && size !== undefined && size > (bytes + 1) * MOST_PER_BYTE) throw corrupt(`object ${object} (${name}) has ${bytes} bytes, which cannot hold the ${size} that the MANIFEST says`)
      storedBytes += bytes
    }
  }
  const sumOf = (bytesOf: (file: PlannedFile) => number | undefined): number | undefined => total(plan.files.map(bytesOf))
  return { files: plan.files.length, bytes: sumOf(({ diskBytes }) => diskBytes), fullBytes: sumOf(({ size }) => size), storedBytes }
}

async function executeRestore(params: RestoreParams, decompression: Decompression, ctx: ActionContext): Promise<void> {
  const plan = planRestore(params.manifest)
  const codec = codecForReading(params.manifest, decompression)
  const target = restoreTarget(params.to)
  using _fewerCollections = copyingHeap()
  await using pool = new DecodingPool({ threads: decompression.threads, onStage: params.onStage })
  ctx.log.info(`Restore: copying ${plan.files.length} files`)
  for (const directory of plan.directories) await target.makeDirectory(directory)
  await prepareChunkedFiles(plan, target)
  await receiveAll(plan, { ...params, codec, pool, target, requests: new Room(params.concurrency), syncs: new Room(SYNCS_AT_ONCE) }, ctx)
  await target.sync()
}

/** Chunks are written at their offsets, so their file is there at its full size before, and a second attempt harms no other chunk. */
async function prepareChunkedFiles({ files }: RestorePlan, target: RestoreTarget): Promise<void> {
  for (const file of files.filter(({ chunked }) => chunked)) {
    const handle = await target.openFile(file, 'empty')
    try {
      await locally(`make ${target.pathOf(file)}`, () => handle.truncate(file.size))
    } finally {
      await handle.close()
    }
  }
}

interface Part {
  readonly file: PlannedFile
  readonly object: PlannedObject
}

interface Receiving extends RestoreParams {
  readonly codec: IncomingFile['codec']
  readonly pool: DecodingPool
  readonly target: RestoreTarget
  /** Requests open at once, over all objects. */
  readonly requests: Room
  /** Syncs at once. */
  readonly syncs: Room
}

async function receiveAll(plan: RestorePlan, params: Receiving, ctx: ActionContext): Promise<void> {
  const counted = progressOf(total(plan.files.map(({ size }) => size)), params.onProgress)
  const work = async (part: Part, attempt: Attempt, partCtx: ActionContext): Promise<void> => {
    const { file, object } = part
    partCtx.log.info(file.chunked
      ? `Restoring chunk ${object.object} of file ${file.index}: ${file.name} (attempt ${attempt}/2)`
      : `Copying file ${file.index}: ${file.name} (attempt ${attempt}/2)`)
    const passed = counted.begin(file.name)
    try {
      // what failed in segments is read as one stream: some stores, and the proxies before them, answer ranges wrongly
      await receivePart(part, { ...params, passed, segmentsAtOnce: attempt === 1 ? params.concurrency : 1 }, partCtx)
    } catch (error) {
      passed.takeBack()
      if (attempt === 1) throw error
      // a machine without the command's key or its memory would condemn every backup
      if (hasCode(error, 'EXTERNAL_COMMAND_FAILED')) await requireStoredHash({ ...object, from: params.from }, partCtx)
      throw finalError(error)
    }
  }
  const parts = plan.files.flatMap((file) => file.objects.map((object): Part => ({ file, object })))
  // twice as many as requests, which are counted for themselves: a file that waits for its sync keeps no other from being fetched
  await inTwoPasses(largestFirst(parts), { limit: 2 * params.concurrency, work }, ctx)
}

/** So that no large object begins when all others are done. */
const largestFirst = (parts: readonly Part[]): readonly Part[] => parts.toSorted((a, b) => (b.object.size ?? 0) - (a.object.size ?? 0))

type Passing = Receiving & { readonly passed: AttemptProgress, readonly segmentsAtOnce: number }

async function receivePart({ file, object }: Part, { target, passed, ...receiving }: Passing, ctx: ActionContext): Promise<void> {
  const path = target.pathOf(file)
  const handle: FileHandle = await target.openFile(file, file.chunked ? 'existing' : 'empty')
  try {
    await using disk = syncAhead(handle, receiving.syncs)
    const onBytes = (bytes: number): void => {
      passed.add(bytes)
      disk.note(bytes)
    }
    if (!file.chunked) await locally(`make ${path}`, () => handle.truncate(file.size ?? 0))
    await receiveFile({
      ...receiving, ...object, onBytes,
      target: { handle, path, offset: object.offset, holes: file.holes },
    }, ctx)
    const began = performance.now()
    await locally(`sync ${path}`, () => disk.finish())
    receiving.onStage?.('write', 0, (performance.now() - began) / 1000)
  } finally {
    await handle.close()
  }
}

/** Wrong twice is not the line's fault: the backup is. */
const finalError = (error: unknown): unknown => hasCode(error, 'CHECKSUM_MISMATCH')
  ? new TabletError('BACKUP_CORRUPT', messageOf(error), { cause: error, details: error.details })
  : error

function total(sizes: readonly (number | undefined)[]): number | undefined {
  let sum = 0
  for (const size of sizes) {
    if (size === undefined) return undefined
    sum += size
  }
  return sum
}

const corrupt = (why: string): TabletError => new TabletError('BACKUP_CORRUPT', `cannot restore this backup: ${why}`)
