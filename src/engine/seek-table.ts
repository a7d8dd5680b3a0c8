/**
 * The seek table of zstd's "seekable format": a skippable frame at the end of an object that lists all frames before it.
 *
 * See contrib/seekable_format/zstd_seekable_compression_format.md of zstd.
 */
const SEEK_TABLE_MAGIC = 0x184d2a5e
const SEEKABLE_MAGIC = 0x8f92eab1
const SEEK_TABLE_FOOTER_BYTES = 9

/** One frame; `stored` and `content` are bytes with and without compression. */
export interface SeekTableRow {
  stored: number
  content: number
}

/** The skippable frame that lists all frames before it. */
export function encodeSeekTable(rows: readonly SeekTableRow[]): Buffer {
  const payloadBytes = rows.length * 8 + SEEK_TABLE_FOOTER_BYTES
  const frame = Buffer.alloc(8 + payloadBytes)
  let at = frame.writeUInt32LE(SEEK_TABLE_MAGIC)
  at = frame.writeUInt32LE(payloadBytes, at)
  for (const { stored, content } of rows) {
    at = frame.writeUInt32LE(stored, at)
    at = frame.writeUInt32LE(content, at)
  }
  at = frame.writeUInt32LE(rows.length, at)
  at = frame.writeUInt8(0, at)   // descriptor: no checksums in the table, the frames have their own
  frame.writeUInt32LE(SEEKABLE_MAGIC, at)
  return frame
}
