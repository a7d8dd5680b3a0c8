/**
 * How many blocks the files of one backup may hold between disk and storage: being read, compressed or written.
 *
 * Promises  every file may always hold one, so that none waits for another;
 *           two for each compression thread, so that none of these waits for a disk, are shared out evenly among the
 *           files that are open; one huge file alone gets all of them;
 *           nobody waits here: a file that gets no more hands on what it holds first, so slow storage stops the readers.
 */
const BLOCKS_PER_THREAD = 2

/** One file's part in it. Dispose it when nothing of the file is in flight any more. */
export interface Share extends Disposable {
  /** Whether one more block may be begun; it is given back by `give`. Always, when the file holds none. */
  tryTake(): boolean
  give(): void
}

export class BlockBudget {
  readonly #shared: number
  #sharedTaken = 0
  #files = 0

  constructor(threads: number) { this.#shared = threads * BLOCKS_PER_THREAD }

  open(): Share {
    let held = 0
    let isOpen = true
    this.#files += 1
    const give = (): void => {
      held -= 1
      if (held > 0) this.#sharedTaken -= 1
    }
    return {
      tryTake: () => {
        if (held > 0) {
          if (this.#sharedTaken >= this.#shared || held > Math.ceil(this.#shared / this.#files)) return false
          this.#sharedTaken += 1
        }
        held += 1
        return true
      },
      give,
      [Symbol.dispose]: () => {
        while (held > 0) give()
        if (isOpen) this.#files -= 1
        isOpen = false
      },
    }
  }
}
