/**
 * Room for what is in flight, shared by all files of an operation: first come, first served.
 *
 * Whoever holds some gives it back without waiting for more of the same, so that every wait ends.
 */
export class Room {
  readonly #size: number
  #taken = 0
  readonly #waiting: { readonly amount: number, readonly enter: () => void }[] = []

  constructor(size: number) { this.#size = size }

  /** Resolves when it is taken; what is larger than all of the room waits until it is alone. */
  async take(amount: number): Promise<void> {
    if (this.#waiting.length === 0 && this.#fits(amount)) {
      this.#taken += amount
      return
    }
    await new Promise<void>((enter) => { this.#waiting.push({ amount, enter }) })
  }

  give(amount: number): void {
    this.#taken -= amount
    for (let next = this.#waiting[0]; next !== undefined && this.#fits(next.amount); next = this.#waiting[0]) {
      this.#waiting.shift()
      this.#taken += next.amount
      next.enter()
    }
  }

  #fits(amount: number): boolean { return this.#taken === 0 || this.#taken + amount <= this.#size }
}
