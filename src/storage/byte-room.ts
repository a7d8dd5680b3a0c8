/** Room for bytes in flight, shared by all who write to one storage: first come, first served. */
export class ByteRoom {
  readonly #limit: number
  #taken = 0
  readonly #waiting: { readonly bytes: number, readonly enter: () => void }[] = []

  constructor(limit: number) { this.#limit = limit }

  get taken(): number { return this.#taken }

  /** Resolves when there is room; what is larger than all of it waits until it is alone. Rejects with the signal's reason. */
  async take(bytes: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    if (this.#waiting.length === 0 && this.#fits(bytes)) { this.#taken += bytes; return }
    await new Promise<void>((resolve, reject) => {
      const place = { bytes, enter: () => { signal.removeEventListener('abort', leave); resolve() } }
      const leave = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(place), 1)
        this.#admit()
        reject(signal.reason as Error)
      }
      signal.addEventListener('abort', leave, { once: true })
      this.#waiting.push(place)
    })
  }

  give(bytes: number): void {
    this.#taken -= bytes
    this.#admit()
  }

  #admit(): void {
    for (let next = this.#waiting[0]; next !== undefined && this.#fits(next.bytes); next = this.#waiting[0]) {
      this.#waiting.shift()
      this.#taken += next.bytes
      next.enter()
    }
  }

  #fits(bytes: number): boolean { return this.#taken === 0 || this.#taken + bytes <= this.#limit }
}
