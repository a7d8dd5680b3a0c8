/** Of several measurements, the one to tell. */

/** @throws RangeError for none: nothing measured is no figure. */
export function median(values: readonly number[]): number {
  const sorted = ascending(values)
  const middle = sorted.length >> 1
  const upper = sorted[middle] as number
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] as number)) / 2
}

/** @throws RangeError for none. */
export const largest = (values: readonly number[]): number => ascending(values).at(-1) as number

/** The smallest value that `share` (0 to 1) of all are not above. @throws RangeError for none. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = ascending(values)
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] as number
}

function ascending(values: readonly number[]): Float64Array {
  if (values.length === 0) throw new RangeError('nothing was measured')
  return Float64Array.from(values).sort()
}
