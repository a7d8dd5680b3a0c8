import { open, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pino } from 'pino'
import t from 'tap'
import { DecodingPool } from '../../src/engine/decoding-pool.ts'
import { receiveStretch } from '../../src/engine/receive-stretch.ts'
import { Room } from '../../src/engine/room.ts'
import type { ReadableBackup } from '../../src/storage/backup-storage.ts'
import { tempDir } from '../support/temp-dir.ts'

t.test('a write that fails ends a read that stands still, though the codec waits for it', async (t) => {
  await using dir = await tempDir()
  const path = join(dir.path, 'file')
  await writeFile(path, '')
  await using handle = await open(path, 'r')   // every write fails
  const from = {
    readFile: async (_object: string, _range: object, { signal }: { readonly signal: AbortSignal }) => {
      const stream = new Readable({ read: () => undefined })   // never a byte
      signal.addEventListener('abort', () => { stream.destroy(signal.reason as Error) })
      return await Promise.resolve(stream)
    },
  } as unknown as ReadableBackup
  const codec = {
    decompress: async function* (source: AsyncIterable<Uint8Array>) {
      const ahead = source[Symbol.asyncIterator]().next().then(() => 'read', () => 'ended')
      try { yield Buffer.from('x') } finally { await ahead }
    },
  }
  await using pool = new DecodingPool()
  const target = { handle, path, offset: 0, holes: false }
  const stretch = { start: 0, end: undefined, offset: 0, bytes: undefined }
  const ctx = { signal: new AbortController().signal, log: pino({ level: 'silent' }) }
  const receiving = receiveStretch({ object: '0', from, codec, target, onBytes: () => undefined, requests: new Room(1), pool }, stretch, ctx)
  await t.rejects(receiving, { code: 'LOCAL_IO_FAILED' })
})
