import { open, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { pino } from 'pino'
import t from 'tap'
import type { ActionContext } from '../../src/base/action.ts'
import { TabletError } from '../../src/base/errors.ts'
import { BlockBudget } from '../../src/engine/block-budget.ts'
import type { BytesListener } from '../../src/engine/checksum.ts'
import { CompressionPool } from '../../src/engine/compression-pool.ts'
import { codecForReading, codecForWriting } from '../../src/engine/compression.ts'
import { sendFile, type OutgoingFile, type SentFile } from '../../src/engine/send-file.ts'
import { FRAME_CONTENT_BYTES } from '../../src/engine/zstd-codec.ts'
import type { WritableBackup } from '../../src/storage/backup-storage.ts'
import { tempDir } from '../support/temp-dir.ts'
import { collect, content, pieces } from './bytes.ts'
import { THREADS } from './compressing.ts'

const log = pino({ level: 'silent' })
const ctx: ActionContext = { log, signal: new AbortController().signal }
const codec = codecForWriting({ engine: 'zstd', enabled: true, level: 1 })

type Take = (chunk: Uint8Array, file: string) => void | Promise<void>

/** A storage that does with each chunk what `take` does. */
function storageThat(take: Take): WritableBackup {
  const unused = (): never => { throw new Error('not of this test') }
  return {
    shard: { keyspace: 'k', shard: '0' }, name: 'b', confirmFiles: unused, writeManifest: unused, asReadable: unused, abort: unused,
    async writeFile(file, source) {
      let bytes = 0
      for await (const chunk of source) {
        await take(chunk, file)
        bytes += chunk.length
      }
      return { file, bytes }
    },
  }
}

interface Sender extends AsyncDisposable {
  readonly budget: BlockBudget
  readonly pool: CompressionPool
  /** Sends `data` as one file of its own share. */
  send(object: string, data: Uint8Array, into: WritableBackup, onBytes?: BytesListener, by?: ActionContext): Promise<SentFile>
}

async function sender(): Promise<Sender> {
  const dir = await tempDir()
  const pool = new CompressionPool({ threads: THREADS, blockBytes: codec.blockBytes })
  const budget = new BlockBudget(THREADS)
  return {
    budget, pool,
    async send(object, data, into, onBytes = () => undefined, by = ctx) {
      const path = join(dir.path, object)
      await writeFile(path, data)
      using share = budget.open()
      const file: OutgoingFile = { path, object, into, codec, work: { share, pool }, onBytes }
      return await sendFile(file, by)
    },
    async [Symbol.asyncDispose]() {
      await pool[Symbol.asyncDispose]()
      await dir[Symbol.asyncDispose]()
    },
  }
}

t.test('what is stored has the hash and the sizes that are told, and reads back as the file', async (t) => {
  await using it = await sender()
  for (const size of [0, 1, FRAME_CONTENT_BYTES, 3 * FRAME_CONTENT_BYTES + 4097]) {
    const data = content(size)
    const chunks: Uint8Array[] = []
    const sent = await it.send('0', data, storageThat((chunk) => { chunks.push(chunk) }))
    const stored = Buffer.concat(chunks)
    t.match(sent, { hash: crc32(stored).toString(16).padStart(8, '0'), size, storedSize: stored.length }, `${size} bytes`)
    t.ok((await collect(codecForReading({ CompressionEngine: 'zstd' }).decompress(pieces(stored, 1 << 20)))).equals(data))
  }
})

t.test('a slow storage stops the reader: no more blocks are in flight than the share allows, over all files', async (t) => {
  await using it = await sender()
  const data = Buffer.alloc(20 * FRAME_CONTENT_BYTES, 'a table')
  for (const files of [1, 3]) {
    let inFlight = 0
    let most = 0
    const read = (bytes: number): void => {
      inFlight += bytes / FRAME_CONTENT_BYTES
      most = Math.max(most, inFlight)
    }
    let frames = 0
    const taken: Take = async () => {
      await new Promise((resolve) => setImmediate(resolve))   // as long as this takes, nothing more may be read than there is room for
      if (frames++ < files * 20) inFlight -= 1
    }
    await Promise.all(Array.from({ length: files }, (_, file) => it.send(String(file), data, storageThat(taken), read)))
    t.ok(most <= 2 * THREADS + files, `${files} files: ${most} blocks in flight`)
    t.ok(most >= THREADS, 'and the threads had work')
  }
})

t.test('a storage that stands still is read for no further', async (t) => {
  await using it = await sender()
  const blocks = 20
  const first = Promise.withResolvers<undefined>()
  const goOn = Promise.withResolvers<undefined>()
  let read = 0
  const standing = storageThat(async () => { first.resolve(undefined); await goOn.promise })
  const sending = it.send('0', Buffer.alloc(blocks * FRAME_CONTENT_BYTES, 'x'), standing, (bytes) => { read += bytes })
  await first.promise
  const readThen = read
  const probe = await it.send('1', content(5 * FRAME_CONTENT_BYTES), storageThat(() => undefined))
  t.equal(probe.size, 5 * FRAME_CONTENT_BYTES, 'another file passes meanwhile')
  t.equal(read, readThen, 'nothing more of the first one was read')
  t.ok(read <= (2 * THREADS + 1) * FRAME_CONTENT_BYTES, `${read} bytes read`)
  goOn.resolve(undefined)
  t.equal((await sending).size, blocks * FRAME_CONTENT_BYTES)
})

t.test('when one file fails nothing of it is running, and its blocks are free for others', async (t) => {
  await using it = await sender()
  const data = content(12 * FRAME_CONTENT_BYTES)
  for (const [title, into] of [
    ['a write that fails', storageThat(() => { throw new TabletError('STORAGE_FAILED', 'the line was cut') })],
    ['a storage that fails without letting go of the source', {
      ...storageThat(() => undefined),
      writeFile: async (_file: string, source: AsyncIterable<Uint8Array>): Promise<never> => {
        await source[Symbol.asyncIterator]().next()
        throw new TabletError('STORAGE_FAILED', 'the line was cut')
      },
    }],
  ] as const) {
    let read = 0
    await t.rejects(it.send('0', data, into, (bytes) => { read += bytes }), { code: 'STORAGE_FAILED' }, title)
    const readThen = read
    using alone = it.budget.open()
    let free = 0
    while (alone.tryTake()) free += 1
    t.equal(free, 2 * THREADS + 1, 'all blocks are free')
    t.equal((await it.send('1', content(3), storageThat(() => undefined))).size, 3, 'the threads are at work for others')
    t.equal(read, readThen, 'and nothing is read any more')
  }
})

t.test('an abort ends it within a moment, with the reason', async (t) => {
  await using it = await sender()
  const stop = new AbortController()
  let read = 0
  const sending = it.send('0', content(40 * FRAME_CONTENT_BYTES), storageThat(() => undefined), (bytes) => {
    read += bytes
    if (read >= 5 * FRAME_CONTENT_BYTES) stop.abort(new TabletError('OPERATION_CANCELLED', 'enough'))
  }, { log, signal: stop.signal })
  await t.rejects(sending, { code: 'OPERATION_CANCELLED' })
  t.equal(read, 5 * FRAME_CONTENT_BYTES, 'no block is read after it')
})

t.test('a file that shrinks while it is read has changed', async (t) => {
  await using it = await sender()
  await using dir = await tempDir()
  const path = join(dir.path, 'shrinking')
  await writeFile(path, Buffer.alloc(30 * FRAME_CONTENT_BYTES, 'x'))
  using share = it.budget.open()
  let cut = false
  const take: Take = async () => {
    if (cut) return
    cut = true
    const file = await open(path, 'r+')
    await file.truncate(10)
    await file.close()
  }
  const sending = sendFile({ path, object: '0', into: storageThat(take), codec, work: { share, pool: it.pool }, onBytes: () => undefined }, ctx)
  await t.rejects(sending, { code: 'FILE_CHANGED', message: /shrank/ })
  await rm(path)
  await t.rejects(sendFile({ path, object: '0', into: storageThat(take), codec, work: { share, pool: it.pool }, onBytes: () => undefined }, ctx),
    { code: 'LOCAL_IO_FAILED' })
})
