/** Waiting for what should become true: by looking, never by sleeping a fixed time. */

export interface WaitOptions {
  /** Default 30 000. */
  readonly deadlineMs?: number
  /** Between two looks; default 50, and after half a second a tenth of the time waited, up to 250: looking costs those who work. */
  readonly everyMs?: number
  /** Appended to the failure: what a reader needs to see why, for instance the end of a log. */
  readonly context?: () => string | Promise<string>
}

/**
 * Looks until `look` answers something other than false or undefined, and resolves to that.
 *
 * A look that throws counts as not yet; the last error is in the failure's text.
 */
export async function waitFor<T>(
  what: string, look: () => T | Promise<T>, options: WaitOptions = {},
): Promise<Exclude<T, false | undefined>> {
  const deadlineMs = options.deadlineMs ?? 30_000
  const begin = Date.now()
  const end = begin + deadlineMs
  let last = 'it was not so'
  for (;;) {
    try {
      const seen = await look()
      if (seen !== false && seen !== undefined) return seen as Exclude<T, false | undefined>
    } catch (error) {
      last = error instanceof Error ? error.message : String(error)
    }
    if (Date.now() >= end) {
      const context = await options.context?.() ?? ''
      throw new Error(`waited ${deadlineMs / 1000} s in vain: ${what} (${last})${context === '' ? '' : `\n${context}`}`)
    }
    const pauseMs = options.everyMs ?? Math.min(250, Math.max(50, (Date.now() - begin) / 10))
    await new Promise((resolve) => { setTimeout(resolve, pauseMs) })
  }
}
