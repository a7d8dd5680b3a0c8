/** The stages that bytes pass in a backup or a restore, and how long each took: where the time of an operation goes. */

/** A backup's first, a restore's then; each in the order in which the bytes pass. */
export const STAGES = ['read', 'compress', 'upload', 'download', 'decompress', 'write'] as const
export type Stage = typeof STAGES[number]

/**
 * Told after each piece of work: how many bytes it moved and how many seconds it took.
 *
 * Bytes are uncompressed for read, compress (what went in), decompress (what came out) and write (what reached the
 * disk), and stored ones for upload and download.
 */
export type StageListener = (stage: Stage, bytes: number, seconds: number) => void

export interface StageTime {
  readonly bytes: number
  /** Summed over all that ran at the same time, so it may exceed the clock's. */
  readonly seconds: number
}

/** A stage that nothing has passed is absent. */
export type StageTimes = Readonly<Partial<Record<Stage, StageTime>>>

export class StageCounters {
  readonly #sums = new Map<Stage, { bytes: number, seconds: number }>()

  readonly add: StageListener = (stage, bytes, seconds) => {
    const sum = this.#sums.get(stage)
    if (sum === undefined) { this.#sums.set(stage, { bytes, seconds }); return }
    sum.bytes += bytes
    sum.seconds += seconds
  }

  /** As of now, seconds to the millisecond. */
  times(): StageTimes {
    return Object.fromEntries(STAGES.flatMap((stage) => {
      const sum = this.#sums.get(stage)
      return sum === undefined ? [] : [[stage, { bytes: sum.bytes, seconds: Math.round(sum.seconds * 1000) / 1000 }]]
    }))
  }
}
