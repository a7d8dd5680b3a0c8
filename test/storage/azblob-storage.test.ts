/** The storage of Azure against Azurite, Microsoft's emulator of it. */
import { BlobServiceClient, StorageSharedKeyCredential } from '@azure/storage-blob'
import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import t from 'tap'
import type { ActionContext } from '../../src/base/action.ts'
import { silentLogger } from '../../src/base/logger.ts'
import { azureStorage, type AzureStorageOptions } from '../../src/storage/azblob-storage.ts'
import type { BackupStorage } from '../../src/storage/backup-storage.ts'
import { STEADY } from '../../src/storage/steady.ts'
import { backupStorageContract } from '../contract/backup-storage.ts'
import { faultProxy } from '../support/fault-proxy.ts'
import { leavesNothingBehind } from '../support/leftovers.ts'
import { AZURE_ACCOUNT, haveStore, startAzurite } from '../support/object-stores.ts'

const ctx: ActionContext = { signal: new AbortController().signal, log: silentLogger() }
const SHARD = { keyspace: 'commerce', shard: '-80' }
const NAME = '2026-08-19.101500.zone1-0000000102'

if (haveStore(t, 'azurite')) t.test('Azure by Azurite', async (t) => {
  const key = randomBytes(64).toString('base64')
  const server = await startAzurite(key)
  t.teardown(() => server[Symbol.asyncDispose]())
  const proxy = await faultProxy(server.endpoint)
  t.teardown(() => proxy[Symbol.asyncDispose]())
  const service = new BlobServiceClient(server.endpoint, new StorageSharedKeyCredential(AZURE_ACCOUNT, key))
  let containers = 0

  const newContainer = async (): Promise<string> => {
    const container = `backups-${++containers}`
    await service.createContainer(container)
    return container
  }
  const storageIn = (container: string, more: Partial<AzureStorageOptions> = {}): BackupStorage => azureStorage({
    accountName: AZURE_ACCOUNT, accountKey: () => Promise.resolve(key), endpoint: server.endpoint, container, root: 'base',
    bufferBytes: 1 << 20, parallelism: 3, policy: { ...STEADY, attempts: 20, backoff: { firstMs: 5, maxMs: 20 }, stallMs: 20_000 }, ...more,
  })

  backupStorageContract(t, 'azblob', async () => ({ storage: storageIn(await newContainer()), [Symbol.asyncDispose]: () => Promise.resolve() }))

  t.test('the layout is Vitess\'s, and the mark of a start is hidden', async (t) => {
    const container = await newContainer()
    const backup = await storageIn(container).startBackup(SHARD, NAME, ctx)
    await backup.writeFile('0', Readable.from([Buffer.alloc(5_000_001, 'x')]), { sizeHint: -1 }, ctx)
    await backup.writeManifest('{}', ctx)
    const names: string[] = []
    for await (const { name } of service.getContainerClient(container).listBlobsFlat()) names.push(name)
    t.same(names, ['.tabletd-started', '0', 'MANIFEST'].map((file) => `base/commerce/-80/${NAME}/${file}`))
    t.same(await backup.confirmFiles(ctx), [{ file: '0', bytes: 5_000_001 }, { file: 'MANIFEST', bytes: 2 }])
  })

  t.test('a wrong key and a missing container have their codes, and are no empty list', async (t) => {
    const wrong = storageIn(await newContainer(), { accountKey: () => Promise.resolve(randomBytes(64).toString('base64')) })
    await t.rejects(wrong.listBackups(SHARD, ctx), { code: 'STORAGE_DENIED' })
    const missing = storageIn('no-such-container')
    await t.rejects(missing.listBackups(SHARD, ctx), { code: 'STORAGE_UNREACHABLE' })
    await t.rejects(missing.openBackup(SHARD, NAME).readSmallFile('MANIFEST', 10, ctx), { code: 'STORAGE_UNREACHABLE' })
  })

  t.test('busy answers, lost answers and cut bodies end in success', async (t) => {
    const container = await newContainer()
    const storage = storageIn(container, { endpoint: proxy.endpoint })
    proxy.play((seen, count) => count === 1 ? { answer: 503, headers: { 'retry-after': '0' } } : seen.method === 'PUT' && count === 3 ? { loseAnswer: true } : undefined)
    const backup = await storage.startBackup(SHARD, NAME, ctx)
    proxy.play((_seen, count) => count % 3 === 0 ? { answer: 500 } : count % 3 === 2 ? { loseAnswer: true } : undefined)
    const content = Buffer.alloc(4_500_000, 'abcdefg')
    t.same(await backup.writeFile('0', Readable.from([content]), { sizeHint: -1 }, ctx), { file: '0', bytes: 4_500_000 })
    proxy.play((_seen, count) => count <= 2 ? { resetAfter: 1_000_000 } : undefined)
    t.ok(Buffer.concat(await (await backup.asReadable().readFile('0', {}, ctx)).toArray() as Buffer[]).equals(content))
    t.match(proxy.seen.at(-1)?.headers['x-ms-range'] ?? proxy.seen.at(-1)?.headers.range, /^bytes=[1-9]/, 'it went on where it broke off')
  })
})

leavesNothingBehind(t)
