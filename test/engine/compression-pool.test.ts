import { readFile, readdir, writeFile } from 'node:fs/promises'
import { getPriority } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import t from 'tap'
import type { BlockFormat } from '../../src/engine/compress-block.ts'
import { CompressionPool, type Block } from '../../src/engine/compression-pool.ts'
import type { Stage } from '../../src/model/stage.ts'
import { tempDir } from '../support/temp-dir.ts'
import { content } from './bytes.ts'

const BLOCK = 1 << 20
const ZSTD: BlockFormat = { kind: 'zstd', level: 1 }
const GZIP: BlockFormat = { kind: 'gzip', level: 1 }

function blockOf(pool: CompressionPool, bytes: Uint8Array): Block {
  const block = pool.block(bytes.length)
  block.set(bytes)
  return block
}

t.test('blocks of every kind and size come back as frames, each the one that was asked for', async (t) => {
  for (const [format, decode] of [[ZSTD, zstdDecompressSync], [GZIP, gunzipSync]] as const) {
    await using pool = new CompressionPool({ threads: 2, blockBytes: BLOCK })
    const blocks = [0, 1, 99, BLOCK - 1, BLOCK, 5, BLOCK, BLOCK, 1234, BLOCK, BLOCK].map((size, seed) => content(size, seed))
    const frames = await Promise.all(blocks.map((bytes) => pool.compress(blockOf(pool, bytes), format)))
    for (const [index, frame] of frames.entries()) t.ok(decode(frame).equals(blocks[index] as Buffer), `${format.kind}, ${frame.length} bytes`)
    // and again, in memory that has been round
    const again = content(BLOCK, 77)
    t.ok(decode(await pool.compress(blockOf(pool, again), format)).equals(again), `${format.kind}, again`)
    const short = content(1000, 78)
    t.ok(decode(await pool.compress(blockOf(pool, short), format)).equals(short), `${format.kind}, a short one in long memory`)
  }
})

t.test('zeros are compressed once for each size, and what only looks like zeros is no zeros', async (t) => {
  const worked: number[] = []
  const onStage = (stage: Stage, bytes: number, seconds: number): void => { if (stage === 'compress' && seconds > 0) worked.push(bytes) }
  await using pool = new CompressionPool({ threads: 2, blockBytes: BLOCK, onStage })
  for (const size of [BLOCK, 1, 4096]) {
    const frames = await Promise.all([1, 2, 3, 4].map(() => pool.compress(blockOf(pool, Buffer.alloc(size)), ZSTD)))
    for (const frame of frames) t.ok(zstdDecompressSync(frame).equals(Buffer.alloc(size)), `${size} zeros`)
    t.ok(frames.every((frame) => frame.buffer.byteLength < 1000), 'kept in little memory')
  }
  t.same(worked, [BLOCK, 1, 4096])
  const ones = Buffer.alloc(4096, 1)
  t.ok(zstdDecompressSync(await pool.compress(blockOf(pool, ones), ZSTD)).equals(ones), 'a constant that is not zero')
  for (const at of [0, 1, 4094, 4095]) {
    const almost = Buffer.alloc(4096)
    almost[at] = 1
    t.ok(zstdDecompressSync(await pool.compress(blockOf(pool, almost), ZSTD)).equals(almost), `a one at ${at}`)
  }
})

/** The niceness of each thread of this process: field 19 of proc_pid_stat(5). */
async function threadNicenesses(): Promise<readonly number[]> {
  const stats = await Promise.all((await readdir('/proc/self/task')).map((id) => readFile(`/proc/self/task/${id}/stat`, 'utf8').catch(() => '')))
  return stats.filter((stat) => stat !== '').map((stat) => Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16]))
}

t.test('as many threads as told, at a lower priority than the others, and none when the pool has ended', { skip: getPriority() >= 10 }, async (t) => {
  const nice = async (): Promise<number> => (await threadNicenesses()).filter((niceness) => niceness === 10).length
  const before = await nice()
  {
    await using pool = new CompressionPool({ threads: 3, blockBytes: BLOCK })
    t.equal(await nice(), before, 'none as long as there is no block')
    await pool.compress(blockOf(pool, content(BLOCK)), ZSTD)
    t.equal(await nice(), before + 1, 'one for one')
    await Promise.all(Array.from({ length: 12 }, (_, seed) => pool.compress(blockOf(pool, content(BLOCK, seed)), ZSTD)))
    t.equal(await nice(), before + 3)
    t.equal(getPriority(), 0, 'this thread is as it was')
  }
  t.equal(await nice(), before)
})

