/** A real S3 server on this machine, and the settings of a storage in it. */
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import type { PartialConfig } from '../src/config/derive.ts'
import { S3_ACCESS, startSwift } from '../test/support/object-stores.ts'

export interface S3Place extends AsyncDisposable {
  readonly config: PartialConfig
}

const BUCKET = 'bench'

export async function openS3Place(): Promise<S3Place> {
  await using made = new AsyncDisposableStack()
  // where Amazon's standard chain looks first; the measured processes inherit it
  process.env['AWS_ACCESS_KEY_ID'] = S3_ACCESS.accessKeyId
  process.env['AWS_SECRET_ACCESS_KEY'] = S3_ACCESS.secretAccessKey
  const server = made.use(await startSwift())
  const client = new S3Client({ endpoint: server.endpoint, region: 'us-east-1', forcePathStyle: true, credentials: S3_ACCESS })
  await client.send(new CreateBucketCommand({ Bucket: BUCKET }))
  client.destroy()
  const owned = made.move()
  return {
    config: {
      'backup-storage-implementation': 's3', 's3-backup-aws-endpoint': server.endpoint, 's3-backup-storage-bucket': BUCKET,
      's3-backup-storage-root': 'shards', 's3-backup-force-path-style': true, 's3-backup-aws-region': 'us-east-1',
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}
