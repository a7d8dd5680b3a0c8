/**
 * Backups in a Ceph object gateway: a bucket for each keyspace, objects named `<keyspace>/<shard>/<name>/<file>` in it
 * (reference: vitess-backup.md 1.8). Requests carry signatures of version 4, which gateways know since Ceph 10; Vitess
 * signs with version 2, which the objects do not show.
 */
import { readFile } from 'node:fs/promises'
import type { ActionContext } from '../base/action.ts'
import { TabletError, hasCode, messageOf } from '../base/errors.ts'
import type { BackupStorage } from './backup-storage.ts'
import { ByteRoom } from './byte-room.ts'
import { ROOM_BYTES, objectStorage } from './object-storage.ts'
import type { ObjectStore } from './object-store.ts'
import { requester } from './request.ts'
import { openS3, type S3, type S3ClientOptions } from './s3-client.ts'
import { refusalOf, s3Error } from './s3-request.ts'
import { S3_PARTS, s3Store } from './s3-store.ts'
import { steadyStorage, type SteadyOptions } from './steady-storage.ts'

export interface CephStorageOptions extends SteadyOptions {
  /** JSON: accessKey, secretKey, endPoint, useSSL. */
  readonly configFile: string
}

/** Vitess's name for the bucket of a keyspace. */
export const cephBucket = (keyspace: string): string => keyspace.toLowerCase().replaceAll('_', '-')

export function cephStorage(options: CephStorageOptions): BackupStorage {
  const { stallMs } = options.policy
  const stores = new Map<string, ObjectStore>()
  const open = async (): Promise<S3> => await openS3(await clientOptions(options.configFile, stallMs))
  const storeOf = (bucket: string): ObjectStore => {
    const known = stores.get(bucket) ?? forgiving(s3Store({
      open, stallMs, bucket, encryption: {}, customerKey: () => Promise.resolve({}), minPartBytes: S3_PARTS.minBytes,
    }))
    stores.set(bucket, known)
    return known
  }
  const ask = requester<S3>({ open, errorOf: s3Error, stallMs })
  const prepare = async ({ keyspace }: { readonly keyspace: string }, ctx: ActionContext): Promise<void> => {
    await ask(`make bucket ${cephBucket(keyspace)}`, async ({ sdk, client }, abort) => {
      await client.send(new sdk.CreateBucketCommand({ Bucket: cephBucket(keyspace) }), abort).catch((error: unknown) => {
        if (!/^Bucket(?:AlreadyOwnedByYou|AlreadyExists)/.test(refusalOf(error)?.word ?? '')) throw error
      })
    }, ctx)
  }
  return steadyStorage(objectStorage({
    kind: 'ceph', prepare, room: new ByteRoom(ROOM_BYTES), policy: options.policy,
    placeOf: ({ keyspace }, relative) => ({ store: storeOf(cephBucket(keyspace)), prefix: `${relative}/` }),
  }), options)
}

/** A bucket that is missing is one where nothing was written yet: Vitess and we make it at the first backup. */
function forgiving(store: ObjectStore): ObjectStore {
  const missing = (error: unknown): boolean => hasCode(error, 'STORAGE_UNREACHABLE') && error.details['word'] === 'NoSuchBucket'
  const or = async <T>(none: T, answer: Promise<T>): Promise<T> => {
    try {
      return await answer
    } catch (error) {
      if (missing(error)) return none
      throw error
    }
  }
  return {
    ...store,
    listPage: (prefix, wanted, ctx) => or({ objects: [], folders: [], next: undefined }, store.listPage(prefix, wanted, ctx)),
    read: (key, range, ctx) => or(undefined, store.read(key, range, ctx)),
    remove: (keys, ctx) => or(undefined, store.remove(keys, ctx)),
    endLeftUploads: (prefix, isOurs, ctx) => or(undefined, store.endLeftUploads(prefix, isOurs, ctx)),
  }
}

async function clientOptions(path: string, stallMs: number): Promise<S3ClientOptions> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => { throw unusable(path, messageOf(error)) })
  return { ...parseCephConfig(path, text), stallMs }
}

export function parseCephConfig(path: string, text: string): Omit<S3ClientOptions, 'stallMs'> {
  let given: unknown
  try { given = JSON.parse(text) } catch { throw unusable(path, 'it is not JSON') }
  const { accessKey, secretKey, endPoint, useSSL } = (typeof given === 'object' && given !== null ? given : {}) as Readonly<Record<string, unknown>>
  if (typeof accessKey !== 'string' || typeof secretKey !== 'string' || typeof endPoint !== 'string' || typeof useSSL !== 'boolean') {
    throw unusable(path, 'it needs accessKey, secretKey and endPoint as text, and useSSL as true or false')
  }
  return {
    region: 'us-east-1', endpoint: `${useSSL ? 'https' : 'http'}://${endPoint}`, forcePathStyle: true, tlsSkipVerify: false,
    credentials: { accessKeyId: accessKey, secretAccessKey: secretKey },
  }
}

const unusable = (path: string, why: string): TabletError =>
  new TabletError('STORAGE_DENIED', `cannot take ceph-backup-storage-config ${path}: ${why}`, { details: { again: false } })
