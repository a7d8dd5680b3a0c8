/**
 * Puts right what a daemon that was killed in the middle of an operation left behind, from its journal.
 *
 * Type, read-only, source and threads are not put back from there: the loop derives them from the current record.
 */
import { withDeadline, type ActionContext } from '../base/action.ts'
import { messageOf } from '../base/errors.ts'
import { retry } from '../base/repeat.ts'
import type { BackupStorage } from '../storage/backup-storage.ts'
import { readBackup } from '../storage/read-backups.ts'
import type { JournalEntry } from './journal.ts'
import type { Parts } from './parts.ts'

const REMOVE_RETRY = { firstMs: 5_000, maxMs: 300_000, attempts: 100 }

export async function recoverFromCrash(parts: Parts, ctx: ActionContext): Promise<void> {
  const entry = await parts.journal.read()
  if (entry === undefined) return
  ctx.log.warn({ operation: entry.operation, step: entry.step }, `the daemon was stopped in the middle of a ${entry.kind}; putting the tablet right`)
  parts.operations.recordInterrupted({ id: entry.operation, kind: entry.kind, startedAt: entry.startedAt, step: entry.step })
  if (entry.kind === 'backup') await recoverBackup(entry, parts, ctx)
  await parts.journal.clear()
}

async function recoverBackup(entry: JournalEntry, parts: Parts, ctx: ActionContext): Promise<void> {
  parts.watched.quieted = entry.quieted
  const { mysqld, process, storage } = parts
  const { fastShutdown, writing } = entry
  if ((fastShutdown === 0 || fastShutdown === 1 || fastShutdown === 2) && (await process.state()).kind === 'running') {
    await withDeadline('set innodb_fast_shutdown back', 5_000, (bounded) => mysqld.setFastShutdown(fastShutdown, bounded), ctx)
      .catch((error: unknown) => { ctx.log.warn({ err: error }, 'innodb_fast_shutdown was not set back; the next start does it') })
  }
  // not awaited: the storage may be away, and the tablet need not wait for it
  if (storage !== undefined && writing !== undefined) void removeUnfinished(storage, writing, parts, ctx)
}

/** A backup whose MANIFEST was written is complete: every object was confirmed before it. */
async function removeUnfinished(storage: BackupStorage, name: string, { shard }: Pick<Parts, 'shard'>, ctx: ActionContext): Promise<void> {
  try {
    await retry(REMOVE_RETRY, async (bounded) => {
      const found = await readBackup(storage, { shard, name }, bounded)
      if (found.state === 'complete') return
      await storage.removeBackup(shard, name, bounded)
      bounded.log.info({ backup: name }, 'removed the unfinished backup of the interrupted operation')
    }, ctx)
  } catch (error) {
    if (!ctx.signal.aborted) ctx.log.warn({ backup: name }, `the unfinished backup could not be removed: ${messageOf(error)}`)
  }
}
