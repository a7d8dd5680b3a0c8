/** The S3 storage against OpenStack Swift's S3 interface. */
import { CreateBucketCommand, ListMultipartUploadsCommand, PutObjectCommand, S3Client, paginateListObjectsV2 } from '@aws-sdk/client-s3'
import { Readable } from 'node:stream'
import t from 'tap'
import type { ActionContext } from '../../src/base/action.ts'
import { TabletError } from '../../src/base/errors.ts'
import { silentLogger } from '../../src/base/logger.ts'
import type { BackupStorage } from '../../src/storage/backup-storage.ts'
import { s3Storage, type S3StorageOptions } from '../../src/storage/s3-storage.ts'
import { STEADY } from '../../src/storage/steady.ts'
import { backupStorageContract } from '../contract/backup-storage.ts'
import { faultProxy } from '../support/fault-proxy.ts'
import { leavesNothingBehind } from '../support/leftovers.ts'
import { S3_ACCESS, haveStore, startSwift } from '../support/object-stores.ts'

const ctx: ActionContext = { signal: new AbortController().signal, log: silentLogger() }
const SHARD = { keyspace: 'commerce', shard: '-80' }
const NAME = '2026-08-19.101500.zone1-0000000102'
const OTHER = '2026-08-19.101501.zone1-0000000103'
const from = (...chunks: readonly (string | Uint8Array)[]): Readable => Readable.from(chunks.map((chunk) => Buffer.from(chunk)))

