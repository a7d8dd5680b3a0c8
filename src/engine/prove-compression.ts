/** Proves by a sample, while the server still serves, that what will be written can be read again. */
import { TabletError, asTabletError, hasCode } from '../base/errors.ts'
import { BlockBudget } from './block-budget.ts'
import { CompressionPool } from './compression-pool.ts'
import type { Decompressor } from './codec.ts'
import { codecForReading, codecForWriting, programOf, type Compression, type Decompression } from './compression.ts'

const SAMPLE_BYTES = 200_000
const PROOF_DEADLINE_MS = 20_000

/**
 * Compresses a sample and reads it back by the name that the MANIFEST will give. Under the name `external` without a
 * command for reading, only that the compressor works is proven.
 *
 * @throws TabletError EXTERNAL_COMMAND_FAILED: the command is missing, fails, hangs, or writes what that name does not mean.
 */
export async function proveCompression(compression: Compression, decompression: Decompression): Promise<void> {
  if (!compression.enabled) return
  const late = AbortSignal.timeout(PROOF_DEADLINE_MS)
  const sample = sampleBytes()
  try {
    const stored = await compressed(compression, sample, late)
    const reader = readerOf(compression, decompression)
    if (reader === undefined) return
    const back = await collect(reader.decompress(once(stored), late))
    if (!back.equals(sample)) throw new TabletError('BACKUP_CORRUPT', 'other bytes came back')
  } catch (error) {
    const tooLong = new TabletError('EXTERNAL_COMMAND_FAILED', `no end within ${PROOF_DEADLINE_MS / 1000} s`)
    throw unproven(compression, late.aborted ? tooLong : asTabletError(error))
  }
}

async function compressed(compression: Compression, sample: Uint8Array, signal: AbortSignal): Promise<Buffer> {
  const codec = codecForWriting(compression)
  await using pool = new CompressionPool({ threads: 1, blockBytes: codec.blockBytes })
  using share = new BlockBudget(1).open()
  const block = pool.block(sample.length)
  block.set(sample)
  return await collect(codec.compress(once(block), { share, pool }, signal))
}

function readerOf({ engine, manifestDecompressor = '' }: Compression, decompression: Decompression): Decompressor | undefined {
  if (engine === 'external' && decompression.externalDecompressor === undefined && manifestDecompressor === '') return undefined
  const manifest = { CompressionEngine: engine, ExternalDecompressor: manifestDecompressor }
  return codecForReading(manifest, { ...decompression, useManifest: true })   // it is our own
}

function unproven({ engine, externalCompressor }: Compression, cause: TabletError): TabletError {
  if (externalCompressor === undefined && !hasCode(cause, 'BACKUP_CORRUPT')) return cause
  const what = externalCompressor === undefined ? '' : ` by ${programOf(externalCompressor)}`
  return new TabletError('EXTERNAL_COMMAND_FAILED', `cannot compress${what} and read it back as ${engine}: ${cause.message}`, { cause })
}

/** Half of it compresses. */
function sampleBytes(): Buffer {
  const bytes = Buffer.alloc(SAMPLE_BYTES)
  let state = 1
  for (let at = 0; at < bytes.length; at += 2) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    bytes[at] = state >>> 24
  }
  return bytes
}

async function* once<T>(bytes: T): AsyncGenerator<T, void, undefined> { yield bytes }

async function collect(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of source) chunks.push(chunk)
  return Buffer.concat(chunks)
}
