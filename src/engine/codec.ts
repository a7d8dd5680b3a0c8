/** A way of compressing one stored object. */

/**
 * Both directions work in bounded memory, whatever the size, and throw BACKUP_CORRUPT for bytes that cannot be decoded.
 *
 * `signal` ends what may hang by itself: an external command.
 */
export interface Codec {
  compress(source: AsyncIterable<Uint8Array>, signal?: AbortSignal): AsyncIterable<Uint8Array>
  /** All of it: every frame or member, to the end of `source`. */
  decompress(source: AsyncIterable<Uint8Array>, signal?: AbortSignal): AsyncIterable<Uint8Array>
  /** Objects may end with a seek table (seek-table.ts), and neighbouring frames that it lists are decoded by themselves. */
  readonly seekable?: true
}

export interface CodecOptions {
  readonly level: number
  /** Blocks worked on at once; where objects are read, over all of them. */
  readonly parallel: number
}
