/**
 * What an object store can do for us, below the contract of backups: one request each, tried once.
 *
 * Implemented by s3-store.ts, gcs-store.ts and azblob-store.ts over the vendors' clients; object-storage.ts makes a
 * BackupStorage of it. Failures are TabletErrors of request-errors.ts, or the signal's reason.
 */
import type { Readable } from 'node:stream'
import type { ActionContext } from '../base/action.ts'

export interface StoredObject {
  readonly key: string
  readonly bytes: number
}

export interface ListedPage {
  readonly objects: readonly StoredObject[]
  /** With a delimiter: what lies between the prefix and the next `/`, that included. */
  readonly folders: readonly string[]
  /** Token of the next page. */
  readonly next: string | undefined
}

export interface PageWanted {
  /** What lies deeper is shown as folders instead of objects. */
  readonly folders: boolean
  readonly token: string | undefined
}

export interface ByteRange {
  readonly start: number
  /** Exclusive; undefined: to the end. */
  readonly end: number | undefined
}

export interface ObjectBody {
  /** Size of the whole object, whatever was asked for. */
  readonly totalBytes: number
  readonly stream: Readable
}

export interface ObjectStore {
  listPage(prefix: string, options: PageWanted, ctx: ActionContext): Promise<ListedPage>
  /** Bytes from `start` to before `end`; undefined when there is no object. An empty answer where `start` is at or behind its end. */
  read(key: string, range: ByteRange, ctx: ActionContext): Promise<ObjectBody | undefined>
  put(key: string, bytes: Uint8Array, ctx: ActionContext): Promise<void>
  /** An object that is there stays as it is, and that is no failure. A store without conditional writes replaces it. */
  putIfAbsent(key: string, bytes: Uint8Array, ctx: ActionContext): Promise<void>
  /** Removes objects; one that is not there is no failure. At most `REMOVE_AT_ONCE`. */
  remove(keys: readonly string[], ctx: ActionContext): Promise<void>
  startUpload(key: string, ctx: ActionContext): Promise<PartUpload>
  /** Ends uploads of several parts below `prefix` that were never completed, where `isOurs` says so of their key. */
  endLeftUploads(prefix: string, isOurs: (key: string) => boolean, ctx: ActionContext): Promise<void>
  /** Smallest and largest part, and how many an object may have. */
  readonly limits: PartLimits
}

export const REMOVE_AT_ONCE = 1000

/** Objects in one answer of a list, where we may say. */
export const MOST_LISTED = 1000

export interface PartLimits {
  readonly minBytes: number
  readonly maxBytes: number
  readonly maxParts: number
  /** Parts of one object that are sent at once. */
  readonly atOnce: number
}

export interface Part {
  /** From 1. */
  readonly number: number
  readonly bytes: Uint8Array
  /** Whether it ends the object. */
  readonly last: boolean
}

/** One object in parts; nothing is visible before its last part, and nobody may rely on it before `complete`. */
export interface PartUpload {
  /** The same number again replaces it. */
  putPart(part: Part, ctx: ActionContext): Promise<void>
  /** May be repeated when its answer was lost. */
  complete(ctx: ActionContext): Promise<void>
  abort(ctx: ActionContext): Promise<void>
}
