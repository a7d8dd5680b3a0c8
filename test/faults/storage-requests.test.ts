/** What networks and stores do to requests of S3's protocol: OpenStack Swift behind a proxy that misbehaves. */
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import t from 'tap'
import { silentLogger } from '../../src/base/logger.ts'
import type { BackupStorage } from '../../src/storage/backup-storage.ts'
import { s3Storage } from '../../src/storage/s3-storage.ts'
import { STEADY, type SteadyPolicy } from '../../src/storage/steady.ts'
import { NAME, SHARD, storageFaults } from '../contract/backup-storage-faults.ts'
import { faultProxy, type Fault } from '../support/fault-proxy.ts'
import { leavesNothingBehind } from '../support/leftovers.ts'
import { S3_ACCESS, haveStore, startSwift } from '../support/object-stores.ts'

const ctx = { signal: new AbortController().signal, log: silentLogger() }

if (haveStore(t, 'swift')) t.test('S3 that misbehaves', async (t) => {
  const swift = await startSwift()
  t.teardown(() => swift[Symbol.asyncDispose]())
  const proxy = await faultProxy(swift.endpoint)
  t.teardown(() => proxy[Symbol.asyncDispose]())
  const client = new S3Client({ endpoint: swift.endpoint, region: 'us-east-1', forcePathStyle: true, credentials: S3_ACCESS })
  t.teardown(() => { client.destroy() })
  let buckets = 0

  const open = async (policy: SteadyPolicy): Promise<BackupStorage> => {
    const bucket = `bucket-${++buckets}`
    await client.send(new CreateBucketCommand({ Bucket: bucket }))
    const options = { region: 'us-east-1', endpoint: proxy.endpoint, forcePathStyle: true, tlsSkipVerify: false, credentials: S3_ACCESS }
    return s3Storage({ client: options, bucket, root: '', minPartBytes: 5 << 20, encryption: '', policy })
  }
  const says = (answer: number, word: string, headers = {}): Fault =>
    ({ answer, headers, body: `<?xml version="1.0"?><Error><Code>${word}</Code><Message>from a test</Message></Error>` })
  storageFaults(t, {
    proxy, open, says,
    nameOf: ({ method, url }) => `${method} ${url.replace(/uploadId=[^&]*/, '')}`,
    isSecondPart: ({ method, url }) => method === 'PUT' && url.includes('partNumber=2'),
    isRemoval: ({ method }) => method === 'POST',
    words: { expired: [400, 'ExpiredToken'], full: [507, 'InsufficientStorage'], denied: [403, 'AccessDenied'] },
    pagesFolders: true,
  })

  t.test('a removal that answers well and names an object that it was denied is one clear code', async (t) => {
    proxy.play(() => undefined)
    const storage = await open(STEADY)
    await (await storage.startBackup(SHARD, NAME, ctx)).writeManifest('{}', ctx)
    const body = '<DeleteResult><Error><Key>k</Key><Code>AccessDenied</Code><Message>no</Message></Error></DeleteResult>'
    proxy.play(({ method }) => method === 'POST' ? { answer: 200, body } : undefined)
    await t.rejects(storage.removeBackup(SHARD, NAME, ctx), { code: 'STORAGE_DENIED' })
  })
})

leavesNothingBehind(t)
