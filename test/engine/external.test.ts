/** Compression by commands of the operator's: real programs, and what they do wrong. */
import { writeFile, chmod, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import t from 'tap'
import { TabletError, messageOf } from '../../src/base/errors.ts'
import { codecForReading, requireReadable, type Compression, type Decompression } from '../../src/engine/compression.ts'
import { throughProgram } from '../../src/engine/filter-program.ts'
import { proveCompression } from '../../src/engine/prove-compression.ts'
import { tempDir } from '../support/temp-dir.ts'
import { waitFor } from '../support/wait-for.ts'
import { collect, content, pieces } from './bytes.ts'
import { compressed } from './compressing.ts'

const MIB = 1 << 20
const by = (externalCompressor: string, engine = 'external'): Compression => ({ engine, enabled: true, level: 1, externalCompressor })
const reader = (externalDecompressor: string): Decompression => ({ externalDecompressor, useManifest: false })
const read = (stored: Buffer, command: string, piece = 65_536): Promise<Buffer> =>
  collect(codecForReading({ CompressionEngine: 'external' }, reader(command)).decompress(pieces(stored, piece)))
const quoted = (script: string): string => `sh -c '${script}'`

const PROGRAMS = [['zstd -1 -c', 'zstd -d -c'], ['lz4 -c', 'lz4 -d -c'], ['gzip -1 -c', 'gzip -d -c'], ['cat', 'cat']] as const

t.test('what a command writes, its counterpart reads back, for every size', async (t) => {
  for (const [compressor, decompressor] of PROGRAMS) {
    for (const size of [0, 1, 65_535, MIB - 1, MIB, MIB + 1, 5 * MIB + 4097]) {
      const data = content(size)
      t.ok((await read(await compressed(by(compressor), data), decompressor)).equals(data), `${compressor}, ${size} bytes`)
    }
  }
})

t.test('a command under the name of an engine writes what that engine reads, as Vitess has it', async (t) => {
  const data = content(3 * MIB + 17)
  for (const [engine, compressor] of [['pgzip', 'gzip -c'], ['zstd', 'zstd -c'], ['lz4', 'lz4 -9 -c']] as const) {
    const stored = await compressed(by(compressor, engine), data)
    const builtin = codecForReading({ CompressionEngine: engine }, reader('false'))
    t.ok((await collect(builtin.decompress(pieces(stored, 100_000)))).equals(data), `${engine}, which needs no command for reading`)
  }
})

t.test('an object of 0 bytes is an empty file, and runs no command', async (t) => {
  t.equal((await read(Buffer.alloc(0), 'false')).length, 0)
})

t.test('an object cut off or changed is refused by the command, with its own words', async (t) => {
  const stored = await compressed(by('zstd --check -c'), content(100_000))
  await t.rejects(read(stored.subarray(0, -5), 'zstd -d -c'), { code: 'EXTERNAL_COMMAND_FAILED', message: /zstd failed: exit status 1; it said: .*(?:premature|end)/i })
  const damaged = Buffer.from(stored)
  damaged[5000] = (damaged[5000] ?? 0) ^ 1
  await t.rejects(read(damaged, 'zstd -d -c'), { code: 'EXTERNAL_COMMAND_FAILED' })
  await t.rejects(read(content(9 * MIB), quoted('head -c 10')), { code: 'EXTERNAL_COMMAND_FAILED' }, 'a command that stops reading')
})

t.test('a compressor that fails, stops reading, makes nothing or is killed fails the file', async (t) => {
  const data = content(9 * MIB)
  const cases = [
    [quoted('cat; echo no license >&2; exit 3'), /sh failed: exit status 3; it said: no license$/],
    [quoted('head -c 100'), /it left before it had read everything$/],
    [quoted('cat > /dev/null'), /it made nothing of \d+ bytes$/],
    [quoted('kill -9 $$'), /killed by SIGKILL/],
    ['/no/such/program -c', /cannot run \/no\/such\/program/],
    ['no-such-program-in-path', /no directory of PATH has such a program/],
    ['/etc/passwd', /it is no program/],
  ] as const
  for (const [command, message] of cases) await t.rejects(compressed(by(command), data), { code: 'EXTERNAL_COMMAND_FAILED', message }, command)
})

t.test('a decompressor that is missing or killed is not the backup\'s fault', async (t) => {
  for (const command of ['no-such-program-in-path', quoted('kill -9 $$')]) {
    await t.rejects(read(content(100), command), { code: 'EXTERNAL_COMMAND_FAILED' }, command)
  }
})

t.test('only the end of a long complaint is kept, in one line', async (t) => {
  const message = await read(content(10), quoted('seq 1 200000 >&2; exit 1')).then(() => 'none', messageOf)
  t.match(message, /199999 200000$/)
  t.ok(message.length < 1200)
})

t.test('what the source throws comes through, and the command is not taken at its word', async (t) => {
  const broken = new TabletError('STORAGE_UNREACHABLE', 'line cut')
  const source = async function* (): AsyncGenerator<Buffer, void, undefined> {
    yield content(1000)
    throw broken
  }
  const out = collect(throughProgram({ program: 'cat', arguments: [] }, source()))
  await t.rejects(out, { code: 'STORAGE_UNREACHABLE', message: 'line cut' })
})

/** A command that writes its pid and that of a child into `file`, then neither reads nor ends. */
const hanging = (file: string): string => quoted(`sleep 1000 & echo $$ $! > ${file}; wait`)
const isRunning = async (pid: string): Promise<boolean> =>
  await readFile(`/proc/${pid}/stat`, 'utf8').then((stat) => !/\) [ZX] /.test(stat), () => false)

