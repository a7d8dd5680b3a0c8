/**
 * Fewer garbage collections while gigabytes pass through buffers.
 *
 * Buffers are outside V8's heap, but count against the limit at which it is collected: tens of megabytes that come and go
 * over a heap of eleven made 75 collections in a restore of 1 GB, a third of its CPU time (docs/performance.md).
 */
import { setFlagsFromString } from 'node:v8'

/** How much the heap with its buffers may grow over what the last collection left: four times instead of V8's own guess. */
const GROWING_PERCENT = 300
const AS_V8_LIKES = 0

let copies = 0

/** From the call until its disposal; several at once count as one. */
export function copyingHeap(): Disposable {
  if (copies++ === 0) setFlagsFromString(`--heap-growing-percent=${GROWING_PERCENT}`)
  return {
    [Symbol.dispose]: () => { if (--copies === 0) setFlagsFromString(`--heap-growing-percent=${AS_V8_LIKES}`) },
  }
}
