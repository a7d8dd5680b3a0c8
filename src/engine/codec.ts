/** A way of compressing one stored object. */
import type { Share } from './block-budget.ts'
import type { Block, CompressionPool } from './compression-pool.ts'
import type { ContentSink } from './content-sink.ts'
import type { DecodingPool } from './decoding-pool.ts'

/** What the files of one backup compress with. */
export interface BlockWork {
  /** This file's part of the blocks in flight. */
  readonly share: Share
  readonly pool: CompressionPool
}

/**
 * Both directions work in bounded memory, whatever the size, and throw BACKUP_CORRUPT for bytes that cannot be decoded
 * (a command: EXTERNAL_COMMAND_FAILED).
 *
 * `signal` ends what may hang by itself: an external command.
 */
export interface Codec {
  /** Bytes of the blocks that `compress` is given; the last one of a file may be shorter. */
  readonly blockBytes: number
  compress(blocks: AsyncIterable<Block>, work: BlockWork, signal?: AbortSignal): AsyncIterable<Uint8Array>
  /** All of it: every frame or member, to the end of `source`. */
  decompress(source: AsyncIterable<Uint8Array>, signal?: AbortSignal): AsyncIterable<Uint8Array>
  /**
   * `decompress` to its place in a file, several pieces at once. Resolves when all of it is written, rejects when nothing
   * is being written any more; also with what the sink says about a write.
   */
  readonly decompressInto?: (sink: ContentSink, source: AsyncIterable<Uint8Array>, pool: DecodingPool) => Promise<void>
  /** Takes back the memory of a chunk that `decompress` gave and that nobody looks at any more; without it, the collector does. */
  readonly release?: (chunk: Uint8Array) => void
  /** Objects may end with a seek table (seek-table.ts), and neighbouring frames that it lists are decoded by themselves. */
  readonly seekable?: true
  /** It is a command of the operator's: what comes out wrong may be its own fault as well as the object's. */
  readonly external?: true
}

export type Compressor = Pick<Codec, 'compress' | 'blockBytes'>
export type Decompressor = Pick<Codec, 'decompress' | 'decompressInto' | 'release' | 'seekable' | 'external'>

export interface CodecOptions {
  readonly level: number
}
