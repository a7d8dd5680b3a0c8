/** The hash of MANIFESTs: of the bytes as stored. */
import { crc32 } from 'node:zlib'

/** Told about every stretch of uncompressed bytes as it passes. */
export type BytesListener = (bytes: number) => void

/** As MANIFESTs have it: 8 lowercase hex digits. */
export const hexOf = (sum: number): string => sum.toString(16).padStart(8, '0')

/** Counts and sums bytes as they pass; CRC-32 (IEEE). */
export function checksum(): {
  over(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined>
  value(): number
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
    value: () => sum,
    hex: () => hexOf(sum),
    bytes: () => bytes,
  }
}
