/**
 * The CRC-32 of two stretches joined, from their own two, so that stretches can be summed side by side.
 *
 * As zlib's crc32_combine (1.2.12 on): appending n zero bytes to a message multiplies its CRC by x^(8n) modulo the
 * polynomial, and the CRC of what follows is added to that.
 */

/** The CRC-32 polynomial (IEEE 802.3) without x^32, lowest power in the highest bit. */
const POLYNOMIAL = 0xedb88320
const ONE = 0x80000000
/** x^8: one byte more. */
const ONE_BYTE = 0x00800000

/** `first` and `second` are unsigned; `secondBytes` is the length of the second stretch. */
export const combineCrc32 = (first: number, second: number, secondBytes: number): number =>
  (multiply(powerOfByte(secondBytes), first) ^ second) >>> 0

/** x^(8 * count), by squaring. Numbers beyond 2^32 are lengths too, so the bits are taken by division. */
function powerOfByte(count: number): number {
  let product = ONE
  let square = ONE_BYTE
  for (let rest = count; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) product = multiply(square, product)
    square = multiply(square, square)
  }
  return product
}

/** a * b modulo the polynomial, over GF(2). */
function multiply(a: number, b: number): number {
  let product = 0
  let shifted = b
  for (let bit = ONE; bit !== 0; bit >>>= 1) {
    if ((a & bit) !== 0) product ^= shifted
    shifted = (shifted & 1) !== 0 ? (shifted >>> 1) ^ POLYNOMIAL : shifted >>> 1
  }
  return product >>> 0
}