const DEATHS: readonly (readonly [title: string, script: string])[] = [
  ['throws', 'parentPort.on("message", ({ block }) => { if (block[0] === 13) throw new Error("unlucky"); answer(block) })'],
  ['exits', 'parentPort.on("message", ({ block }) => { if (block[0] === 13) process.exit(0); answer(block) })'],
  ['runs out of memory', 'parentPort.on("message", ({ block }) => { if (block[0] === 13) { const all = []; for (;;) all.push(new Array(1e5).fill(all.length + 0.5)) } answer(block) })'],
]

t.test('a thread that ends fails what it had, and the others and its successor work on', async (t) => {
  await using dir = await tempDir()
  for (const [title, script] of DEATHS) {
    const path = join(dir.path, `${title.replaceAll(' ', '-')}.mjs`)
    await writeFile(path, `import { parentPort } from 'node:worker_threads'
      const answer = (block) => parentPort.postMessage({ frame: block.slice(), memory: block.buffer, seconds: 0.1 })
      ${script}`)
    await using pool = new CompressionPool({ threads: 1, blockBytes: BLOCK, script: pathToFileURL(path) })
    const give = (first: number): Promise<Uint8Array> => pool.compress(blockOf(pool, Buffer.alloc(100, first)), ZSTD)
    t.equal((await give(1))[0], 1, title)
    const results = await Promise.allSettled([give(2), give(13), give(3), give(4), give(5)])
    const [before, lost, behind, ...later] = results
    t.match(before, { status: 'fulfilled' }, 'what was done before it')
    t.match(lost, { status: 'rejected', reason: { code: 'COMPRESSION_FAILED' } }, 'the block at fault')
    t.match(behind, { status: 'rejected', reason: { code: 'COMPRESSION_FAILED' } }, 'the one that it had been given already')
    for (const result of later) t.match(result, { status: 'fulfilled' }, 'those that waited')
  }
})

t.test('a block that no thread can be given fails alone, and the others get their own frames', async (t) => {
  await using pool = new CompressionPool({ threads: 1, blockBytes: BLOCK })
  const gone = blockOf(pool, content(100))
  const given = [content(1000, 1), content(1000, 2), content(1000, 3)]
  const [first, second, third] = given.map((bytes) => blockOf(pool, bytes)) as [Block, Block, Block]
  const asked = [pool.compress(first, ZSTD), pool.compress(second, ZSTD), pool.compress(gone, ZSTD), pool.compress(third, ZSTD)]
  structuredClone(gone.buffer, { transfer: [gone.buffer] })   // while it waits: a detached buffer cannot be sent
  const [a, b, lost, c] = await Promise.allSettled(asked)
  t.match(lost, { status: 'rejected', reason: { code: 'COMPRESSION_FAILED' } })
  for (const [index, result] of [a, b, c].entries()) {
    t.ok(result?.status === 'fulfilled' && zstdDecompressSync(result.value).equals(given[index] as Buffer), `frame ${index}`)
  }
})

t.test('a script that cannot be run fails every block and hangs none', async (t) => {
  await using pool = new CompressionPool({ threads: 2, blockBytes: BLOCK, script: pathToFileURL('/nowhere/worker.mjs') })
  const results = await Promise.allSettled([1, 2, 3, 4, 5, 6, 7].map((seed) => pool.compress(blockOf(pool, content(100, seed)), ZSTD)))
  for (const result of results) t.match(result, { status: 'rejected', reason: { code: 'COMPRESSION_FAILED' } })
})

t.test('what is still asked for when the pool ends is refused', async (t) => {
  const pool = new CompressionPool({ threads: 1, blockBytes: BLOCK })
  const asked = Array.from({ length: 6 }, (_, seed) => pool.compress(blockOf(pool, content(BLOCK, seed)), ZSTD))
  const settled = Promise.allSettled(asked)
  await pool[Symbol.asyncDispose]()
  const results = await settled
  t.match(results.at(-1), { status: 'rejected', reason: { code: 'COMPRESSION_FAILED' } })
  t.equal(results.length, 6, 'and none hangs')
})
