/** How often a value fell below each bound: what a Prometheus histogram is made of. */

export interface HistogramTotals {
  /** Upper bounds, ascending, each with the number of values at or below it. */
  readonly buckets: readonly { readonly atMost: number, readonly count: number }[]
  readonly count: number
  readonly sum: number
}

export class Histogram {
  readonly #bounds: readonly number[]
  readonly #counts: number[]
  #count = 0
  #sum = 0

  /** @param bounds ascending. */
  constructor(bounds: readonly number[]) {
    this.#bounds = bounds
    this.#counts = bounds.map(() => 0)
  }

  observe(value: number): void {
    this.#count++
    this.#sum += value
    this.#bounds.forEach((bound, i) => { if (value <= bound) this.#counts[i] = (this.#counts[i] ?? 0) + 1 })
  }

  totals(): HistogramTotals {
    return { buckets: this.#bounds.map((atMost, i) => ({ atMost, count: this.#counts[i] ?? 0 })), count: this.#count, sum: this.#sum }
  }
}
