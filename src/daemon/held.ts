/** What a tablet says of itself while an operation, or the start, holds its mysqld. */
import { TabletError } from '../base/errors.ts'
import { blocker, type Blocker } from '../model/blocker.ts'
import type { Parts } from './parts.ts'

export function blockersOfOperation({ manager, operations, watched }: Pick<Parts, 'manager' | 'operations' | 'watched'>): readonly Blocker[] {
  const { current } = operations
  if (manager.state === 'starting') return [...watched.waiting, blocker('starting')]
  if (current === undefined) return watched.waiting.length > 0 ? watched.waiting : [blocker('restoring', { message: 'a restore begins' })]
  const { step, doneBytes, totalBytes } = current.progress
  const done = totalBytes === undefined || totalBytes === 0 ? '' : `, ${Math.floor(100 * doneBytes / totalBytes)} %`
  return [current.kind === 'backup'
    ? blocker('backing-up', { message: `backup ${current.id}: ${step}${done}` })
    : blocker('restoring', { message: `restore ${current.id}: ${step}${done}` }), ...watched.waiting]
}

/** A cold backup not begun as primary gives way to a newer term that names this tablet (design.md section 4). */
export function cancelOvertakenBackup({ manager, operations, journal, view, tablet }:
Pick<Parts, 'manager' | 'operations' | 'journal' | 'view' | 'tablet'>): void {
  const entry = journal.entry
  const { current } = operations
  if (manager.state !== 'backup' || entry === undefined || entry.begunAsPrimary || current?.id !== entry.operation) return
  if (view.latest?.kind !== 'record') return
  const { record } = view.latest
  if (record.primary !== tablet.alias || record.term <= (entry.termAtBegin ?? 0)) return
  operations.cancel(current.id, new TabletError('OPERATION_CANCELLED', `term ${record.term} names this tablet primary, so its backup gives way`))
}
