/** The S3 protocol as an ObjectStore, by Amazon's client: one bucket, one request a call. */
import type { ActionContext } from '../base/action.ts'
import { TabletError } from '../base/errors.ts'
import { bodyStream, emptyBody, parseContentRange } from './object-body.ts'
import type { ObjectBody, ObjectStore } from './object-store.ts'
import { refusalError } from './request-errors.ts'
import { requester, type Ask } from './request.ts'
import type { S3 } from './s3-client.ts'
import { absentAs, refusalOf, s3Error } from './s3-request.ts'
import { s3Upload, type S3UploadOptions } from './s3-upload.ts'

export interface S3StoreOptions extends S3UploadOptions {
  open(): Promise<S3>
  readonly stallMs: number
  readonly minPartBytes: number
}

/** Limits of S3: parts of 5 MiB to 5 GiB, 10,000 of them. */
export const S3_PARTS = { minBytes: 5 << 20, maxBytes: 5 * 2 ** 30, maxParts: 10_000, atOnce: 4 } as const

export function s3Store(options: S3StoreOptions): ObjectStore {
  const { bucket: Bucket, encryption, customerKey } = options
  const ask = requester<S3>({ open: () => options.open(), errorOf: s3Error, stallMs: options.stallMs })
  return {
    limits: { ...S3_PARTS, minBytes: Math.max(S3_PARTS.minBytes, options.minPartBytes) },
    listPage: (prefix, { folders, token }, ctx) => ask(`list ${prefix} in bucket ${Bucket}`, async ({ sdk, client }, abort) => {
      const answer = await client.send(new sdk.ListObjectsV2Command({
        Bucket, Prefix: prefix, ...folders ? { Delimiter: '/' } : {}, ...token === undefined ? {} : { ContinuationToken: token },
      }), abort)
      if (answer.IsTruncated === true && answer.NextContinuationToken === undefined) throw cutShort(`list ${prefix}`)
      return {
        objects: (answer.Contents ?? []).map(({ Key = '', Size = 0 }) => ({ key: Key, bytes: Size })),
        folders: (answer.CommonPrefixes ?? []).map(({ Prefix = '' }) => Prefix),
        next: answer.IsTruncated === true ? answer.NextContinuationToken : undefined,
      }
    }, ctx),
    read: (key, range, ctx) => readObject(options, ask, { key, ...range }, ctx),
    put: (Key, Body, ctx) => ask({ doing: `write ${Key}`, bytes: Body.length }, async ({ sdk, client }, abort) => {
      const input = { Bucket, Key, Body, ContentLength: Body.length, ...encryption, ...await customerKey() }
      await client.send(new sdk.PutObjectCommand(input), abort)
    }, ctx),
    putIfAbsent: (Key, Body, ctx) => ask(`write ${Key} unless it is there`, async ({ sdk, client }, abort) => {
      const input = { Bucket, Key, Body, ContentLength: Body.length, ...encryption, ...await customerKey() }
      try {
        await client.send(new sdk.PutObjectCommand({ ...input, IfNoneMatch: '*' }), abort)
      } catch (error) {
        const status = refusalOf(error)?.status
        if (status === 412 || status === 409) return
        if (status !== 501) throw error   // a store without conditional writes: the list that came before has to do
        await client.send(new sdk.PutObjectCommand(input), abort)
      }
    }, ctx),
    remove: (keys, ctx) => ask(`remove ${keys.length} objects in bucket ${Bucket}`, async ({ sdk, client }, abort) => {
      const Delete = { Quiet: true, Objects: keys.map((Key) => ({ Key })) }
      const { Errors = [] } = await client.send(new sdk.DeleteObjectsCommand({ Bucket, Delete }), abort)
      const [first] = Errors.filter(({ Code }) => Code !== 'NoSuchKey')
      if (first === undefined) return
      throw refusalError(`remove ${first.Key}`, { status: undefined, word: first.Code ?? '', message: first.Message ?? '' }, first)
    }, ctx),
    ...s3Upload(options, ask),
  }
}

interface Wanted {
  readonly key: string
  readonly start: number
  readonly end: number | undefined
}

/** Always by range, so that the answer names the size of the whole object beside the length of what comes. */
async function readObject(
  { bucket: Bucket, customerKey }: S3StoreOptions, ask: Ask<S3>, { key: Key, start, end }: Wanted, ctx: ActionContext,
): Promise<ObjectBody | undefined> {
  const doing = `read ${Key}`
  return await ask<ObjectBody | undefined>(doing, async ({ sdk, client }, abort) => {
    const secret = await customerKey()
    const empty = async (): Promise<ObjectBody | undefined> => {
      const answer = await absentAs(undefined, client.send(new sdk.HeadObjectCommand({ Bucket, Key, ...secret }), abort))
      return answer && { totalBytes: answer.ContentLength ?? 0, stream: bodyStream({ doing, body: emptyBody(), expected: 0 }, ctx.signal) }
    }
    if (end !== undefined && end <= start) return await empty()
    try {
      const Range = `bytes=${start}-${end === undefined ? '' : end - 1}`
      const answer = await absentAs(undefined, client.send(new sdk.GetObjectCommand({ Bucket, Key, Range, ...secret }), abort))
      if (answer === undefined) return undefined
      const body = answer.Body as (AsyncIterable<Uint8Array> & { destroy(): void }) | undefined
      const ranged = parseContentRange(answer.ContentRange)
      if (body === undefined || ranged === undefined) {
        body?.destroy()
        throw new TabletError('STORAGE_FAILED', `cannot ${doing}: the storage did not give the range that was asked for`, { details: { again: false } })
      }
      const expected = Math.min(end ?? ranged.total, ranged.total) - start
      return { totalBytes: ranged.total, stream: bodyStream({ doing, body, expected }, ctx.signal) }
    } catch (error) {
      if (refusalOf(error)?.status === 416) return await empty()
      throw error
    }
  }, ctx)
}

const cutShort = (doing: string): TabletError => new TabletError('STORAGE_FAILED', `cannot ${doing}: the answer is cut short`)
