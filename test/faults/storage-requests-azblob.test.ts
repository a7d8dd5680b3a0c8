/** What networks and stores do to requests of Azure's blob storage: Azurite behind a proxy that misbehaves. */
import { BlobServiceClient, StorageSharedKeyCredential } from '@azure/storage-blob'
import { randomBytes } from 'node:crypto'
import t from 'tap'
import { azureStorage } from '../../src/storage/azblob-storage.ts'
import { storageFaults } from '../contract/backup-storage-faults.ts'
import { faultProxy } from '../support/fault-proxy.ts'
import { leavesNothingBehind } from '../support/leftovers.ts'
import { AZURE_ACCOUNT, haveStore, startAzurite } from '../support/object-stores.ts'

const SECOND_BLOCK = encodeURIComponent(Buffer.from('00000002').toString('base64'))

if (haveStore(t, 'azurite')) t.test('Azure that misbehaves', async (t) => {
  const key = randomBytes(64).toString('base64')
  const server = await startAzurite(key)
  t.teardown(() => server[Symbol.asyncDispose]())
  const proxy = await faultProxy(server.endpoint)
  t.teardown(() => proxy[Symbol.asyncDispose]())
  const service = new BlobServiceClient(server.endpoint, new StorageSharedKeyCredential(AZURE_ACCOUNT, key))
  let containers = 0
  storageFaults(t, {
    proxy,
    async open(policy) {
      const container = `container-${++containers}`
      await service.createContainer(container)
      return azureStorage({
        accountName: AZURE_ACCOUNT, accountKey: () => Promise.resolve(key), endpoint: proxy.endpoint, container, root: '',
        bufferBytes: 5 << 20, parallelism: 2, pageSize: 5, policy,
      })
    },
    says: (answer, word, headers = {}) => ({
      answer, headers: { 'content-type': 'application/xml', 'x-ms-error-code': word, ...headers },
      body: `<?xml version="1.0"?><Error><Code>${word}</Code><Message>from a test</Message></Error>`,
    }),
    nameOf: ({ method, url }) => `${method} ${url}`,
    isSecondPart: ({ method, url }) => method === 'PUT' && url.includes(SECOND_BLOCK),
    isRemoval: ({ method }) => method === 'DELETE',
    words: { expired: [403, 'AuthenticationFailed'], full: [507, 'AccountQuotaExceeded'], denied: [403, 'AuthorizationPermissionMismatch'] },
    pagesFolders: true,
  })
})

leavesNothingBehind(t)
