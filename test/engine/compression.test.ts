import { spawnSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { constants, gzipSync, zstdCompressSync } from 'node:zlib'
import t from 'tap'
import { codecForReading, codecForWriting } from '../../src/engine/compression.ts'
import { FRAME_CONTENT_BYTES } from '../../src/engine/zstd-codec.ts'
import { tempDir } from '../support/temp-dir.ts'
import { collect, content, pieces } from './bytes.ts'
import { compressed } from './compressing.ts'
import { decoded } from './decoding.ts'

const NAMES = ['zstd', 'lz4', 'pgzip', 'pargzip'] as const
const write = (engine: string, data: Buffer, enabled = true): Promise<Buffer> =>
  compressed({ engine, enabled, level: 1 }, data)
const read = (engine: string, stored: Buffer, piece = 65_536): Promise<Buffer> =>
  decoded(codecForReading({ CompressionEngine: engine }), stored, piece)

/** Sizes around frames and members; most are no multiple of 16 KiB, with which Node's decoder hides the loss of frames. */
const SIZES = [
  0, 1, 100, 16_384, 100_000, 1 << 20, (1 << 20) + 1, FRAME_CONTENT_BYTES, FRAME_CONTENT_BYTES + 1, 3 * FRAME_CONTENT_BYTES + 4097,
]

for (const engine of NAMES) {
  t.test(`${engine}: what is written is read back whole, for every size`, async (t) => {
    for (const size of SIZES) {
      const data = content(size)
      const stored = await write(engine, data)
      t.ok(stored.length > 0, `${size} bytes are never stored as an object of 0 bytes`)
      for (const piece of [65_537, 1 << 24]) t.ok((await read(engine, stored, piece)).equals(data), `${size} bytes, read in pieces of ${piece}`)
    }
  })

  t.test(`${engine}: a small object is read back in pieces of every size`, async (t) => {
    const data = content(20_001)
    const stored = Buffer.concat([await write(engine, data), await write(engine, data.subarray(0, 300))])
    const expected = Buffer.concat([data, data.subarray(0, 300)])
    for (const piece of [1, 2, 3, 4, 5, 7, 13, 31, 64, 500]) t.ok((await read(engine, stored, piece)).equals(expected), `pieces of ${piece}`)
  })

  t.test(`${engine}: an object of 0 bytes is an empty file`, async (t) => {
    t.equal((await read(engine, Buffer.alloc(0))).length, 0)
  })

  t.test(`${engine}: an object cut off inside its compressed data is corrupt, wherever it ends`, async (t) => {
    const stored = await write(engine, content(3000))
    const seekTable = engine === 'zstd' ? 8 + 8 + 9 : 0
    for (let end = 1; end < stored.length - seekTable; end += 7) {
      await t.rejects(read(engine, stored.subarray(0, end)), { code: 'BACKUP_CORRUPT' }, `cut at ${end}`)
    }
  })

  t.test(`${engine}: what follows the compressed data and is none is corrupt`, async (t) => {
    const stored = await write(engine, content(10_000))
    for (const piece of [1, 1000, stored.length, 1 << 20]) {
      await t.rejects(read(engine, Buffer.concat([stored, Buffer.from('garbage!')]), piece), { code: 'BACKUP_CORRUPT' }, `pieces of ${piece}`)
    }
  })
}

t.test('zstd: objects of one frame, of many and of none of our making are read to the end', async (t) => {
  const data = content(1_300_000)
  const half = 650_003
  const frame = (part: Buffer): Buffer => zstdCompressSync(part, { params: { [constants.ZSTD_c_checksumFlag]: 1 } })
  const skippable = Buffer.concat([Buffer.from('5d2a4d18', 'hex').fill(0x50, 0, 1), Buffer.from([5, 0, 0, 0]), Buffer.from('12345')])
  const cases: readonly (readonly [string, Buffer])[] = [
    ['one frame', frame(data)],
    ['two frames', Buffer.concat([frame(data.subarray(0, half)), frame(data.subarray(half))])],
    ['empty frames between', Buffer.concat([frame(data.subarray(0, half)), frame(Buffer.alloc(0)), frame(data.subarray(half)), frame(Buffer.alloc(0))])],
    ['skippable frames around', Buffer.concat([skippable, frame(data.subarray(0, half)), skippable, frame(data.subarray(half)), skippable])],
  ]
  for (const [title, stored] of cases) {
    for (const piece of [9999, 1 << 20]) t.ok((await read('zstd', stored, piece)).equals(data), `${title}, pieces of ${piece}`)
  }
})

t.test('zstd: frames of the zstd program, too large to be held or without their size, are streamed and all read', async (t) => {
  await using dir = await tempDir()
  const data = content(12_000_003)
  await writeFile(join(dir.path, 'in'), data)
  for (const args of [['-1', '-T2'], ['-1', '--no-content-size'], ['-1', '--no-check', '-B300000']]) {
    const stored = spawnSync('zstd', [...args, '-q', '-c', join(dir.path, 'in')], { maxBuffer: 1 << 28 }).stdout
    t.ok((await read('zstd', stored)).equals(data), args.join(' '))
    t.ok((await read('zstd', Buffer.concat([stored, stored]))).equals(Buffer.concat([data, data])), `${args.join(' ')}, twice`)
    await t.rejects(read('zstd', stored.subarray(0, stored.length - 1)), { code: 'BACKUP_CORRUPT' }, 'one byte short')
  }
  const streamed = spawnSync('zstd', ['-1', '-q', '-c'], { input: data, maxBuffer: 1 << 28 }).stdout
  t.ok((await read('zstd', streamed)).equals(data), 'from standard input, without a content size')
})

t.test('zstd: a flipped bit anywhere in the frames is caught by the decoder', async (t) => {
  const data = content(1500)
  const stored = await write('zstd', data)
  const framesEnd = stored.length - (8 + 8 + 9)
  const wrong: number[] = []
  let caught = 0
  for (let at = 0; at < framesEnd; at++) {
    const damaged = Buffer.from(stored)
    damaged[at] = (damaged[at] ?? 0) ^ 0x10
    const result = await read('zstd', damaged).then((out) => out.equals(data) ? 'same' : 'different', (error: { code: string }) => error.code)
    if (result === 'different') wrong.push(at)
    if (result === 'BACKUP_CORRUPT') caught += 1
  }
  // a bit of the header that no decoder uses may change without changing the data; wrong data must never come out
  t.same(wrong, [], 'wrong data never come out')
  t.ok(caught > framesEnd - 10, `${caught} of ${framesEnd} flipped bits are errors`)
})

t.test('zstd: the zstd program accepts every object and decodes the same bytes', async (t) => {
  await using dir = await tempDir()
  for (const size of SIZES) {
    const data = content(size)
    const path = join(dir.path, `${size}.zst`)
    await writeFile(path, await write('zstd', data))
    t.equal(spawnSync('zstd', ['-q', '-t', path]).status, 0, `zstd -t, ${size} bytes`)
    t.ok(spawnSync('zstd', ['-q', '-d', '-c', path], { maxBuffer: 1 << 28 }).stdout.equals(data), `zstd -d, ${size} bytes`)
  }
})

t.test('zstd: the seek table at the end lists every frame with its two sizes', async (t) => {
  for (const size of [0, 1, FRAME_CONTENT_BYTES, 2 * FRAME_CONTENT_BYTES + 4097]) {
    const data = content(size)
    const stored = await write('zstd', data)
    t.equal(stored.readUInt32LE(stored.length - 4), 0x8f92eab1, 'the seekable magic number ends the object')
    t.equal(stored.readUInt8(stored.length - 5), 0, 'no checksums in the table')
    const frames = stored.readUInt32LE(stored.length - 9)
    t.equal(frames, Math.max(1, Math.ceil(size / FRAME_CONTENT_BYTES)), 'frames')
    const table = stored.length - 9 - frames * 8
    t.equal(stored.readUInt32LE(table - 8), 0x184d2a5e, 'skippable frame')
    t.equal(stored.readUInt32LE(table - 4), frames * 8 + 9, 'its length')
    let storedAt = 0
    let contentAt = 0
    for (let frame = 0; frame < frames; frame++) {
      const storedSize = stored.readUInt32LE(table + frame * 8)
      const contentSize = stored.readUInt32LE(table + frame * 8 + 4)
      const slice = stored.subarray(storedAt, storedAt + storedSize)
      t.ok((await read('zstd', slice)).equals(data.subarray(contentAt, contentAt + contentSize)), `frame ${frame} alone`)
      storedAt += storedSize
      contentAt += contentSize
    }
    t.equal(storedAt, table - 8, 'the frames end where the table begins')
    t.equal(contentAt, size, 'and hold all bytes')
  }
})

t.test('zstd: reserved bits, a dictionary and unknown magic numbers are refused', async (t) => {
  const frame = zstdCompressSync(content(1000))
  const withDescriptor = (bits: number): Buffer => { const copy = Buffer.from(frame); copy[4] = (copy[4] ?? 0) | bits; return copy }
  await t.rejects(read('zstd', withDescriptor(0x08)), { code: 'BACKUP_CORRUPT' }, 'reserved bit')
  await t.rejects(read('zstd', withDescriptor(0x01)), { code: 'COMPRESSION_UNSUPPORTED' }, 'dictionary')
  await t.rejects(read('zstd', gzipSync('x')), { code: 'BACKUP_CORRUPT' }, 'gzip under the name zstd')
  await t.rejects(read('zstd', Buffer.from('5e2a4d18ffffffff00', 'hex')), { code: 'BACKUP_CORRUPT' }, 'a skippable frame longer than the object')
})

t.test('gzip: several members, padding with zeros, and nothing else behind them', async (t) => {
  const data = content(30_000)
  const members = Buffer.concat([gzipSync(data.subarray(0, 14_999)), gzipSync(Buffer.alloc(0)), gzipSync(data.subarray(14_999))])
  for (const piece of [1, 777, 65_536, 1 << 20]) {
    t.ok((await read('pgzip', members, piece)).equals(data), `members, pieces of ${piece}`)
    t.ok((await read('pgzip', Buffer.concat([members, Buffer.alloc(5000)]), piece)).equals(data), `padding, pieces of ${piece}`)
    await t.rejects(read('pgzip', Buffer.concat([members, Buffer.alloc(50), gzipSync('lost')]), piece), { code: 'BACKUP_CORRUPT' }, `a member behind padding, pieces of ${piece}`)
  }
})

t.test('gzip: gunzip reads what is written', async (t) => {
  const data = content(3_500_001)
  const out = spawnSync('gzip', ['-d', '-c'], { input: await write('pargzip', data), maxBuffer: 1 << 28 })
  t.equal(out.status, 0)
  t.ok(out.stdout.equals(data))
})

t.test('stored without compression, the bytes are the file, and the name is kept for the MANIFEST', async (t) => {
  const data = content(12_345)
  t.ok((await write('zstd', data, false)).equals(data))
  t.ok((await collect(codecForReading({ CompressionEngine: 'lz4', SkipCompress: true }).decompress(pieces(data, 1000)))).equals(data))
})

t.test('a MANIFEST that names no compression means gzip, as before 2021', async (t) => {
  const data = content(5000)
  t.ok((await collect(codecForReading({}).decompress(pieces(gzipSync(data), 100)))).equals(data))
  t.ok((await collect(codecForReading({ CompressionEngine: '' }).decompress(pieces(gzipSync(data), 100)))).equals(data))
})

t.test('names this version does not know are refused, reading and writing', async (t) => {
  // a command that is not set is the host's fault, and condemns no backup
  t.throws(() => codecForReading({ CompressionEngine: 'external' }), { code: 'EXTERNAL_COMMAND_FAILED' }, 'reading external')
  t.throws(() => codecForWriting({ engine: 'external', enabled: true, level: 1 }), { code: 'COMPRESSION_UNSUPPORTED' }, 'writing external')
  for (const engine of ['brotli', 'constructor', '__proto__']) {
    t.throws(() => codecForReading({ CompressionEngine: engine }), { code: 'COMPRESSION_UNSUPPORTED' }, `reading ${engine}`)
    t.throws(() => codecForWriting({ engine, enabled: true, level: 1 }), { code: 'COMPRESSION_UNSUPPORTED' }, `writing ${engine}`)
  }
})

t.test('a reader that stops early lets go of its source', async (t) => {
  for (const engine of NAMES) {
    const stored = await write(engine, content(9_000_000))
    let released = false
    const source = (async function* () {
      try { yield* pieces(stored, 50_000) } finally { released = true }
    })()
    for await (const chunk of codecForReading({ CompressionEngine: engine }).decompress(source)) {
      if (chunk.length > 0) break
    }
    t.ok(released, engine)
  }
})

t.test('an error of the source comes through as it is', async (t) => {
  const broken = new Error('line cut')
  for (const engine of NAMES) {
    const stored = await write(engine, content(300_000))
    const source = (async function* () {
      yield stored.subarray(0, 5000)
      throw broken
    })()
    await t.rejects(collect(codecForReading({ CompressionEngine: engine }).decompress(source)), { message: /line cut/ }, engine)
  }
})
