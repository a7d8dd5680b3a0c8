/** What networks and stores do to requests: each ends in success after repetition, or in one clear code. On Swift, through a proxy. */
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { Readable } from 'node:stream'
import t, { type Test } from 'tap'
import type { ActionContext } from '../../src/base/action.ts'
import { silentLogger } from '../../src/base/logger.ts'
import { MANIFEST, type BackupStorage } from '../../src/storage/backup-storage.ts'
import { s3Storage } from '../../src/storage/s3-storage.ts'
import { STEADY, type SteadyPolicy } from '../../src/storage/steady.ts'
import { faultProxy, type Fault, type Script } from '../support/fault-proxy.ts'
import { leavesNothingBehind } from '../support/leftovers.ts'
import { S3_ACCESS, haveStore, startSwift } from '../support/object-stores.ts'

const ctx: ActionContext = { signal: new AbortController().signal, log: silentLogger() }
const SHARD = { keyspace: 'commerce', shard: '-80' }
const NAME = '2026-08-19.101500.zone1-0000000102'
const CONTENT = Buffer.alloc(12_000_000, 'abcdefg')
const QUICK: SteadyPolicy = { ...STEADY, attempts: 6, backoff: { firstMs: 5, maxMs: 20 }, stallMs: 3000 }
const source = (): Readable => Readable.from([CONTENT.subarray(0, 7_000_000), CONTENT.subarray(7_000_000)])
const xml = (code: string): string => `<?xml version="1.0"?><Error><Code>${code}</Code><Message>from a test</Message></Error>`

