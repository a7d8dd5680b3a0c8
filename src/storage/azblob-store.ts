/** Azure's blob storage as an ObjectStore, by Microsoft's client: one container, block blobs. */
import { Readable } from 'node:stream'
import { forEachParallel, type ActionContext } from '../base/action.ts'
import { TabletError } from '../base/errors.ts'
import { azureError, azureRefusal, openContainer, type AzureOptions, type Container } from './azblob-client.ts'
import { bodyStream, emptyBody, parseContentRange } from './object-body.ts'
import { MOST_LISTED, type ByteRange, type ListedPage, type ObjectBody, type ObjectStore, type PageWanted, type PartUpload } from './object-store.ts'
import { requester, type Ask, type Pulse } from './request.ts'

export interface AzureStoreOptions extends AzureOptions {
  /** Most bytes of a block. */
  readonly bufferBytes: number
  readonly parallelism: number
  readonly stallMs: number
  /** Objects in one answer of a list; default: as many as Azure gives. */
  readonly pageSize?: number
}

const SMALLEST_BLOCK = 8 << 20
/** Azure's limit. */
const MOST_BLOCKS = 50_000
const REMOVED_TOGETHER = 8
const PIECE_BYTES = 256 << 10
/** A range with a far end instead of none: the answer then names the size of the whole. */
const FAR = 2 ** 50

export function azureStore(options: AzureStoreOptions): ObjectStore {
  const ask = requester<Container>({ open: () => openContainer(options), errorOf: azureError, stallMs: options.stallMs })
  const { bufferBytes, parallelism } = options
  return {
    limits: { minBytes: Math.min(SMALLEST_BLOCK, bufferBytes), maxBytes: bufferBytes, maxParts: MOST_BLOCKS, atOnce: parallelism },
    listPage: (prefix, wanted, ctx) => ask(`list ${prefix}`, (container, { abortSignal }) => {
      return listPage({ container, prefix, maxPageSize: options.pageSize ?? MOST_LISTED }, wanted, abortSignal)
    }, ctx),
    read: (key, range, ctx) => readBlob(ask, { key, ...range }, ctx),
    put: (key, bytes, ctx) => ask(`write ${key}`, async (container, pulse) => {
      await container.getBlockBlobClient(key).upload(piecesOf(bytes), bytes.length, watchedBy(pulse))
    }, ctx),
    putIfAbsent: (key, bytes, ctx) => ask(`write ${key} unless it is there`, async (container, { abortSignal }) => {
      const conditions = { ifNoneMatch: '*' }
      await container.getBlockBlobClient(key).upload(bytes, bytes.length, { abortSignal, conditions }).catch((error: unknown) => {
        const status = azureRefusal(error)?.status
        if (status !== 409 && status !== 412) throw error
      })
    }, ctx),
    remove: (keys, ctx) => forEachParallel(keys, REMOVED_TOGETHER, (key, bounded) => ask(`remove ${key}`, async (container, { abortSignal }) => {
      await container.getBlobClient(key).deleteIfExists({ abortSignal, deleteSnapshots: 'include' })
    }, bounded), ctx),
    startUpload: (key) => Promise.resolve(blockUpload(key, ask)),
    endLeftUploads: () => Promise.resolve(),   // blocks that are never committed are in no list, and Azure drops them after a week
  }
}

async function listPage(
  { container, prefix, maxPageSize }: { readonly container: Container, readonly prefix: string, readonly maxPageSize: number },
  { folders, token }: PageWanted, abortSignal: AbortSignal,
): Promise<ListedPage> {
  const settings = { maxPageSize, ...token === undefined ? {} : { continuationToken: token } }
  const options = { prefix, abortSignal }
  const next = (given: string | undefined): string | undefined => given === '' ? undefined : given
  if (folders) {
    for await (const { segment, continuationToken } of container.listBlobsByHierarchy('/', options).byPage(settings)) {
      return { objects: [], folders: (segment.blobPrefixes ?? []).map(({ name }) => name), next: next(continuationToken) }
    }
  } else {
    for await (const { segment, continuationToken } of container.listBlobsFlat(options).byPage(settings)) {
      const objects = segment.blobItems.map(({ name, properties }) => ({ key: name, bytes: properties.contentLength ?? 0 }))
      return { objects, folders: [], next: next(continuationToken) }
    }
  }
  return { objects: [], folders: [], next: undefined }
}

async function readBlob(
  ask: Ask<Container>, { key, start, end }: ByteRange & { readonly key: string }, ctx: ActionContext,
): Promise<ObjectBody | undefined> {
  const doing = `read ${key}`
  return await ask<ObjectBody | undefined>(doing, async (container, { abortSignal }) => {
    const blob = container.getBlobClient(key)
    const empty = async (): Promise<ObjectBody> => {
      const { contentLength = 0 } = await blob.getProperties({ abortSignal })
      return { totalBytes: contentLength, stream: bodyStream({ doing, body: emptyBody(), expected: 0 }, ctx.signal) }
    }
    try {
      if (end !== undefined && end <= start) return await empty()
      const { contentRange, readableStreamBody } = await blob.download(start, (end ?? FAR) - start, { abortSignal, maxRetryRequests: 0 })
      const ranged = parseContentRange(contentRange)
      if (ranged === undefined || readableStreamBody === undefined) {
        throw new TabletError('STORAGE_FAILED', `cannot ${doing}: the storage did not give the range that was asked for`, { details: { again: false } })
      }
      const expected = Math.min(end ?? ranged.total, ranged.total) - start
      const body = readableStreamBody as AsyncIterable<Uint8Array> & { destroy(): void }
      return { totalBytes: ranged.total, stream: bodyStream({ doing, body, expected }, ctx.signal) }
    } catch (error) {
      const refusal = azureRefusal(error)
      if (refusal?.status === 416) return await empty()
      // a HEAD has no body to say what is missing; a container that is missing says so in its header
      if (refusal?.status === 404 && !refusal.word.startsWith('Container')) return undefined
      throw error
    }
  }, ctx)
}

/** What the client counts as sent is what it was given: in pieces, so that a slow line is told from a silent one. */
const piecesOf = (bytes: Uint8Array) => (): NodeJS.ReadableStream => Readable.from(pieces(bytes))

function* pieces(bytes: Uint8Array): Generator<Uint8Array, void, undefined> {
  for (let from = 0; from < bytes.length; from += PIECE_BYTES) yield bytes.subarray(from, from + PIECE_BYTES)
}

const watchedBy = ({ abortSignal, alive }: Pulse): { abortSignal: AbortSignal, onProgress(): void } => ({ abortSignal, onProgress: alive })

/** Ids of one length, as Azure wants them. */
const blockId = (number: number): string => Buffer.from(String(number).padStart(8, '0')).toString('base64')

function blockUpload(key: string, ask: Ask<Container>): PartUpload {
  let parts = 0
  return {
    putPart: ({ number, bytes }, ctx) => ask(`write block ${number} of ${key}`, async (container, pulse) => {
      parts = Math.max(parts, number)
      await container.getBlockBlobClient(key).stageBlock(blockId(number), piecesOf(bytes), bytes.length, watchedBy(pulse))
    }, ctx),
    complete: (ctx) => ask(`complete ${key}`, async (container, { abortSignal }) => {
      const ids = Array.from({ length: parts }, (_, index) => blockId(index + 1))
      await container.getBlockBlobClient(key).commitBlockList(ids, { abortSignal })
    }, ctx),
    abort: () => Promise.resolve(),
  }
}
