/** Taking exact amounts of bytes out of a series of frames, in any format. */
import { TabletError } from '../base/errors.ts'
import type { ByteReader } from './byte-reader.ts'

const SKIP_CHUNK_BYTES = 1 << 20

export interface FrameBytes {
  corrupt(this: void, why: string): TabletError
  /** `bytes` themselves. @throws TabletError BACKUP_CORRUPT where they are fewer than `count`. */
  exactly(this: void, bytes: Buffer, count: number): Buffer
  /** Passes over `count` bytes in bounded memory. @throws TabletError BACKUP_CORRUPT where there are fewer. */
  skip(this: void, reader: ByteReader, count: number): Promise<void>
}

/** `format` is for messages: "zstd". */
export function frameBytes(format: string): FrameBytes {
  const corrupt = (why: string): TabletError => new TabletError('BACKUP_CORRUPT', `cannot read ${format} data: ${why}`)
  const exactly = (bytes: Buffer, count: number): Buffer => {
    if (bytes.length < count) throw corrupt('the data end in the middle of a frame')
    return bytes
  }
  return {
    corrupt,
    exactly,
    async skip(reader, count) {
      for (let left = count; left > 0;) {
        const step = Math.min(left, SKIP_CHUNK_BYTES)
        exactly(await reader.take(step), step)
        left -= step
      }
    },
  }
}