async function pidsIn(file: string): Promise<readonly string[]> {
  return (await waitFor('the command to run', async () => {
    const pids = (await readFile(file, 'utf8').catch(() => '')).trim().split(' ')
    return pids.length === 2 ? pids : undefined
  }))
}

t.test('a command that hangs ends with the cancel, and all that it started with it', async (t) => {
  await using dir = await tempDir()
  const file = join(dir.path, 'pids')
  const cancel = new AbortController()
  const codec = codecForReading({ CompressionEngine: 'external' }, reader(hanging(file)))
  const reading = collect(codec.decompress(pieces(content(5 * MIB), 65_536), cancel.signal))
  const rejected = t.rejects(reading, { code: 'OPERATION_CANCELLED' })
  const pids = await pidsIn(file)
  for (const pid of pids) t.ok(await isRunning(pid), `${pid} runs`)
  cancel.abort(new TabletError('OPERATION_CANCELLED', 'enough'))
  await rejected
  for (const pid of pids) await waitFor(`${pid} to end`, async () => await isRunning(pid) ? undefined : true)
})

t.test('a command that neither takes nor gives anything is ended, but not one that waits for us', async (t) => {
  await using dir = await tempDir()
  const file = join(dir.path, 'pids')
  const hangs = { program: 'sh', arguments: ['-c', `sleep 1000 & echo $$ $! > ${file}; wait`] }
  const out = collect(throughProgram(hangs, pieces(content(5 * MIB), 65_536), undefined, 1000))
  await t.rejects(out, { code: 'EXTERNAL_COMMAND_FAILED', message: /^sh failed: it neither took nor gave anything for 1 s/ })
  for (const pid of await pidsIn(file)) await waitFor(`${pid} to end`, async () => await isRunning(pid) ? undefined : true)
  const cat = { program: 'cat', arguments: [] }
  const slowly = async function* (): AsyncGenerator<Buffer, void, undefined> {
    yield content(1)
    await setTimeout(4500)
    yield content(1)
  }
  t.equal((await collect(throughProgram(cat, slowly(), undefined, 3000))).length, 2, 'a slow source')
  let taken = 0
  for await (const chunk of throughProgram(cat, pieces(content(5 * MIB), 65_536), undefined, 3000)) {
    if (taken === 0) await setTimeout(4500)
    taken += chunk.length
  }
  t.equal(taken, 5 * MIB, 'a slow reader')
})

t.test('arguments longer than the system takes are told as such', async (t) => {
  const out = collect(throughProgram({ program: 'cat', arguments: ['x'.repeat(4 * MIB)] }, pieces(content(10), 10)))
  await t.rejects(out, { code: 'EXTERNAL_COMMAND_FAILED', message: /^cannot run cat: its arguments are too long$/ })
  await t.rejects(collect(throughProgram({ program: 'cat', arguments: ['a\0b'] }, pieces(content(10), 10))), { code: 'EXTERNAL_COMMAND_FAILED' })
})

t.test('a reader that stops early ends the command and lets go of its source', async (t) => {
  let released = false
  const source = async function* (): AsyncGenerator<Buffer, void, undefined> {
    try { yield* pieces(content(5 * MIB), 65_536) } finally { released = true }
  }
  for await (const chunk of codecForReading({ CompressionEngine: 'external' }, reader('cat')).decompress(source())) {
    if (chunk.length > 0) break
  }
  t.ok(released)
})