if (haveStore(t, 'swift')) t.test('S3 by OpenStack Swift', async (t) => {
  const swift = await startSwift()
  t.teardown(() => swift[Symbol.asyncDispose]())
  const server = await faultProxy(swift.endpoint)
  t.teardown(() => server[Symbol.asyncDispose]())
  const client = new S3Client({ endpoint: server.endpoint, region: 'us-east-1', forcePathStyle: true, credentials: S3_ACCESS })
  t.teardown(() => { client.destroy() })
  let buckets = 0

  const newBucket = async (): Promise<string> => {
    const bucket = `backups-${++buckets}`
    await client.send(new CreateBucketCommand({ Bucket: bucket }))
    return bucket
  }
  const storageIn = (bucket: string, more: Partial<S3StorageOptions> = {}): BackupStorage => s3Storage({
    client: { region: 'us-east-1', endpoint: server.endpoint, forcePathStyle: true, tlsSkipVerify: false, credentials: S3_ACCESS },
    bucket, root: 'base', minPartBytes: 5 << 20, encryption: '', policy: { ...STEADY, attempts: 3, backoff: { firstMs: 10, maxMs: 50 } }, ...more,
  })
  const keysIn = async (bucket: string): Promise<readonly string[]> => {
    const keys: string[] = []
    for await (const { Contents = [] } of paginateListObjectsV2({ client }, { Bucket: bucket })) keys.push(...Contents.map(({ Key = '' }) => Key))
    return keys
  }
  const uploadsIn = async (bucket: string): Promise<readonly string[]> =>
    ((await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }))).Uploads ?? []).map(({ Key = '' }) => Key)

  backupStorageContract(t, 's3', async () => ({ storage: storageIn(await newBucket()), [Symbol.asyncDispose]: () => Promise.resolve() }))

  t.test('the layout is Vitess\'s, and the mark of a start is hidden', async (t) => {
    const bucket = await newBucket()
    for (const root of ['base', '']) {
      const backup = await storageIn(bucket, { root }).startBackup(SHARD, NAME, ctx)
      await backup.writeFile('0', from('x'), { sizeHint: 1 }, ctx)
      await backup.writeManifest('{}', ctx)
    }
    const below = ['.tabletd-started', '0', 'MANIFEST'].map((file) => `commerce/-80/${NAME}/${file}`)
    t.same(await keysIn(bucket), [...below.map((key) => `base/${key}`), ...below])
  })

  t.test('a directory that somebody else wrote is a name in use', async (t) => {
    const bucket = await newBucket()
    await client.send(new PutObjectCommand({ Bucket: bucket, Key: `base/commerce/-80/${NAME}/0`, Body: 'Vitess was here' }))
    await t.rejects(storageIn(bucket).startBackup(SHARD, NAME, ctx), { code: 'BACKUP_EXISTS' })
  })

  t.test('an object of many parts is whole, and no part is left', async (t) => {
    const bucket = await newBucket()
    const backup = await storageIn(bucket).startBackup(SHARD, NAME, ctx)
    const chunk = Buffer.alloc(3_000_001, 'abcdefg')
    const chunks = Array.from({ length: 12 }, () => chunk)
    t.same(await backup.writeFile('0', Readable.from(chunks), { sizeHint: -1 }, ctx), { file: '0', bytes: 36_000_012 })
    t.same(await backup.confirmFiles(ctx), [{ file: '0', bytes: 36_000_012 }])
    const whole = Buffer.concat(chunks)
    const read = async (range: { start?: number, end?: number }): Promise<Buffer> =>
      Buffer.concat(await (await backup.asReadable().readFile('0', range, ctx)).toArray() as Buffer[])
    t.ok((await read({})).equals(whole))
    t.ok((await read({ start: 5_242_879, end: 10_485_762 })).equals(whole.subarray(5_242_879, 10_485_762)), 'across the borders of parts')
    t.same(await uploadsIn(bucket), [])
  })

  t.test('a write that fails or is aborted leaves no parts', async (t) => {
    const bucket = await newBucket()
    const backup = await storageIn(bucket).startBackup(SHARD, NAME, ctx)
    const failure = new TabletError('FILE_CHANGED', 'it shrank')
    const failing = async function* (): AsyncGenerator<Uint8Array> { yield Buffer.alloc(11 << 20); throw failure }
    await t.rejects(backup.writeFile('0', failing(), { sizeHint: -1 }, ctx), failure)
    const stop = new AbortController()
    const endless = async function* (): AsyncGenerator<Uint8Array> {
      for (let count = 0; ; count++) { if (count === 12) stop.abort(failure); yield Buffer.alloc(1 << 20) }
    }
    await t.rejects(backup.writeFile('1', endless(), { sizeHint: -1 }, { ...ctx, signal: stop.signal }), failure)
    t.same(await uploadsIn(bucket), [])
    t.same(await backup.confirmFiles(ctx), [])
  })

  t.test('parts that a killed daemon left are ended at its next backup, those of another tablet are not', async (t) => {
    const { CreateMultipartUploadCommand } = await import('@aws-sdk/client-s3')
    const bucket = await newBucket()
    const keys = [`base/commerce/-80/${NAME}/3`, `base/commerce/-80/${OTHER}/3`, `base/commerce/80-/${NAME}/3`]
    for (const Key of keys) await client.send(new CreateMultipartUploadCommand({ Bucket: bucket, Key }))
    await storageIn(bucket).startBackup(SHARD, '2026-08-20.101500.zone1-0000000102', ctx)
    t.same(await uploadsIn(bucket), keys.slice(1), 'the same alias in another shard is another tablet')
    await storageIn(bucket).removeBackup(SHARD, OTHER, ctx)
    t.same(await uploadsIn(bucket), keys.slice(2), 'removing a backup ends its own')
  })

  t.test('wrong credentials and a missing bucket have their codes, and are no empty list', async (t) => {
    const bucket = await newBucket()
    const options = { region: 'us-east-1', endpoint: server.endpoint, forcePathStyle: true, tlsSkipVerify: false }
    const wrong = storageIn(bucket, { client: { ...options, credentials: { ...S3_ACCESS, secretAccessKey: 'no' } } })
    await t.rejects(wrong.listBackups(SHARD, ctx), { code: 'STORAGE_DENIED' })
    await t.rejects(wrong.startBackup(SHARD, NAME, ctx), { code: 'STORAGE_DENIED' })
    const missing = storageIn('no-such-bucket')
    await t.rejects(missing.listBackups(SHARD, ctx), { code: 'STORAGE_UNREACHABLE' })
    await t.rejects(missing.openBackup(SHARD, NAME).readSmallFile('MANIFEST', 10, ctx), { code: 'STORAGE_UNREACHABLE' })
  })
})

leavesNothingBehind(t)
