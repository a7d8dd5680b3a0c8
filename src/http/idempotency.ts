/**
 * Idempotency keys: the same request sent twice under one key begins one operation.
 *
 * Kept in memory for 24 hours: a key that outlives its daemon would name an operation that nobody knows any more.
 */
import { TabletError } from '../base/errors.ts'

const KEEP_MS = 24 * 3_600_000
const MAX_KEYS = 1000   // unsafe verbs need authority, so this bounds mistakes, not attacks

interface Kept<T> {
  readonly fingerprint: string
  readonly atMs: number
  readonly result: Promise<T>
}

export class IdempotencyKeys<T> {
  readonly #kept = new Map<string, Kept<T>>()

  /**
   * The result of the first request under `key`, or that of `begin`. A failure is not kept: the next try is a new one.
   *
   * @throws TabletError BAD_REQUEST when the key was used with another request.
   */
  async once(request: { readonly key: string, readonly fingerprint: string, readonly nowMs: number }, begin: () => Promise<T>): Promise<T> {
    this.#forget(request.nowMs)
    const before = this.#kept.get(request.key)
    if (before !== undefined) {
      if (before.fingerprint !== request.fingerprint) {
        throw new TabletError('BAD_REQUEST', 'cannot use this Idempotency-Key again: the request under it was another one')
      }
      return await before.result
    }
    const result = begin()
    const kept: Kept<T> = { fingerprint: request.fingerprint, atMs: request.nowMs, result }
    this.#kept.set(request.key, kept)
    try {
      return await result
    } catch (error) {
      if (this.#kept.get(request.key) === kept) this.#kept.delete(request.key)
      throw error
    }
  }

  /** Insertion order is the order of age. */
  #forget(nowMs: number): void {
    for (const [key, kept] of this.#kept) {
      if (nowMs - kept.atMs < KEEP_MS && this.#kept.size < MAX_KEYS) break
      this.#kept.delete(key)
    }
  }
}
