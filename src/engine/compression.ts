/**
 * Compression by the names that MANIFESTs use (reference vitess-backup.md 2.11).
 *
 * An object of 0 bytes is an empty file under every name: Go's zstd writer makes such.
 */
import { availableParallelism } from 'node:os'
import { TabletError } from '../base/errors.ts'
import type { EngineManifest } from '../model/manifest.ts'
import type { Codec, CodecOptions } from './codec.ts'
import { gzipCodec } from './gzip-codec.ts'
import { zstdCodec } from './zstd-codec.ts'

export interface Compression {
  /** One of Vitess's five names. */
  readonly engine: string
  /** false: stored as it is (`backup-storage-compress=false`); the name is recorded all the same. */
  readonly enabled: boolean
  readonly level: number
}

const STORED: Codec = { compress: (source) => source, decompress: (source) => source }
const CODECS: Readonly<Record<string, (options: CodecOptions) => Codec>> = { zstd: zstdCodec, pgzip: gzipCodec, pargzip: gzipCodec }
const BLOCKS_AT_ONCE = Math.min(4, Math.max(2, availableParallelism()))
/** What MANIFESTs of before 2021 mean by saying nothing. */
const DEFAULT_ENGINE = 'pgzip'

/** @throws TabletError COMPRESSION_UNSUPPORTED when this version cannot write `engine`. */
export function codecForWriting({ engine, enabled, level }: Compression): Codec {
  return enabled ? codecNamed(engine, level) : STORED
}

/** @throws TabletError COMPRESSION_UNSUPPORTED when this version cannot read what the manifest names. */
export function codecForReading(manifest: Pick<EngineManifest, 'CompressionEngine' | 'SkipCompress'>): Codec {
  if (manifest.SkipCompress === true) return STORED
  const named = manifest.CompressionEngine ?? ''
  const codec = codecNamed(named === '' ? DEFAULT_ENGINE : named, 1)
  return { ...codec, decompress: (source, signal) => emptyOr(source, (all) => codec.decompress(all, signal)) }
}

function codecNamed(engine: string, level: number): Codec {
  const make = Object.hasOwn(CODECS, engine) ? CODECS[engine] : undefined
  if (make === undefined) {
    throw new TabletError('COMPRESSION_UNSUPPORTED', `cannot use compression engine ${JSON.stringify(engine)}: this version reads and writes zstd, pgzip and pargzip`)
  }
  return make({ level, parallel: BLOCKS_AT_ONCE })
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
