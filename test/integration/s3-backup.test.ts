/** A shard whose backups lie in a real object store: OpenStack Swift's S3 interface. */
import { CreateBucketCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3'
import t from 'tap'
import { askForBackup, endOf, listBackups } from '../support/backups.ts'
import { untilSameTables } from '../support/checksum.ts'
import { leavesNothingBehind } from '../support/leftovers.ts'
import { S3_ACCESS, haveStore, startSwift } from '../support/object-stores.ts'
import { forEachServer } from '../support/servers.ts'
import { startShard } from '../support/shard.ts'

// where Amazon's standard chain looks first; daemons inherit it
process.env['AWS_ACCESS_KEY_ID'] = S3_ACCESS.accessKeyId
process.env['AWS_SECRET_ACCESS_KEY'] = S3_ACCESS.secretAccessKey

if (haveStore(t, 'swift')) forEachServer(t, 'a tablet backs up to S3 and a new tablet restores from it', async (t, server) => {
  await using swift = await startSwift()
  const client = new S3Client({ endpoint: swift.endpoint, region: 'us-east-1', forcePathStyle: true, credentials: S3_ACCESS })
  t.teardown(() => { client.destroy() })
  await client.send(new CreateBucketCommand({ Bucket: 'backups' }))
  const flags = [
    '--backup-storage-implementation=s3', `--s3-backup-aws-endpoint=${swift.endpoint}`, '--s3-backup-storage-bucket=backups',
    '--s3-backup-storage-root=shards', '--s3-backup-force-path-style',
  ]
  await using shard = await startShard({ server, tablets: 2, flags })
  const [primary, replica] = [shard.tablet(0), shard.tablet(1)]
  await shard.initPrimary(primary)
  await primary.rows('create database commerce; create table commerce.t (id int primary key, note varchar(20)); insert into commerce.t values (1, "one")')
  await replica.becomes('REPLICA', { healthy: true })

  const done = await endOf(replica, await askForBackup(replica))
  t.equal(done.state, 'succeeded', done.error?.message ?? 'the backup succeeded')
  t.same(Object.keys(done.stages ?? {}), ['read', 'compress', 'upload'], 'it tells where its time went')
  for (const [stage, { bytes, seconds }] of Object.entries(done.stages ?? {})) t.ok(bytes > 0 && seconds > 0, `${stage}: ${bytes} bytes, ${seconds} s`)
  const [backup] = await listBackups(replica)
  t.equal(backup?.status, 'complete')
  const manifest = `shards/commerce/0/${backup?.name}/MANIFEST`
  const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: 'backups', Prefix: manifest }))
  t.same(Contents.map(({ Key }) => Key), [manifest], 'it lies in the bucket as Vitess would lay it')

  const fresh = await shard.addTablet()
  t.equal((await fresh.becomes('REPLICA', { healthy: true, deadlineMs: 180_000 })).data.origin, 'restore')
  const { text: metrics } = await fresh.http('GET', '/metrics')
  for (const stage of ['download', 'decompress', 'write']) {
    t.match(metrics, new RegExp(`^tabletd_stage_bytes_total\\{stage="${stage}"\\} [1-9]`, 'm'), `${stage} is counted over the restore`)
  }
  t.ok((await untilSameTables((sql) => primary.rows(sql), (sql) => fresh.rows(sql)))['commerce.t'])
})

leavesNothingBehind(t)
