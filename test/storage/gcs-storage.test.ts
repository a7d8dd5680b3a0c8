/** The storage of Google's cloud against fake-gcs-server, an emulator of it. */
import t from 'tap'
import type { BackupStorage } from '../../src/storage/backup-storage.ts'
import { gcsStorage, type GcsStorageOptions } from '../../src/storage/gcs-storage.ts'
import { STEADY } from '../../src/storage/steady.ts'
import { backupStorageContract } from '../contract/backup-storage.ts'
import { leavesNothingBehind } from '../support/leftovers.ts'
import { haveStore, makeGcsBucket, startGcs } from '../support/object-stores.ts'


if (haveStore(t, 'fake-gcs-server')) t.test('Google\'s cloud storage by fake-gcs-server', async (t) => {
  const server = await startGcs()
  t.teardown(() => server[Symbol.asyncDispose]())
  let buckets = 0

  const newBucket = async (): Promise<string> => {
    const name = `backups-${++buckets}`
    await makeGcsBucket(server, name)
    return name
  }
  const storageIn = (bucket: string, more: Partial<GcsStorageOptions> = {}): BackupStorage => gcsStorage({
    bucket, endpoint: server.endpoint, root: 'base', policy: { ...STEADY, attempts: 20, backoff: { firstMs: 5, maxMs: 20 }, stallMs: 20_000 }, ...more,
  })

  backupStorageContract(t, 'gcs', async () => ({ storage: storageIn(await newBucket()), [Symbol.asyncDispose]: () => Promise.resolve() }))
})

leavesNothingBehind(t)
