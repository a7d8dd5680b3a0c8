/**
 * What is being done to this tablet right now, written before it is done: `<tablet-dir>/journal.json`.
 *
 * After a crash the next daemon reads here what to clean up. Authority is never put back from the journal: type,
 * read-only, source, threads and semi-sync come from the current record after mysqld has started read-only.
 */
import { join } from 'node:path'
import { readIfPresent, removeDurably, writeJsonDurably } from '../base/durable-file.ts'
import { TabletError, messageOf } from '../base/errors.ts'
import type { OperationKind } from '../model/operation.ts'
import type { ProcessIdentity } from '../mysqld/mysqld-process.ts'

export interface JournalEntry {
  readonly operation: string
  readonly kind: OperationKind
  readonly startedAt: string
  readonly step: string
  /** The backup being written: removed after a crash unless its MANIFEST is there. */
  readonly writing?: string
  readonly begunAsPrimary: boolean
  /** The newest term this tablet had read when the operation began. */
  readonly termAtBegin?: number
  /** innodb_fast_shutdown as it was, where the operation lowered it. */
  readonly fastShutdown?: number
  /** The mysqld that the operation made read-only and whose replication it stopped, before it is stopped itself. */
  readonly quieted?: ProcessIdentity
}

export class Journal {
  readonly #path: string
  #entry: JournalEntry | undefined

  constructor(tabletDir: string) { this.#path = join(tabletDir, 'journal.json') }

  /** What runs now. */
  get entry(): JournalEntry | undefined { return this.#entry }

  /** What a former daemon left; undefined when it ended in peace. */
  async read(): Promise<JournalEntry | undefined> {
    const text = await readIfPresent(this.#path).catch((error: unknown) => {
      throw new TabletError('DIRECTORY_UNUSABLE', `cannot read ${this.#path}: ${messageOf(error)}`, { cause: error })
    })
    if (text === undefined) return undefined
    const damaged = (why: string, cause?: unknown): TabletError =>
      new TabletError('DIRECTORY_UNUSABLE', `cannot read ${this.#path}: ${why}; look at what it says, then remove it`, { cause })
    let entry: unknown
    try {
      entry = JSON.parse(text)
    } catch (error) {
      throw damaged('it is not JSON', error)
    }
    if (!isEntry(entry)) throw damaged('it is not what was written')
    return entry
  }

  async begin(entry: JournalEntry): Promise<void> {
    this.#entry = entry
    await writeJsonDurably(this.#path, entry)
  }

  /** Adds to the running entry, durably, before what it announces is done. */
  async note(fields: Partial<JournalEntry>): Promise<void> {
    if (this.#entry === undefined) return
    await this.begin({ ...this.#entry, ...fields })
  }

  async clear(): Promise<void> {
    this.#entry = undefined
    await removeDurably(this.#path)
  }
}

function isEntry(value: unknown): value is JournalEntry {
  if (typeof value !== 'object' || value === null) return false
  const fields = value as Readonly<Record<string, unknown>>
  return (fields['kind'] === 'backup' || fields['kind'] === 'restore')
    && ['operation', 'startedAt', 'step'].every((name) => typeof fields[name] === 'string')
    && (fields['writing'] === undefined || typeof fields['writing'] === 'string')
}