t.test('a command runs niced, in the root directory, in a process group of its own, without secrets of the environment', async (t) => {
  process.env['AWS_SECRET_ACCESS_KEY'] = 'sesame'
  t.teardown(() => { delete process.env['AWS_SECRET_ACCESS_KEY'] })
  const out = (await read(content(1), quoted('cat > /dev/null; nice; pwd; echo $(cut -d" " -f5 /proc/self/stat); env'))).toString()
  t.match(out, /^1\d\n\/\n\d+\n/, 'niceness 10 and more, /')
  t.not(out.split('\n')[2], String(process.pid))
  t.match(out, /^PATH=/m)
  t.notMatch(out, 'sesame')
})

t.test('whose command is run: the operator\'s first, a MANIFEST\'s only where that is allowed', async (t) => {
  const manifest = { CompressionEngine: 'external', ExternalDecompressor: 'cat --key=sesame' }
  const refused = { code: 'EXTERNAL_COMMAND_FAILED', message: /external-decompressor is not set; its MANIFEST names "cat", which is run only with external-decompressor-use-manifest$/ }
  t.throws(() => codecForReading(manifest), refused)
  t.throws(() => codecForReading(manifest, { useManifest: false }), refused)
  t.throws(() => codecForReading({ CompressionEngine: 'external' }, { useManifest: true }), { code: 'EXTERNAL_COMMAND_FAILED', message: /is not set$/ })
  t.throws(() => codecForReading({ ...manifest, ExternalDecompressor: 'cat | sh' }, { useManifest: true }), { code: 'COMPRESSION_UNSUPPORTED' }, 'no shell')
  await t.rejects(requireReadable(manifest, { useManifest: false }), refused)
  t.same(await requireReadable(manifest, { useManifest: true }), { program: 'cat', arguments: ['--key=sesame'] })
  t.same(await requireReadable(manifest, { externalDecompressor: 'gzip -d', useManifest: true }), { program: 'gzip', arguments: ['-d'] })
  await t.rejects(requireReadable({ ...manifest, ExternalDecompressor: '/no/such' }, { useManifest: true }), { code: 'EXTERNAL_COMMAND_FAILED' })
  for (const other of [{ CompressionEngine: 'zstd', ExternalDecompressor: 'cat' }, { ...manifest, SkipCompress: true }]) {
    t.equal(await requireReadable(other, { externalDecompressor: 'false', useManifest: true }), undefined, 'no command for what needs none')
  }
})

t.test('before mysqld is stopped it is proven that what will be written can be read', async (t) => {
  await using dir = await tempDir()
  const flaky = join(dir.path, 'flaky')
  await writeFile(flaky, '#!/bin/sh\nexit 9\n')
  await chmod(flaky, 0o755)
  const good: readonly (readonly [Compression, Decompression])[] = [
    ...['zstd', 'lz4', 'pgzip', 'pargzip'].map((engine) => [{ engine, enabled: true, level: 1 }, { useManifest: false }] as const),
    [by('zstd -c'), reader('zstd -d -c')],
    [by('zstd -c'), { useManifest: false }],
    [{ ...by('zstd -c'), manifestDecompressor: 'zstd -d -c' }, { useManifest: false }],
    [by('gzip -c', 'pgzip'), { useManifest: false }],
    [{ ...by('no-such-program'), enabled: false }, { useManifest: false }],
  ]
  for (const proof of good) await t.resolves(proveCompression(...proof), JSON.stringify(proof))
  const bad: readonly (readonly [Compression, Decompression, RegExp])[] = [
    [by('no-such-program'), { useManifest: false }, /no directory of PATH/],
    [by(flaky), { useManifest: false }, /exit status 9/],
    [by('zstd -c'), reader('gzip -d -c'), /cannot compress by zstd and read it back as external: gzip failed/],
    [{ ...by('zstd -c'), manifestDecompressor: 'no-such-program' }, { useManifest: false }, /no directory of PATH/],
    [by('gzip -c', 'zstd'), { useManifest: false }, /cannot compress by gzip and read it back as zstd/],
    [by('tr a b'), reader('cat'), /other bytes came back/],
  ]
  for (const [compression, decompression, message] of bad) {
    await t.rejects(proveCompression(compression, decompression), { code: 'EXTERNAL_COMMAND_FAILED', message }, String(message))
  }
})
