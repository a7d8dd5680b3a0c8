/** Any BackupStorage, with its failures counted by code: the ones that no retry has mended. A cancel is no failure. */
import type { Readable } from 'node:stream'
import type { ActionContext } from '../base/action.ts'
import { TabletError } from '../base/errors.ts'
import type { BackupStorage, ReadableBackup, WritableBackup } from './backup-storage.ts'

export type FailureListener = (code: string) => void

export function countedStorage(inner: BackupStorage, onFailure: FailureListener): BackupStorage {
  const { noting } = noter(onFailure)
  return {
    kind: inner.kind,
    listBackups: (shard, ctx) => noting(inner.listBackups(shard, ctx), ctx),
    openBackup: (shard, name) => countedReadable(inner.openBackup(shard, name), onFailure),
    startBackup: async (shard, name, ctx) => countedWritable(await noting(inner.startBackup(shard, name, ctx), ctx), onFailure),
    removeBackup: (shard, name, ctx) => noting(inner.removeBackup(shard, name, ctx), ctx),
  }
}

function countedReadable(inner: ReadableBackup, onFailure: FailureListener): ReadableBackup {
  const { noting, note } = noter(onFailure)
  return {
    shard: inner.shard, name: inner.name,
    listFiles: (ctx) => noting(inner.listFiles(ctx), ctx),
    readSmallFile: (file, maxBytes, ctx) => noting(inner.readSmallFile(file, maxBytes, ctx), ctx),
    readFile: async (file, range, ctx): Promise<Readable> => {
      const stream = await noting(inner.readFile(file, range, ctx), ctx)
      return stream.once('error', (error) => { note(error, ctx) })
    },
  }
}

function countedWritable(inner: WritableBackup, onFailure: FailureListener): WritableBackup {
  const { noting } = noter(onFailure)
  return {
    shard: inner.shard, name: inner.name,
    writeFile: (file, source, options, ctx) => noting(inner.writeFile(file, source, options, ctx), ctx),
    confirmFiles: (ctx) => noting(inner.confirmFiles(ctx), ctx),
    writeManifest: (content, ctx) => noting(inner.writeManifest(content, ctx), ctx),
    asReadable: () => countedReadable(inner.asReadable(), onFailure),
    abort: (ctx) => noting(inner.abort(ctx), ctx),
  }
}

function noter(onFailure: FailureListener) {
  /** The storage's own failures alone: a backup that does not exist is an answer, a broken source is the engine's. */
  const note = (error: unknown, { signal }: ActionContext): void => {
    if (!signal.aborted && error instanceof TabletError && error.code.startsWith('STORAGE_')) onFailure(error.code)
  }
  const noting = async <T>(work: Promise<T>, ctx: ActionContext): Promise<T> => {
    try {
      return await work
    } catch (error) {
      note(error, ctx)
      throw error
    }
  }
  return { note, noting }
}
