/** Lines of the log that tell how far a backup or restore is, in the words people search Vitess's logs for. */
import type { Logger } from '../base/logger.ts'
import type { Progress, ProgressListener } from '../engine/backup-engine.ts'

export interface ProgressLine {
  /** As 'backing up'. */
  readonly doing: string
  readonly name: string
  /** `builtinbackup-progress`: at most one line in this time. */
  readonly everyMs: number
}

/** A listener that writes a line when one is due; it has no clock of its own, so it ends with what it tells of. */
export function progressLog(line: ProgressLine, log: Logger, nowMs: () => number = () => performance.now()): ProgressListener {
  let dueMs = nowMs() + line.everyMs
  return (progress) => {
    const now = nowMs()
    if (now < dueMs) return
    dueMs = now + line.everyMs
    log.info({ doneBytes: progress.doneBytes, totalBytes: progress.totalBytes }, `${line.doing} "${line.name}": ${share(progress)}`)
  }
}

function share({ doneBytes, totalBytes }: Progress): string {
  const kb = (bytes: number): number => Math.floor(bytes / 1024)
  if (totalBytes === undefined || totalBytes === 0) return `${kb(doneBytes)}kb`
  return `${(100 * doneBytes / totalBytes).toFixed(2)}% (${kb(doneBytes)}/${kb(totalBytes)}kb)`
}
