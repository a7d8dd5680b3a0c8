/**
 * Encryption by the store. SSE runs on a Swift that encrypts what it keeps; SSE-C's key is passed over by it, so its
 * headers are read on their way, and that an object is really encrypted with that key is not shown.
 */
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { createHash, randomBytes } from 'node:crypto'
import { readFile, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import t from 'tap'
import { silentLogger } from '../../src/base/logger.ts'
import { messageOf } from '../../src/base/errors.ts'
import type { BackupStorage } from '../../src/storage/backup-storage.ts'
import { s3Storage } from '../../src/storage/s3-storage.ts'
import { STEADY } from '../../src/storage/steady.ts'
import { faultProxy, type SeenRequest } from '../support/fault-proxy.ts'
import { leavesNothingBehind } from '../support/leftovers.ts'
import { S3_ACCESS, haveStore, startSwift } from '../support/object-stores.ts'
import { tempDir } from '../support/temp-dir.ts'

t.comment('not had: a store that knows SSE-C or aws:kms. Had: AES256 by a store that encrypts, and the headers of every request that S3 asks them of.')

const ctx = { signal: new AbortController().signal, log: silentLogger() }
const SHARD = { keyspace: 'commerce', shard: '-80' }
const NAME = '2026-08-19.101500.zone1-0000000102'
const CONTENT = Buffer.alloc(12_000_000, 'abcdefg')

/** What a request is, of those that a backup and its reading make. */
function kindOf({ method, url }: SeenRequest): string {
  const query = new URL(url, 'http://s3').searchParams
  if (query.has('uploads')) return method === 'POST' ? 'begin' : 'other'
  if (query.has('partNumber')) return 'part'
  if (query.has('uploadId')) return method === 'POST' ? 'complete' : 'other'
  if (query.has('list-type') || query.has('delete')) return 'other'
  return { PUT: 'put', GET: 'get', HEAD: 'head' }[method] ?? 'other'
}

/** Whether a file below `directory` holds these bytes. */
async function isOnDisk(directory: string, bytes: Buffer): Promise<boolean> {
  const files = (await readdir(directory, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile() && entry.name.endsWith('.data'))
  if (files.length === 0) throw new Error(`no object lies below ${directory}`)
  for (const { parentPath, name } of files) if ((await readFile(join(parentPath, name))).includes(bytes)) return true
  return false
}

if (haveStore(t, 'swift')) t.test('encryption by the store', async (t) => {
  const swift = await startSwift({ encrypts: true })
  t.teardown(() => swift[Symbol.asyncDispose]())
  const proxy = await faultProxy(swift.endpoint)
  t.teardown(() => proxy[Symbol.asyncDispose]())
  const dir = await tempDir()
  t.teardown(() => dir[Symbol.asyncDispose]())
  const client = new S3Client({ endpoint: swift.endpoint, region: 'us-east-1', forcePathStyle: true, credentials: S3_ACCESS })
  t.teardown(() => { client.destroy() })
  let buckets = 0
  const storageWith = async (encryption: string): Promise<BackupStorage> => {
    const bucket = `bucket-${++buckets}`
    await client.send(new CreateBucketCommand({ Bucket: bucket }))
    return s3Storage({
      client: { endpoint: proxy.endpoint, region: 'us-east-1', forcePathStyle: true, tlsSkipVerify: false, credentials: S3_ACCESS },
      bucket, root: '', minPartBytes: 5 << 20, encryption, policy: { ...STEADY, attempts: 2 },
    })
  }
  /** Kinds of the requests made so far that carry `header` with a value like that, and kinds of those that do not. */
  const carrying = (seen: readonly SeenRequest[], header: string, value: RegExp): Readonly<Record<'all' | 'none', readonly string[]>> => {
    const kinds = (which: boolean): readonly string[] => {
      const found = seen.filter(({ headers }) => value.test(String(headers[header] ?? '')) === which).map(kindOf)
      return [...new Set(found)].filter((kind) => kind !== 'other').sort()
    }
    return { all: kinds(true), none: kinds(false) }
  }
  const useAll = async (storage: BackupStorage): Promise<readonly SeenRequest[]> => {
    const before = proxy.seen.length
    const backup = await storage.startBackup(SHARD, NAME, ctx)
    await backup.writeFile('0', Readable.from([CONTENT]), { sizeHint: -1 }, ctx)
    await backup.writeFile('1', Readable.from([]), { sizeHint: 0 }, ctx)
    await backup.writeManifest('{}', ctx)
    const read = Buffer.concat(await (await backup.asReadable().readFile('0', {}, ctx)).toArray() as Buffer[])
    t.ok(read.equals(CONTENT))
    t.equal((await (await backup.asReadable().readFile('1', {}, ctx)).toArray()).length, 0)
    return proxy.seen.slice(before)
  }

  t.test('SSE with AES256 is asked of every object that is written, and of none that is read', async (t) => {
    const seen = await useAll(await storageWith('AES256'))
    t.same(carrying(seen, 'x-amz-server-side-encryption', /^AES256$/), { all: ['begin', 'put'], none: ['complete', 'get', 'head', 'part'] })
    t.notOk(await isOnDisk(swift.directory, CONTENT.subarray(0, 4096)), 'what lies on the store\'s disk is encrypted')
  })

  t.test('SSE with aws:kms is asked for, and a store that does not know it is one clear code', async (t) => {
    const storage = await storageWith('aws:kms')
    const before = proxy.seen.length
    await t.rejects(storage.startBackup(SHARD, NAME, ctx), { code: 'STORAGE_UNREACHABLE', message: /encryption is not supported/ })
    t.same(carrying(proxy.seen.slice(before), 'x-amz-server-side-encryption', /^aws:kms$/), { all: ['put'], none: [] }, 'once, and never without')
  })

  t.test('without encryption nothing asks for it', async (t) => {
    const seen = await useAll(await storageWith(''))
    t.same(seen.flatMap(({ headers }) => Object.keys(headers)).filter((name) => name.includes('encryption')), [])
  })

  t.test('SSE-C gives the key from its file with every request that writes or reads bytes', async (t) => {
    const key = randomBytes(32)
    const file = join(dir.path, 'key')
    await writeFile(file, `${key.toString('base64')}\n`, { mode: 0o600 })
    const seen = await useAll(await storageWith(`sse_c:${file}`))
    const kinds = { all: ['begin', 'get', 'head', 'part', 'put'], none: ['complete'] }
    const prefix = 'x-amz-server-side-encryption-customer'
    t.same(carrying(seen, `${prefix}-algorithm`, /^AES256$/), kinds)
    const exactly = (text: string): RegExp => new RegExp(`^${text.replaceAll('+', '\\+')}$`)
    t.same(carrying(seen, `${prefix}-key`, exactly(key.toString('base64'))), kinds)
    t.same(carrying(seen, `${prefix}-key-md5`, exactly(createHash('md5').update(key).digest('base64'))), kinds)
  })

  t.test('the key is in no message, and a file that holds none is refused by its name', async (t) => {
    const key = randomBytes(32).toString('base64')
    const file = join(dir.path, 'secret')
    await writeFile(file, key)
    const storage = await storageWith(`sse_c:${file}`)
    proxy.play(() => ({ answer: 403, body: '<Error><Code>AccessDenied</Code></Error>' }))
    const error: unknown = await storage.startBackup(SHARD, NAME, ctx).catch((cause: unknown) => cause)
    proxy.play(() => undefined)
    t.match(error, { code: 'STORAGE_DENIED' })
    t.notMatch(messageOf(error), key)
    for (const bad of ['', 'short', randomBytes(31).toString('base64')]) {
      await writeFile(join(dir.path, 'bad'), bad)
      const wrong = await storageWith(`sse_c:${join(dir.path, 'bad')}`)
      await t.rejects(wrong.startBackup(SHARD, NAME, ctx), { code: 'STORAGE_DENIED', message: /\/bad: it holds no key of 32 bytes/ })
    }
  })
})

leavesNothingBehind(t)
