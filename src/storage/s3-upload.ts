/** Uploads of several parts by the S3 protocol, and what is left of those that were never completed. */
import type { ActionContext } from '../base/action.ts'
import { TabletError } from '../base/errors.ts'
import type { ObjectStore, PartUpload } from './object-store.ts'
import type { Ask } from './request.ts'
import type { S3 } from './s3-client.ts'
import { absentAs } from './s3-request.ts'

/** Headers that every put and get of an object carries. */
export interface S3Encryption {
  /** Algorithm of the store's own encryption: AES256 or aws:kms. */
  readonly ServerSideEncryption?: 'AES256' | 'aws:kms'
}

/** A key of ours that the store encrypts with and forgets (SSE-C). */
export interface S3CustomerKey {
  readonly SSECustomerAlgorithm?: 'AES256'
  /** Base64. */
  readonly SSECustomerKey?: string
  /** Base64. */
  readonly SSECustomerKeyMD5?: string
}

export interface S3UploadOptions {
  readonly bucket: string
  readonly encryption: S3Encryption
  /** Read when first needed. */
  readonly customerKey: () => Promise<S3CustomerKey>
}

export function s3Upload(
  { bucket: Bucket, encryption, customerKey }: S3UploadOptions, ask: Ask<S3>,
): Pick<ObjectStore, 'startUpload' | 'endLeftUploads'> {
  return {
    startUpload: (Key, ctx) => ask(`begin to write ${Key}`, async ({ sdk, client }, abort) => {
      const input = { Bucket, Key, ...encryption, ...await customerKey() }
      const { UploadId } = await client.send(new sdk.CreateMultipartUploadCommand(input), abort)
      if (UploadId === undefined) throw new TabletError('STORAGE_FAILED', `cannot begin to write ${Key}: the storage gave no upload id`)
      return partUpload({ Bucket, Key, UploadId }, customerKey, ask)
    }, ctx),
    async endLeftUploads(prefix, isOurs, ctx) {
      let marker: { KeyMarker?: string, UploadIdMarker?: string } | undefined = {}
      while (marker !== undefined) {
        const markers: { KeyMarker?: string, UploadIdMarker?: string } = marker
        marker = await ask(`list unfinished uploads in ${prefix}`, async ({ sdk, client }, abort) => {
          const page = await client.send(new sdk.ListMultipartUploadsCommand({ Bucket, Prefix: prefix, ...markers }), abort)
          for (const { Key, UploadId } of page.Uploads ?? []) {
            if (Key === undefined || UploadId === undefined || !Key.startsWith(prefix) || !isOurs(Key)) continue
            await absentAs(undefined, client.send(new sdk.AbortMultipartUploadCommand({ Bucket, Key, UploadId }), abort))
          }
          if (page.IsTruncated !== true || page.NextKeyMarker === undefined || page.NextKeyMarker === markers.KeyMarker) return undefined
          const { NextKeyMarker: KeyMarker, NextUploadIdMarker: UploadIdMarker } = page
          return UploadIdMarker === undefined ? { KeyMarker } : { KeyMarker, UploadIdMarker }
        }, ctx)
      }
    },
  }
}

interface UploadPlace {
  readonly Bucket: string
  readonly Key: string
  readonly UploadId: string
}

function partUpload(place: UploadPlace, customerKey: S3UploadOptions['customerKey'], ask: Ask<S3>): PartUpload {
  const parts = new Map<number, { readonly ETag: string, readonly bytes: number }>()
  return {
    putPart: ({ number: PartNumber, bytes: Body }, ctx) => ask({ doing: `write part ${PartNumber} of ${place.Key}`, bytes: Body.length }, async ({ sdk, client }, abort) => {
      const input = { ...place, PartNumber, Body, ContentLength: Body.length, ...await customerKey() }
      const { ETag } = await client.send(new sdk.UploadPartCommand(input), abort)
      if (ETag === undefined) throw new TabletError('STORAGE_FAILED', `cannot write part ${PartNumber} of ${place.Key}: the storage gave no ETag`)
      parts.set(PartNumber, { ETag, bytes: Body.length })
    }, ctx),
    complete: (ctx: ActionContext) => ask(`complete ${place.Key}`, async ({ sdk, client }, abort) => {
      const Parts = [...parts].sort(([a], [b]) => a - b).map(([PartNumber, { ETag }]) => ({ PartNumber, ETag }))
      const command = new sdk.CompleteMultipartUploadCommand({ ...place, MultipartUpload: { Parts } })
      const done = await absentAs(undefined, client.send(command, abort))
      if (done !== undefined) return
      // the answer to an earlier try was lost: what counts is what lies there
      const { Bucket, Key } = place
      const { ContentLength } = await client.send(new sdk.HeadObjectCommand({ Bucket, Key, ...await customerKey() }), abort)
      const bytes = [...parts.values()].reduce((sum, part) => sum + part.bytes, 0)
      if (ContentLength !== bytes) throw new TabletError('STORAGE_FAILED', `cannot complete ${place.Key}: ${ContentLength} bytes lie there and ${bytes} were sent`)
    }, ctx),
    abort: (ctx: ActionContext) => ask(`take back ${place.Key}`, async ({ sdk, client }, abort) => {
      await absentAs(undefined, client.send(new sdk.AbortMultipartUploadCommand({ ...place }), abort))
    }, ctx),
  }
}
