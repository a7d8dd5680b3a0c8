/**
 * The seek table of zstd's "seekable format": a skippable frame at the end of an object that lists all frames before it.
 *
 * Promises  a table that is read agrees with the size of its object, stored and decoded, to the byte; any other is none.
 * See       contrib/seekable_format/zstd_seekable_compression_format.md of zstd.
 */
const SEEK_TABLE_MAGIC = 0x184d2a5e
const SEEKABLE_MAGIC = 0x8f92eab1
const SEEK_TABLE_HEADER_BYTES = 8
const SEEK_TABLE_FOOTER_BYTES = 9
const ROW_BYTES = 8
/** The table of 8 TiB in frames of 2 MiB; what claims to be larger is not read into memory. */
const MOST_TABLE_BYTES = 32 << 20

/** One frame; `stored` and `content` are bytes with and without compression. */
export interface SeekTableRow {
  stored: number
  content: number
}

/** The skippable frame that lists all frames before it. */
export function encodeSeekTable(rows: readonly SeekTableRow[]): Buffer {
  const payloadBytes = rows.length * ROW_BYTES + SEEK_TABLE_FOOTER_BYTES
  const frame = Buffer.alloc(SEEK_TABLE_HEADER_BYTES + payloadBytes)
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

/** Bytes of the table of `frames` frames, its header and footer included. */
export const seekTableBytes = (frames: number): number => SEEK_TABLE_HEADER_BYTES + frames * ROW_BYTES + SEEK_TABLE_FOOTER_BYTES

/** How long the table is that `tail`, the end of an object, ends with; undefined when it ends with none that we read. */
export function announcedTableBytes(tail: Buffer): number | undefined {
  if (tail.length < seekTableBytes(0) || tail.readUInt32LE(tail.length - 4) !== SEEKABLE_MAGIC) return undefined
  // the descriptor: no checksums, no reserved bits; the frames have checksums of their own
  if (tail.readUInt8(tail.length - 5) !== 0) return undefined
  const bytes = seekTableBytes(tail.readUInt32LE(tail.length - SEEK_TABLE_FOOTER_BYTES))
  return bytes <= MOST_TABLE_BYTES ? bytes : undefined
}

/** Neighbouring frames that are fetched in one request: stretches of the object as stored, and of its content. */
export interface Segment {
  readonly start: number
  readonly end: number
  readonly offset: number
  readonly bytes: number
}

export interface SeekableObject {
  /** All of the object, its table included. */
  readonly storedSize: number
  readonly size: number
}

/**
 * The frames that `table` lists, in segments of about `segmentBytes` stored bytes; undefined unless the frames and the
 * table make up exactly the object. A table is a hint from outside: whoever follows it checks what each segment holds.
 */
export function readSegments(table: Buffer, { storedSize, size }: SeekableObject, segmentBytes: number): readonly Segment[] | undefined {
  if (announcedTableBytes(table) !== table.length || table.readUInt32LE() !== SEEK_TABLE_MAGIC) return undefined
  if (table.readUInt32LE(4) !== table.length - SEEK_TABLE_HEADER_BYTES) return undefined
  const segments: Segment[] = []
  let [start, end, offset, decoded] = [0, 0, 0, 0]
  const close = (): void => {
    if (end > start) segments.push({ start, end, offset, bytes: decoded - offset })
    start = end
    offset = decoded
  }
  for (let at = SEEK_TABLE_HEADER_BYTES; at < table.length - SEEK_TABLE_FOOTER_BYTES; at += ROW_BYTES) {
    const stored = table.readUInt32LE(at)
    if (stored === 0) return undefined   // no frame is that short, and its content would be in no segment
    end += stored
    decoded += table.readUInt32LE(at + 4)
    if (end - start >= segmentBytes) close()
  }
  close()
  return end + table.length === storedSize && decoded === size ? segments : undefined
}
