/**
 * Any BackupStorage, made steady: what may be repeated is repeated, and what stands still is ended.
 *
 * Promises  calls that change nothing or change the same thing twice are tried again after failures that may pass;
 *           a read goes on at the byte where it broke off;
 *           a write is never repeated here, since its source comes once: it fails when neither side moves a byte;
 *           storages repeat the requests inside a write themselves, and engines give each file two attempts.
 */
import type { ActionContext } from '../base/action.ts'
import type { StageListener } from '../model/stage.ts'
import type { BackupStorage, ReadableBackup, WritableBackup } from './backup-storage.ts'
import { steadily, watched, type SteadyPolicy } from './steady.ts'
import { steadyStream } from './steady-stream.ts'

export interface SteadyOptions {
  readonly policy: SteadyPolicy
  /** Told of upload and download: stored bytes, and the seconds for which the storage was waited for. */
  readonly onStage?: StageListener | undefined
}

export function steadyStorage(inner: BackupStorage, options: SteadyOptions): BackupStorage {
  const { policy } = options
  return {
    kind: inner.kind,
    listBackups: (shard, ctx) => again('list backups', policy, (one) => inner.listBackups(shard, one), ctx),
    openBackup: (shard, name) => steadyReadable(inner.openBackup(shard, name), options),
    startBackup: async (shard, name, ctx) => {
      ctx.signal.throwIfAborted()
      return steadyWritable(await inner.startBackup(shard, name, ctx), options)
    },
    removeBackup: (shard, name, ctx) => again(`remove backup ${name}`, policy, (one) => inner.removeBackup(shard, name, one), ctx),
  }
}

/** An aborted signal touches nothing. */
async function again<T>(doing: string, policy: SteadyPolicy, work: (ctx: ActionContext) => Promise<T>, ctx: ActionContext): Promise<T> {
  ctx.signal.throwIfAborted()
  return await steadily(doing, policy, work, ctx)
}

function steadyReadable(backup: ReadableBackup, { policy, onStage }: SteadyOptions): ReadableBackup {
  const { shard, name } = backup
  return {
    shard,
    name,
    listFiles: (ctx) => again(`list the files of ${name}`, policy, (one) => backup.listFiles(one), ctx),
    readSmallFile: (file, maxBytes, ctx) => again(`read ${file} of ${name}`, policy, (one) => backup.readSmallFile(file, maxBytes, one), ctx),
    readFile: (file, range, ctx) => steadyStream({
      doing: `read ${file} of ${name}`, policy, range,
      open: (from, one) => backup.readFile(file, { ...range, start: from }, one),
      onBytes: (bytes, seconds) => onStage?.('download', bytes, seconds),
    }, ctx),
  }
}

function steadyWritable(backup: WritableBackup, options: SteadyOptions): WritableBackup {
  const { shard, name } = backup
  const { policy, onStage } = options
  return {
    shard,
    name,
    writeFile: async (file, source, hint, ctx) => {
      ctx.signal.throwIfAborted()
      const doing = `write ${file} of ${name}`
      // a request inside may stand still once and be tried again before the write as a whole counts as standing still
      const stallMs = Math.max(policy.stallMs * 3, policy.giveUpMs)
      const upload = new UploadClock(onStage)
      try {
        return await watched(doing, stallMs, (one, alive) => backup.writeFile(file, counted(source, alive, upload), hint, one), ctx)
      } finally {
        upload.lap(0)   // parts on their way, and the end that makes an object of them
      }
    },
    confirmFiles: (ctx) => again(`confirm the files of ${name}`, policy, (one) => backup.confirmFiles(one), ctx),
    writeManifest: (content, ctx) => again(`write MANIFEST of ${name}`, policy, (one) => backup.writeManifest(content, one), ctx),
    asReadable: () => steadyReadable(backup.asReadable(), options),
    abort: (ctx) => again(`take back ${name}`, policy, (one) => backup.abort(one), ctx),
  }
}

/** The storage's time: until it asks for the first chunk, from a chunk given to the next one asked for, and after the last. */
class UploadClock {
  readonly #onStage: StageListener | undefined
  #since = performance.now()

  constructor(onStage: StageListener | undefined) { this.#onStage = onStage }

  restart(): void { this.#since = performance.now() }

  lap(bytes: number): void {
    const now = performance.now()
    this.#onStage?.('upload', bytes, (now - this.#since) / 1000)
    this.#since = now
  }
}

/** A slow source is no stall of the storage, and none of its time. */
async function* counted(
  source: AsyncIterable<Uint8Array>, alive: () => void, upload: UploadClock,
): AsyncGenerator<Uint8Array, void, undefined> {
  upload.lap(0)
  try {
    for await (const chunk of source) {
      alive()
      upload.restart()
      yield chunk
      upload.lap(chunk.length)
    }
  } finally {
    upload.restart()
  }
  alive()
}
