import { readFile, readdir, open, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { zstdCompressSync } from 'node:zlib'
import t from 'tap'
import { ContentSink, type SinkOptions } from '../../src/engine/content-sink.ts'
import { DecodingPool } from '../../src/engine/decoding-pool.ts'
import { WorkerThreads } from '../../src/engine/worker-threads.ts'
import { TabletError } from '../../src/base/errors.ts'
import { StageCounters } from '../../src/model/stage.ts'
import { canMount, smallFileSystem } from '../support/small-file-system.ts'
import { tempDir } from '../support/temp-dir.ts'
import { content } from './bytes.ts'

const FRAME = 2 << 20
/** In memory of its own, as the pool takes it. */
const frameOf = (data: Buffer): Uint8Array<ArrayBuffer> => new Uint8Array(zstdCompressSync(data))

async function sinkOn(path: string, more: Partial<SinkOptions> = {}): Promise<{ readonly sink: ContentSink } & AsyncDisposable> {
  const handle = await open(path, 'w')
  const sink = new ContentSink({
    handle, path, position: 0, bytes: undefined, holes: false, onBytes: () => undefined, onFailed: () => undefined,
    tooMuch: () => new TabletError('BACKUP_CORRUPT', 'too much'), ...more,
  })
  return { sink, [Symbol.asyncDispose]: () => handle.close() }
}

t.test('frames of every size come to their places, whichever is decoded first, and their bytes are counted', async (t) => {
  await using dir = await tempDir()
  const stages = new StageCounters()
  const path = join(dir.path, 'file')
  let passed = 0
  await using open = await sinkOn(path, { onStage: stages.add, onBytes: (bytes) => { passed += bytes } })
  await using pool = new DecodingPool({ threads: 2, onStage: stages.add })
  const blocks = [0, 1, 99, FRAME, 16_385, FRAME, FRAME - 1, FRAME, FRAME, 7].map((size, seed) => content(size, seed))
  const { sink } = open
  await Promise.all(blocks.map((data) =>
    pool.write({ frame: frameOf(data), contentBytes: data.length, position: sink.take(data.length) }, sink)))
  const all = Buffer.concat(blocks)
  t.ok((await readFile(path)).equals(all))
  t.equal(passed, all.length)
  t.match(stages.times(), { decompress: { bytes: all.length }, write: { bytes: all.length } })
})

t.test('zeros are holes where the file may have them, and only what was written counts as such', async (t) => {
  await using dir = await tempDir()
  const path = join(dir.path, 'file')
  const stages = new StageCounters()
  await using open = await sinkOn(path, { holes: true, onStage: stages.add })
  await using pool = new DecodingPool({ threads: 1 })
  const data = Buffer.concat([content(4096), Buffer.alloc(FRAME - 8192), content(4096, 2)])
  await pool.write({ frame: frameOf(data), contentBytes: data.length, position: open.sink.take(data.length) }, open.sink)
  t.ok((await readFile(path)).equals(data))
  t.equal(stages.times().write?.bytes, 8192)
})

t.test('a frame that is none, or holds more or less than it says, is corrupt, and the next one is decoded', async (t) => {
  await using dir = await tempDir()
  await using open = await sinkOn(join(dir.path, 'file'))
  await using pool = new DecodingPool({ threads: 1 })
  const data = content(100_000)
  const write = (frame: Uint8Array<ArrayBuffer>, contentBytes: number): Promise<void> =>
    pool.write({ frame, contentBytes, position: 0 }, open.sink)
  await t.rejects(write(new Uint8Array(Buffer.from('no frame at all')), 100), { code: 'BACKUP_CORRUPT' })
  await t.rejects(write(frameOf(data), 99_999), { code: 'BACKUP_CORRUPT' })
  await t.rejects(write(frameOf(data), 100_001), { code: 'BACKUP_CORRUPT' })
  await t.resolves(write(frameOf(data), 100_000))
})

t.test('a write that fails says so at once, and why', async (t) => {
  await using dir = await tempDir()
  const path = join(dir.path, 'file')
  await writeFile(path, '')
  await using reading = await open(path, 'r')
  await using pool = new DecodingPool({ threads: 1 })
  const failures: unknown[] = []
  await using other = await sinkOn(join(dir.path, 'other'), { handle: reading, path, bytes: 99, onFailed: (error) => { failures.push(error) } })
  const { sink } = other
  const writing = pool.write({ frame: frameOf(content(100)), contentBytes: 100, position: 0 }, sink)
  await t.rejects(sink.endingFeedOn(writing), { code: 'LOCAL_IO_FAILED', message: /write .*file.*EBADF/ })
  t.match(failures, [{ code: 'LOCAL_IO_FAILED' }])
  t.throws(() => sink.take(100), { code: 'BACKUP_CORRUPT' }, 'and no place is given outside the stretch')
})

t.test('a full file system is NO_SPACE', { skip: await canMount() ? false : 'this process may not mount' }, async (t) => {
  await using dir = await tempDir()
  await using small = await smallFileSystem(join(dir.path, 'small'), '1m')
  await using open = await sinkOn(join(small.path, 'file'))
  await using pool = new DecodingPool({ threads: 1 })
  const data = content(FRAME)
  await t.rejects(pool.write({ frame: frameOf(data), contentBytes: FRAME, position: 0 }, open.sink), { code: 'NO_SPACE', message: /write .*file/ })
})

t.test('no more threads than told, none without work, and none when the pool has ended', async (t) => {
  const threads = async (): Promise<number> => (await readdir('/proc/self/task')).length
  await using dir = await tempDir()
  await using open = await sinkOn(join(dir.path, 'file'))
  const data = content(FRAME)
  const write = (pool: DecodingPool): Promise<void> => pool.write({ frame: frameOf(data), contentBytes: FRAME, position: 0 }, open.sink)
  const before = await threads()
  {
    await using pool = new DecodingPool({ threads: 3 })
    t.equal(await threads(), before)
    await write(pool)
    const one = await threads()
    t.ok(one > before)
    await Promise.all(Array.from({ length: 12 }, () => write(pool)))
    t.equal(await threads() - before, 3 * (one - before))
  }
  t.equal(await threads(), before)
})

t.test('what a thread that ends had been given fails, and what waits when the operation ends fails, too', async (t) => {
  await using dir = await tempDir()
  const path = join(dir.path, 'script.mjs')
  await writeFile(path, `import { parentPort } from 'node:worker_threads'
    parentPort.on('message', (request) => { if (request === 'end') process.exit(0); if (request !== 'hang') parentPort.postMessage(request) })`)
  const failed = (reason: string): TabletError => new TabletError('COMPRESSION_FAILED', reason)
  const pool = new WorkerThreads<unknown, unknown>({ threads: 1, name: 'test', script: pathToFileURL(path), failed })
  t.equal(await pool.run('a', []), 'a')
  await t.rejects(pool.run('end', []), { code: 'COMPRESSION_FAILED', message: /ended/ })
  t.equal(await pool.run('b', []), 'b')
  await t.rejects(pool.run(() => undefined, []), { code: 'COMPRESSION_FAILED' }, 'what cannot be handed over')
  const waiting = ['hang', 'hang', 'c'].map((request) => pool.run(request, []).catch((error: unknown) => (error as TabletError).code))
  await pool[Symbol.asyncDispose]()
  t.same(await Promise.all(waiting), ['COMPRESSION_FAILED', 'COMPRESSION_FAILED', 'COMPRESSION_FAILED'])
})

t.test('a thread that cannot be started fails what it was for, and nothing of it is done later', async (t) => {
  const failed = (reason: string): TabletError => new TabletError('COMPRESSION_FAILED', reason)
  // new Worker throws at once for such a script, as it does at a limit of processes
  await using pool = new WorkerThreads<unknown, unknown>({ threads: 2, name: 'test', script: new URL('http://127.0.0.1/none'), failed })
  await t.rejects(pool.run('a', []), { code: 'COMPRESSION_FAILED' })
  await t.rejects(pool.run('b', []), { code: 'COMPRESSION_FAILED' })
})
