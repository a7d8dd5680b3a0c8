/**
 * The shard's newest complete backup, looked for now and then: so that its age is known without anybody asking for it.
 *
 * Owns      when to look. A look lists the backups and reads MANIFESTs from the newest on until one is complete.
 * Promises  storage that fails or hangs leaves what was known, growing older; nothing waits for it.
 */
import { readWithin, sleep, type ActionContext } from '../base/action.ts'
import { messageOf } from '../base/errors.ts'
import type { BackupsSeen } from '../http/metric-samples.ts'
import type { ShardName } from '../model/tablet.ts'
import type { BackupStorage } from '../storage/backup-storage.ts'
import { describeBackup, readBackup } from '../storage/read-backups.ts'

const LOOK_EVERY_MS = 300_000
/** Of a daemon that starts, mysqld and replication come first. */
const FIRST_LOOK_MS = 5_000
/** How soon the end of an operation is noticed. */
const NOTICE_MS = 1_000
const LOOK_DEADLINE_MS = 60_000

export interface Watchable {
  readonly storage: BackupStorage | undefined
  readonly shard: ShardName
  /** When the last operation ended; another time means that a backup may have come. */
  readonly lastEnd: () => string
}

export class BackupWatch {
  readonly #of: Watchable
  #seen: BackupsSeen
  #trouble = ''

  constructor(of: Watchable) {
    this.#of = of
    this.#seen = { seenAtMs: Date.now() }
  }

  /** undefined: no storage is configured. */
  get seen(): BackupsSeen | undefined { return this.#of.storage === undefined ? undefined : this.#seen }

  /** Until the signal aborts. */
  async run(ctx: ActionContext): Promise<void> {
    const { storage, lastEnd } = this.#of
    if (storage === undefined) return
    let pauseMs = FIRST_LOOK_MS
    while (!ctx.signal.aborted) {
      const before = lastEnd()
      for (let waited = 0; waited < pauseMs && lastEnd() === before && !ctx.signal.aborted; waited += NOTICE_MS) {
        await sleep(NOTICE_MS, ctx.signal).catch(() => undefined)   // the loop's condition sees the abort
      }
      if (!ctx.signal.aborted) await this.#look(storage, ctx)
      pauseMs = LOOK_EVERY_MS
    }
  }

  async #look(storage: BackupStorage, ctx: ActionContext): Promise<void> {
    try {
      this.#seen = await readWithin('look for the newest backup', LOOK_DEADLINE_MS, (bounded) => lookForNewest(storage, this.#of.shard, bounded), ctx)
      this.#trouble = ''
    } catch (error) {
      if (ctx.signal.aborted) return
      const trouble = messageOf(error)
      ctx.log[trouble === this.#trouble ? 'debug' : 'warn']({ err: error }, `the age of the newest backup is not known anew: ${trouble}`)
      this.#trouble = trouble
    }
  }
}

/** @throws TabletError what the storage says. */
export async function lookForNewest(storage: BackupStorage, shard: ShardName, ctx: ActionContext): Promise<BackupsSeen> {
  const names = await storage.listBackups(shard, ctx)
  for (const name of names.toReversed()) {
    const found = await readBackup(storage, { shard, name }, ctx)
    if (found.state === 'complete') return { seenAtMs: Date.now(), count: names.length, newest: describeBackup(found, {}) }
  }
  return { seenAtMs: Date.now(), count: names.length }
}
