/** Tasks that run at once as far as there is room; which they give back by themselves, so that every wait for it ends. */
import type { Room } from '../base/room.ts'

export interface SideBySide extends AsyncDisposable {
  /** Begins `task` as soon as there is room for `amount`. Rejects with the first failure so far, and begins nothing then. */
  begin(amount: number, task: () => Promise<void>): Promise<void>
  /** Waits for all that was begun. Rejects with the first failure. */
  done(): Promise<void>
}

/** Disposed of, it waits for all that was begun, and keeps its failures to itself. */
export function sideBySide(room: Room): SideBySide {
  const running = new Set<Promise<void>>()
  const failures: unknown[] = []
  const throwFirst = (): void => { if (failures.length > 0) throw failures[0] }
  const run = async (amount: number, task: () => Promise<void>): Promise<void> => {
    try {
      await task()
    } catch (error) {
      failures.push(error)
    } finally {
      room.give(amount)
    }
  }
  return {
    async begin(amount, task) {
      await room.take(amount)
      if (failures.length > 0) room.give(amount)
      throwFirst()
      const begun: Promise<void> = run(amount, task).then(() => { running.delete(begun) })
      running.add(begun)
    },
    async done() {
      await Promise.all(running)
      throwFirst()
    },
    [Symbol.asyncDispose]: async () => { await Promise.all(running) },
  }
}
