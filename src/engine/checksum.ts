/** The hash of MANIFESTs: of the bytes as stored. */
import { crc32 } from 'node:zlib'

/** Told about every stretch of uncompressed bytes as it passes. */
export type BytesListener = (bytes: number) => void

/** Counts and sums bytes as they pass; CRC-32 (IEEE) as 8 lowercase hex digits, as MANIFESTs have it. */
export function checksum(): {
  over(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined>
  hex(): string
  bytes(): number
} {
  let sum = 0
  let bytes = 0
  return {
    async* over(source) {
      for await (const chunk of source) {
        sum = crc32(chunk, sum)
        bytes += chunk.length
        yield chunk
      }
    },
    hex: () => sum.toString(16).padStart(8, '0'),
    bytes: () => bytes,
  }
}
