/**
 * Whether the disks still write: a small file written and fsynced in each directory, again and again.
 *
 * A disk that hangs fails nothing: reads come from memory, commits wait, and every other look at the server says that all
 * is well. What hangs cannot be cancelled either, so a write that is under way for too long is the finding.
 *
 * Promises  at most one write of each directory is under way; a hung one holds nobody but itself, and `run` still ends.
 *           a write that ended too late keeps its directory stalled until one ends in time.
 *           a disk that is full is not stalled: what is there is still served.
 */
import { constants } from 'node:fs'
import { open, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { orAbandon, type ActionContext } from '../base/action.ts'
import { formatDuration } from '../base/duration.ts'
import { isErrno, messageOf } from '../base/errors.ts'
import { everyTick } from '../base/repeat.ts'
import { blocker, type Blocker } from '../model/blocker.ts'

/** One directory, by a clock that only goes forward. */
export interface DiskFacts {
  readonly dir: string
  /** When the write under way began; undefined: none is. */
  readonly writingSinceMs: number | undefined
  /** How long the last write took that ended, where that was too long; undefined: it ended in time, or none has ended. */
  readonly tookMs: number | undefined
  /** Why the disk takes no writes any more; undefined: it takes them, as far as is known. */
  readonly broken: string | undefined
}

/** Every directory that takes no writes. Pure. */
export function diskBlockers(
  disks: readonly DiskFacts[], { nowMs, timeoutMs }: { readonly nowMs: number, readonly timeoutMs: number },
): readonly Blocker[] {
  const why = disks.flatMap(({ dir, writingSinceMs, tookMs, broken }) => {
    if (writingSinceMs !== undefined && nowMs - writingSinceMs > timeoutMs) {
      return [`a write in ${dir} has not ended for ${Math.round((nowMs - writingSinceMs) / 1000)} s, more than disk-write-timeout ${formatDuration(timeoutMs)}`]
    }
    if (broken !== undefined) return [`nothing can be written in ${dir}: ${broken}`]
    // a disk that takes longer than that for every write would come and go with each of them
    return tookMs === undefined ? [] : [`the last write in ${dir} took ${Math.round(tookMs / 1000)} s, more than disk-write-timeout ${formatDuration(timeoutMs)}`]
  })
  return why.length === 0 ? [] : [blocker('disk-stalled', { message: why.join('; ') })]
}

export interface DiskWatchOptions {
  readonly dirs: readonly string[]
  /** 0: nothing is watched. */
  readonly everyMs: number
  readonly timeoutMs: number
  /** No write begins while this is so. */
  readonly paused: () => boolean
}

/** A name that is no data of a server's, and in no backup. */
export const PROBE_FILE = '.tabletd-disk-probe'

export class DiskWatch {
  readonly #options: DiskWatchOptions
  readonly #disks = new Map<string, DiskFacts>()
  #tries = 0

  constructor(options: DiskWatchOptions) { this.#options = options }

  /** How often it was time to write, paused or not. */
  get tries(): number { return this.#tries }

  /** What speaks against serving now. */
  blockers(): readonly Blocker[] {
    return diskBlockers([...this.#disks.values()], { nowMs: performance.now(), timeoutMs: this.#options.timeoutMs })
  }

  /** Runs until the context's signal aborts. */
  async run(ctx: ActionContext): Promise<void> {
    const { dirs, everyMs } = this.#options
    if (everyMs === 0) return
    await Promise.all(dirs.map((dir) => everyTick(everyMs, (each) => this.#write(dir, each), ctx).ended))
  }

  async #write(dir: string, ctx: ActionContext): Promise<void> {
    this.#tries++
    if (this.#options.paused()) return
    const before = this.#disks.get(dir)
    const begunMs = performance.now()
    this.#disks.set(dir, { dir, writingSinceMs: begunMs, tookMs: before?.tookMs, broken: before?.broken })
    let broken: string | undefined
    try {
      await orAbandon(writeProbe(dir), 0, ctx.signal)
    } catch (error) {
      if (ctx.signal.aborted) return
      broken = isErrno(error, 'EIO') || isErrno(error, 'EROFS') ? messageOf(error) : undefined
      ctx.log.debug({ err: error, dir }, 'the disk probe could not be written')
    }
    const tookMs = performance.now() - begunMs
    this.#disks.set(dir, { dir, writingSinceMs: undefined, tookMs: tookMs > this.#options.timeoutMs ? tookMs : undefined, broken })
  }
}

/** Rejects with the system's error. */
async function writeProbe(dir: string): Promise<void> {
  const path = join(dir, PROBE_FILE)
  const file = await open(path, constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW, 0o600)
  try {
    await file.writeFile(new Date().toISOString())
    await file.sync()
  } finally {
    await file.close()
    await unlink(path)
  }
}
