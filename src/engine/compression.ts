/**
 * Compression by the names that MANIFESTs use (reference vitess-backup.md 2.11).
 *
 * An object of 0 bytes is an empty file under every name: Go's zstd writer makes such.
 *
 * Owns      which codec a name means, and whose command is run: the operator's, and a MANIFEST's only where they say so.
 */
import { TabletError, messageOf } from '../base/errors.ts'
import { lexCommand, type Command } from '../base/shell-words.ts'
import type { EngineManifest } from '../model/manifest.ts'
import type { Codec, CodecOptions, Compressor, Decompressor } from './codec.ts'
import { externalCompress, externalDecompress } from './external-codec.ts'
import { findExecutable } from './filter-program.ts'
import { gzipCodec } from './gzip-codec.ts'
import { lz4Codec } from './lz4-codec.ts'
import { lz4Library } from './lz4-library.ts'
import { zstdCodec } from './zstd-codec.ts'

/** How new backups are compressed. */
export interface Compression {
  /** One of Vitess's five names. */
  readonly engine: string
  /** false: stored as it is (`backup-storage-compress=false`); the name is recorded all the same. */
  readonly enabled: boolean
  readonly level: number
  /** Blocks compressed at once, over all files; unset: as many as the machine has cores. */
  readonly threads?: number | undefined
  /** A command that compresses instead, under whichever name. */
  readonly externalCompressor?: string | undefined
  /** The command that the MANIFEST recommends for reading. */
  readonly manifestDecompressor?: string | undefined
}

/** How backups are read. */
export interface Decompression {
  /** Blocks decompressed at once, over all files; unset: as many as the machine has cores. */
  readonly threads?: number | undefined
  /** What reads objects of the engine `external`. */
  readonly externalDecompressor?: string | undefined
  /** Whether a command from a MANIFEST may be run: whoever can write to the backup storage can then run programs here. */
  readonly useManifest: boolean
}

export type CompressedAs = Pick<EngineManifest, 'CompressionEngine' | 'SkipCompress' | 'ExternalDecompressor'>

/** Of what is compressed as a stream, or not at all. */
const PIECE_BYTES = 1 << 20
const STORED: Codec = { blockBytes: PIECE_BYTES, compress: (blocks) => blocks, decompress: (source) => source }
const CODECS: Readonly<Record<string, (options: CodecOptions) => Codec>> = {
  zstd: zstdCodec, lz4: lz4Codec, pgzip: gzipCodec, pargzip: gzipCodec,
}
/** What MANIFESTs of before 2021 mean by saying nothing. */
const DEFAULT_ENGINE = 'pgzip'
const EXTERNAL = 'external'
const LZ4 = 'lz4'
export const NO_COMMANDS: Decompression = { useManifest: false }

/** @throws TabletError COMPRESSION_UNSUPPORTED when this version cannot write `engine`; SETTINGS_INVALID for a command that is none. */
export function codecForWriting({ engine, enabled, level, externalCompressor }: Compression): Compressor {
  if (!enabled) return STORED
  if (externalCompressor !== undefined) return { blockBytes: PIECE_BYTES, compress: externalCompress(lexCommand(externalCompressor)) }
  return codecNamed(engine, { level })
}

/** @throws TabletError COMPRESSION_UNSUPPORTED: what the manifest names cannot be read here; EXTERNAL_COMMAND_FAILED: no command is set. */
export function codecForReading(manifest: CompressedAs, decompression: Decompression = NO_COMMANDS): Decompressor {
  if (manifest.SkipCompress === true) return STORED
  const engine = engineOf(manifest)
  const codec: Decompressor = engine === EXTERNAL
    ? { decompress: externalDecompress(decompressorFor(manifest, decompression)), external: true }
    : codecNamed(engine, { level: 1 })   // which is about writing
  return { ...codec, decompress: (source, signal) => emptyOr(source, (all) => codec.decompress(all, signal)) }
}

/**
 * What reading `manifest` needs is there. To be asked before data are touched.
 *
 * @returns the command that will be run, if any.
 * @throws TabletError COMPRESSION_UNSUPPORTED; EXTERNAL_COMMAND_FAILED when no command is set, or its program is missing.
 */
export async function requireReadable(manifest: CompressedAs, decompression: Decompression): Promise<Command | undefined> {
  codecForReading(manifest, decompression)
  if (manifest.SkipCompress === true) return undefined
  if (engineOf(manifest) === LZ4) await lz4Library()
  if (engineOf(manifest) !== EXTERNAL) return undefined
  const command = decompressorFor(manifest, decompression)
  await findExecutable(command.program)
  return command
}

/** A command as far as messages may show it: its arguments may hold secrets. */
export const programOf = (command: string): string => command.trim().split(/\s/, 1)[0] ?? ''

const engineOf = ({ CompressionEngine: named = '' }: CompressedAs): string => named === '' ? DEFAULT_ENGINE : named

/** The operator's command before the MANIFEST's, and that only where it is trusted. */
function decompressorFor({ ExternalDecompressor: recommended = '' }: CompressedAs, { externalDecompressor, useManifest }: Decompression): Command {
  const text = externalDecompressor ?? (useManifest && recommended !== '' ? recommended : undefined)
  if (text === undefined) {
    const instead = recommended === '' ? '' : `; its MANIFEST names ${JSON.stringify(programOf(recommended))}, which is run only with external-decompressor-use-manifest`
    // not COMPRESSION_UNSUPPORTED: this machine is not set up, which says nothing against the backup
    throw new TabletError('EXTERNAL_COMMAND_FAILED', `cannot read what an external command compressed: external-decompressor is not set${instead}`)
  }
  try {
    return lexCommand(text)
  } catch (error) {
    throw new TabletError('COMPRESSION_UNSUPPORTED', messageOf(error), { cause: error })
  }
}

function codecNamed(engine: string, options: CodecOptions): Codec {
  const make = Object.hasOwn(CODECS, engine) ? CODECS[engine] : undefined
  if (make === undefined) {
    throw new TabletError('COMPRESSION_UNSUPPORTED', `cannot use compression engine ${JSON.stringify(engine)}: this version has ${Object.keys(CODECS).join(', ')} and commands of your own`)
  }
  return make(options)
}

async function* emptyOr(
  source: AsyncIterable<Uint8Array>, decode: (all: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const iterator = source[Symbol.asyncIterator]()
  try {
    let first = await iterator.next()
    while (first.done !== true && first.value.length === 0) first = await iterator.next()
    if (first.done === true) return
    const { value } = first
    yield* decode((async function* all() {
      yield value
      for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) yield next.value
    })())
  } finally {
    await iterator.return?.()
  }
}
