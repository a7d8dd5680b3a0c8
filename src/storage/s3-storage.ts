/**
 * Backups in S3 and what speaks its protocol, laid out as Vitess lays them out: `[<root>/]<keyspace>/<shard>/<name>/<file>`.
 *
 * See reference vitess-backup.md 1.5 for the meaning of every setting.
 */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { TabletError, messageOf } from '../base/errors.ts'
import type { BackupStorage } from './backup-storage.ts'
import { ByteRoom } from './byte-room.ts'
import { ROOM_BYTES, objectStorage } from './object-storage.ts'
import { openS3, type S3ClientOptions } from './s3-client.ts'
import { s3Store } from './s3-store.ts'
import type { S3CustomerKey, S3Encryption } from './s3-upload.ts'
import { steadyStorage, type SteadyOptions } from './steady-storage.ts'

export interface S3StorageOptions extends SteadyOptions {
  readonly client: Omit<S3ClientOptions, 'stallMs'>
  readonly bucket: string
  /** Without a slash at either end; empty for none. */
  readonly root: string
  readonly minPartBytes: number
  /** Empty, AES256, aws:kms, or `sse_c:<path of the key's file>`. */
  readonly encryption: string
}

export function s3Storage(options: S3StorageOptions): BackupStorage {
  const keyFile = customerKeyFile(options.encryption)
  const store = s3Store({
    open: () => openS3({ ...options.client, stallMs: options.policy.stallMs }),
    stallMs: options.policy.stallMs,
    bucket: options.bucket,
    encryption: keyFile !== undefined || options.encryption === '' ? {} : { ServerSideEncryption: options.encryption as NonNullable<S3Encryption['ServerSideEncryption']> },
    customerKey: keyFile === undefined ? () => Promise.resolve({}) : customerKeyReader(keyFile),
    minPartBytes: options.minPartBytes,
  })
  const root = options.root === '' ? '' : `${options.root}/`
  return steadyStorage(objectStorage({
    kind: 's3', room: new ByteRoom(ROOM_BYTES), policy: options.policy, placeOf: (_shard, relative) => ({ store, prefix: `${root}${relative}/` }),
  }), options)
}

/** The path in `sse_c:<path>`. */
export const customerKeyFile = (encryption: string): string | undefined => /^sse_c:(.+)$/.exec(encryption)?.[1]

const KEY_BYTES = 32

/** The file holds 32 bytes, raw or as base64. Read once it was good. */
function customerKeyReader(path: string): () => Promise<S3CustomerKey> {
  let known: S3CustomerKey | undefined
  return async () => {
    known ??= customerKey(path, await readFile(path).catch((error: unknown) => { throw unusable(path, messageOf(error)) }))
    return known
  }
}

export function customerKey(path: string, content: Buffer): S3CustomerKey {
  const decoded = content.length === KEY_BYTES ? content : Buffer.from(content.toString('latin1').trim(), 'base64')
  if (decoded.length !== KEY_BYTES) throw unusable(path, `it holds no key of ${KEY_BYTES} bytes, raw or as base64`)
  return { SSECustomerAlgorithm: 'AES256', SSECustomerKey: decoded.toString('base64'), SSECustomerKeyMD5: createHash('md5').update(decoded).digest('base64') }
}

const unusable = (path: string, why: string): TabletError =>
  new TabletError('STORAGE_DENIED', `cannot take the key of s3-backup-server-side-encryption in ${path}: ${why}`, { details: { again: false } })
