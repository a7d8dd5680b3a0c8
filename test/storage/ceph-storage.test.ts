/** The storage of Ceph's layout, against OpenStack Swift's S3 interface: no Ceph gateway runs in the tests. */
import { ListBucketsCommand, S3Client } from '@aws-sdk/client-s3'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { cephBucket, cephStorage, parseCephConfig } from '../../src/storage/ceph-storage.ts'
import { STEADY } from '../../src/storage/steady.ts'
import { silentLogger } from '../../src/base/logger.ts'
import { backupStorageContract } from '../contract/backup-storage.ts'
import { faultProxy } from '../support/fault-proxy.ts'
import { leavesNothingBehind } from '../support/leftovers.ts'
import { S3_ACCESS, haveStore, startSwift } from '../support/object-stores.ts'
import { tempDir } from '../support/temp-dir.ts'

t.comment('not had: a Ceph gateway, and signatures of version 2, with which Vitess speaks to it. Had: its layout, over S3 with version 4.')

t.test('a bucket has the keyspace\'s name as Vitess writes it', (t) => {
  t.equal(cephBucket('My_Commerce'), 'my-commerce')
  t.end()
})

t.test('the configuration is checked, and its secret stays out of messages', (t) => {
  const good = { accessKey: 'a', secretKey: 's', endPoint: 'ceph.example:7480', useSSL: false }
  t.match(parseCephConfig('c.json', JSON.stringify(good)), { endpoint: 'http://ceph.example:7480', credentials: { accessKeyId: 'a', secretAccessKey: 's' } })
  t.equal(parseCephConfig('c.json', JSON.stringify({ ...good, useSSL: true })).endpoint, 'https://ceph.example:7480')
  for (const bad of ['', '[]', 'null', '{"secretKey":"hidden"}', JSON.stringify({ ...good, useSSL: 'no', secretKey: 'hidden' })]) {
    t.throws(() => parseCephConfig('c.json', bad), { code: 'STORAGE_DENIED', message: /^(?!.*hidden).*c\.json/ }, bad)
  }
  t.end()
})

if (haveStore(t, 'swift')) t.test('Ceph\'s layout by OpenStack Swift', async (t) => {
  // one server a test: the buckets are named by keyspaces, so every test must find none
  const swift = await startSwift()
  t.teardown(() => swift[Symbol.asyncDispose]())
  const proxy = await faultProxy(swift.endpoint)
  t.teardown(() => proxy[Symbol.asyncDispose]())
  const dir = await tempDir()
  t.teardown(() => dir[Symbol.asyncDispose]())
  const configFile = join(dir.path, 'ceph.json')
  const config = { accessKey: S3_ACCESS.accessKeyId, secretKey: S3_ACCESS.secretAccessKey, endPoint: proxy.endpoint.slice('http://'.length), useSSL: false }
  await writeFile(configFile, JSON.stringify(config), { mode: 0o600 })
  const ctx = { signal: new AbortController().signal, log: silentLogger() }

  backupStorageContract(t, 'ceph', async () => {
    const storage = cephStorage({ configFile, policy: { ...STEADY, attempts: 3, backoff: { firstMs: 10, maxMs: 50 } } })
    return {
      storage,
      async [Symbol.asyncDispose]() {
        for (const shard of ['-80', '80-']) {
          const place = { keyspace: 'commerce', shard }
          for (const name of await storage.listBackups(place, ctx)) await storage.removeBackup(place, name, ctx)
        }
      },
    }
  })

  t.test('each keyspace has its bucket', async (t) => {
    const client = new S3Client({ endpoint: swift.endpoint, region: 'us-east-1', forcePathStyle: true, credentials: S3_ACCESS })
    t.teardown(() => { client.destroy() })
    t.same((await client.send(new ListBucketsCommand({}))).Buckets?.map(({ Name }) => Name).filter((name) => !name?.includes('+')), ['commerce'])
  })
})

leavesNothingBehind(t)
