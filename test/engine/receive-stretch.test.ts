import { open, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { constants, zstdCompressSync } from 'node:zlib'
import { pino } from 'pino'
import t from 'tap'
import { TabletError } from '../../src/base/errors.ts'
import { codecForReading } from '../../src/engine/compression.ts'
import { DecodingPool } from '../../src/engine/decoding-pool.ts'
import { receiveStretch } from '../../src/engine/receive-stretch.ts'
import { Room } from '../../src/base/room.ts'
import type { ReadableBackup } from '../../src/storage/backup-storage.ts'
import { tempDir } from '../support/temp-dir.ts'
import { content } from './bytes.ts'

const ctx = { signal: new AbortController().signal, log: pino({ level: 'silent' }) }
const stretch = { start: 0, end: undefined, offset: 0, bytes: undefined }

/** A storage that gives `first` and then stands still, until its signal ends it. */
const stalling = (first: Uint8Array): ReadableBackup => ({
  readFile: async (_object: string, _range: object, { signal }: { readonly signal: AbortSignal }) => {
    const stream = new Readable({ read: () => undefined })
    stream.push(first)
    signal.addEventListener('abort', () => { stream.destroy(signal.reason as Error) })
    return await Promise.resolve(stream)
  },
} as unknown as ReadableBackup)

const WITH_CHECKSUM = { params: { [constants.ZSTD_c_checksumFlag]: 1 } }
const FRAMES = Buffer.concat(Array.from({ length: 9 }, (_, seed) => zstdCompressSync(content(2 << 20, seed), WITH_CHECKSUM)))

t.test('a thread that cannot write, or decode, ends a read that stands still, and says why', async (t) => {
  await using dir = await tempDir()
  const path = join(dir.path, 'file')
  await writeFile(path, '')
  await using pool = new DecodingPool({ threads: 2 })
  const codec = codecForReading({ CompressionEngine: 'zstd' })
  const damaged = Buffer.from(FRAMES)
  damaged.fill(0x55, 1000, 2000)
  for (const [flags, stored, code] of [['r', FRAMES, 'LOCAL_IO_FAILED'], ['r+', damaged, 'BACKUP_CORRUPT']] as const) {
    await using handle = await open(path, flags)
    const target = { handle, path, offset: 0, holes: false }
    const receiving = { object: '0', from: stalling(stored), codec, target, onBytes: () => undefined, requests: new Room(1), pool }
    await t.rejects(receiveStretch(receiving, stretch, ctx), { code })
  }
  await writeFile(path, '')
  const more = await open(path, 'r+')
  const target = { handle: more, path, offset: 0, holes: false }
  const small = { object: '0', from: stalling(FRAMES), codec, target, onBytes: () => undefined, requests: new Room(1), pool }
  await t.rejects(receiveStretch(small, { ...stretch, bytes: 5 << 20 }, ctx), { code: 'BACKUP_CORRUPT', message: /more than 5242880/ })
  await more.close()
  t.ok((await stat(path)).size <= 5 << 20, 'nothing is written outside the stretch')
})

t.test('cancelled while frames are on their way, it waits for those, and no more is written afterwards', async (t) => {
  await using dir = await tempDir()
  const path = join(dir.path, 'file')
  await using pool = new DecodingPool({ threads: 1 })
  await using handle = await open(path, 'w')
  const cancel = new AbortController()
  let passed = 0
  const onBytes = (bytes: number): void => {
    passed += bytes
    cancel.abort(new TabletError('OPERATION_CANCELLED', 'cancelled'))
  }
  const codec = codecForReading({ CompressionEngine: 'zstd' })
  const target = { handle, path, offset: 0, holes: false }
  const what = { object: '0', from: stalling(FRAMES), codec, target, onBytes, requests: new Room(1), pool }
  const receiving = receiveStretch(what, stretch, { ...ctx, signal: cancel.signal })
  await t.rejects(receiving, { code: 'OPERATION_CANCELLED' })
  const then = passed
  await pool.room.take(1 << 30)   // all of it: nothing is in flight
  t.equal(passed, then)
})

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
  const receiving = receiveStretch({ object: '0', from, codec, target, onBytes: () => undefined, requests: new Room(1), pool }, stretch, ctx)
  await t.rejects(receiving, { code: 'LOCAL_IO_FAILED' })
})
