/** Google's cloud storage as an ObjectStore, by Google's client: one bucket. */
import { forEachParallel } from '../base/action.ts'
import { TabletError } from '../base/errors.ts'
import { gcsError, gcsRefusal, openBucket, type GcsBucket, type GcsOptions } from './gcs-client.ts'
import { readGcsObject } from './gcs-read.ts'
import { gcsUpload } from './gcs-upload.ts'
import { MOST_LISTED, type ObjectStore } from './object-store.ts'
import { requester } from './request.ts'

const REMOVED_TOGETHER = 8

export function gcsStore(options: GcsOptions & { readonly stallMs: number }): ObjectStore {
  const ask = requester<GcsBucket>({ open: () => openBucket(options), errorOf: gcsError, stallMs: options.stallMs })
  return {
    // chunks of a resumable upload follow one another, and are multiples of 256 KiB
    limits: { minBytes: 8 << 20, maxBytes: 8 << 20, maxParts: 655_360, atOnce: 1 },
    listPage: (prefix, { folders, token }, ctx) => ask(`list ${prefix} in bucket ${options.bucket}`, async (bucket) => {
      const from = token === undefined ? {} : { pageToken: token }
      const query = { prefix, autoPaginate: false, maxResults: options.pageSize ?? MOST_LISTED, ...folders ? { delimiter: '/' } : {}, ...from }
      const [files, , answer] = await bucket.getFiles(query)
      const { prefixes = [], nextPageToken } = answer as { readonly prefixes?: readonly string[], readonly nextPageToken?: string }
      const objects = files.map(({ name, metadata }) => ({ key: name, bytes: Number(metadata.size ?? 0) }))
      return { objects, folders: prefixes, next: nextPageToken }
    }, ctx),
    read: (key, range, ctx) => readGcsObject(ask, { key, ...range }, ctx),
    put: (key, bytes, ctx) => ask({ doing: `write ${key}`, bytes: bytes.length }, async (bucket) => {
      await bucket.file(key).save(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length), { resumable: false, validation: 'crc32c' })
    }, ctx),
    putIfAbsent: (key, bytes, ctx) => ask(`write ${key} unless it is there`, async (bucket) => {
      const ifAbsent = { resumable: false, preconditionOpts: { ifGenerationMatch: 0 } }
      await bucket.file(key).save(Buffer.from(bytes), ifAbsent).catch((error: unknown) => {
        if (gcsRefusal(error)?.status !== 412) throw error
      })
    }, ctx),
    remove: (keys, ctx) => forEachParallel(keys, REMOVED_TOGETHER, (key, bounded) => ask(`remove ${key}`, async (bucket) => {
      await bucket.file(key).delete({ ignoreNotFound: true })
    }, bounded), ctx),
    startUpload: (key, ctx) => ask(`begin to write ${key}`, async (bucket) => {
      const [address] = await bucket.file(key).createResumableUpload()
      if (!/^https?:/.test(address)) throw new TabletError('STORAGE_FAILED', `cannot begin to write ${key}: the storage gave no address`)
      return gcsUpload({ key, address }, ask)
    }, ctx),
    endLeftUploads: () => Promise.resolve(),   // nothing of them is stored or paid for, and Google drops them after a week
  }
}