if (haveStore(t, 'swift')) t.test('a store that misbehaves', async (t) => {
  const swift = await startSwift()
  t.teardown(() => swift[Symbol.asyncDispose]())
  const proxy = await faultProxy(swift.endpoint)
  t.teardown(() => proxy[Symbol.asyncDispose]())
  const client = new S3Client({ endpoint: swift.endpoint, region: 'us-east-1', forcePathStyle: true, credentials: S3_ACCESS })
  t.teardown(() => { client.destroy() })
  let buckets = 0

  const open = async (policy: SteadyPolicy = QUICK): Promise<BackupStorage> => {
    proxy.play(() => undefined)
    const bucket = `bucket-${++buckets}`
    await client.send(new CreateBucketCommand({ Bucket: bucket }))
    const options = { region: 'us-east-1', endpoint: proxy.endpoint, forcePathStyle: true, tlsSkipVerify: false, credentials: S3_ACCESS }
    return s3Storage({ client: options, bucket, root: '', minPartBytes: 5 << 20, encryption: '', policy })
  }
  const readAll = async (storage: BackupStorage, range = {}): Promise<Buffer> =>
    Buffer.concat(await (await storage.openBackup(SHARD, NAME).readFile('0', range, ctx)).toArray() as Buffer[])

  const passing: readonly (readonly [title: string, fault: Fault, most?: number])[] = [
    ['500', { answer: 500, body: xml('InternalError') }],
    ['503 with Retry-After', { answer: 503, headers: { 'retry-after': '1' }, body: xml('SlowDown') }, 5],
    ['429', { answer: 429, body: xml('TooManyRequests') }],
    ['an answer that is lost', { loseAnswer: true }],
    ['a request that is never answered', { silence: true }, 8],
  ]
  for (const [title, fault, most = Infinity] of passing) {
    t.test(`${title}, at ${most === Infinity ? 'every step' : `${most} steps`} of a backup, ends in success`, async (t) => {
      const storage = await open()
      // each address fails once, so every kind of request is hit
      const script = (): Script => {
        const hit = new Set<string>()
        return ({ method, url }) => {
          const one = `${method} ${url.replace(/uploadId=[^&]*/, '')}`
          if (hit.has(one) || hit.size >= most) return undefined
          hit.add(one)
          return fault
        }
      }
      proxy.play(script())
      const backup = await storage.startBackup(SHARD, NAME, ctx)
      t.same(await backup.writeFile('0', source(), { sizeHint: -1 }, ctx), { file: '0', bytes: CONTENT.length })
      t.same(await backup.confirmFiles(ctx), [{ file: '0', bytes: CONTENT.length }])
      await backup.writeManifest('{}', ctx)
      t.equal(Buffer.from(await backup.asReadable().readSmallFile(MANIFEST, 10, ctx)).toString(), '{}')
      t.ok((await readAll(storage)).equals(CONTENT))
      t.same(await storage.listBackups(SHARD, ctx), [NAME])
      proxy.play(script())
      await storage.removeBackup(SHARD, NAME, ctx)
      t.same(await storage.listBackups(SHARD, ctx), [])
    })
  }

  const broken: readonly (readonly [string, (count: number) => Fault])[] = [
    ['a reset', (count) => ({ resetAfter: count * 1_000_000 })],
    ['silence', (count) => ({ hangAfter: count * 1_000_000 })],
    ['an end with a fitting length', (count) => ({ truncateTo: count * 1_000_000 })],
  ]
  for (const [title, fault] of broken) {
    t.test(`${title} in the middle of a body: the read goes on where it broke off`, async (t) => {
      const storage = await open()
      await (await storage.startBackup(SHARD, NAME, ctx)).writeFile('0', source(), { sizeHint: -1 }, ctx)
      proxy.play((_seen, count) => count <= 3 ? fault(count) : undefined)
      const before = proxy.seen.length
      t.ok((await readAll(storage, { start: 100 })).equals(CONTENT.subarray(100)))
      const ranges = proxy.seen.slice(before).map(({ headers }) => headers.range)
      t.equal(ranges.length, 4)
      t.equal(ranges[0], 'bytes=100-')
      t.equal(new Set(ranges).size, 4, ranges.join())
    })
  }

  const refused = async (t: Test, fault: Fault, code: string): Promise<void> => {
    const storage = await open()
    const backup = await storage.startBackup(SHARD, NAME, ctx)
    proxy.play(({ method, url }) => method === 'PUT' && url.includes('partNumber=2') ? fault : undefined)
    const before = proxy.seen.length
    await t.rejects(backup.writeFile('0', source(), { sizeHint: -1 }, ctx), { code })
    t.equal(proxy.seen.slice(before).filter(({ url }) => url.includes('partNumber=2')).length, 1, 'it is not asked again')
    proxy.play(() => undefined)
    t.same(await backup.confirmFiles(ctx), [], 'no object is there')
    await t.rejects(storage.openBackup(SHARD, NAME).readSmallFile(MANIFEST, 10, ctx), { code: 'BACKUP_NOT_FOUND' }, 'and no MANIFEST')
  }
  t.test('credentials that expire in the middle of an upload are one clear code', async (t) => {
    await refused(t, { answer: 400, body: xml('ExpiredToken') }, 'STORAGE_DENIED')
  })
  t.test('a store that fills up in the middle of an upload is one clear code', async (t) => {
    await refused(t, { answer: 507, body: xml('InsufficientStorage') }, 'STORAGE_NO_SPACE')
  })

  t.test('a denied delete is one clear code, and what could not be removed is still listed', async (t) => {
    const storage = await open()
    await (await storage.startBackup(SHARD, NAME, ctx)).writeManifest('{}', ctx)
    const denied = `<DeleteResult><Error><Key>k</Key><Code>AccessDenied</Code><Message>no</Message></Error></DeleteResult>`
    for (const fault of [{ answer: 403, body: xml('AccessDenied') }, { answer: 200, body: denied }]) {
      proxy.play(({ method }) => method === 'POST' ? fault : undefined)
      await t.rejects(storage.removeBackup(SHARD, NAME, ctx), { code: 'STORAGE_DENIED' })
    }
    t.same(await storage.listBackups(SHARD, ctx), [NAME])
  })

  t.test('lists of three pages are whole, of backups and of files, and all of them are removed', async (t) => {
    const storage = await open()
    const names = Array.from({ length: 45 }, (_, index) => `2026-08-19.1015${String(index).padStart(2, '0')}.zone1-0000000102`)
    for (const name of names) await storage.startBackup(SHARD, name, ctx)
    const before = proxy.seen.length
    t.same(await storage.listBackups(SHARD, ctx), names)
    t.equal(proxy.seen.length - before, 3)
    const backup = await storage.startBackup(SHARD, NAME.replace('08', '09'), ctx)
    const files = Array.from({ length: 45 }, (_, index) => String(index)).sort()
    for (const file of files) await backup.writeFile(file, Readable.from([Buffer.from(file)]), { sizeHint: 2 }, ctx)
    t.same((await backup.confirmFiles(ctx)).map(({ file }) => file), files)
    await backup.abort(ctx)
    t.same(await storage.listBackups(SHARD, ctx), names)
  })

  t.test('a store that never answers well ends in its code within the limit, never in an empty list', async (t) => {
    const storage = await open({ ...QUICK, attempts: 3, stallMs: 300 })
    for (const fault of [{ answer: 503, body: xml('SlowDown') }, { silence: true }] as const) {
      proxy.play(() => fault)
      await t.rejects(storage.listBackups(SHARD, ctx), { code: 'STORAGE_UNREACHABLE' })
      await t.rejects(storage.startBackup(SHARD, NAME, ctx), { code: 'STORAGE_UNREACHABLE' })
      await t.rejects(storage.openBackup(SHARD, NAME).readSmallFile(MANIFEST, 10, ctx), { code: 'STORAGE_UNREACHABLE' })
    }
    proxy.play(() => ({ answer: 503, headers: { 'retry-after': '86400' }, body: xml('SlowDown') }))
    await t.rejects(storage.listBackups(SHARD, ctx), { code: 'STORAGE_UNREACHABLE' }, 'nobody waits for a day')
  })
})

leavesNothingBehind(t)
