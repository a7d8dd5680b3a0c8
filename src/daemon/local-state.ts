/**
 * What this tablet remembers over restarts, in `<tablet-dir>/tablet.json`: the last shard record it has read,
 * whether it is drained, whether an operator stopped replication, and what its mysqld was when last acted upon.
 *
 * Promises  a change is durable before `remember` resolves; an unreadable file is an error, never an empty memory.
 */
import { join } from 'node:path'
import type { ActionContext } from '../base/action.ts'
import { readIfPresent, writeJsonDurably } from '../base/durable-file.ts'
import { TabletError, messageOf } from '../base/errors.ts'
import type { ShardRecord } from '../model/records.ts'
import type { ProcessIdentity } from '../mysqld/mysqld-process.ts'

export interface TabletMemory {
  readonly drained: boolean
  readonly replicationStoppedByOperator: boolean
  /** The newest record ever read. */
  readonly shardRecord?: ShardRecord
  /** The mysqld process that a record was last acted upon with, and as what. */
  readonly actedOn?: { readonly identity: ProcessIdentity, readonly as: 'primary' | 'replica' }
  /** Backups that failed to restore here, with the reason: passed over until removed from this list. */
  readonly suspectBackups: Readonly<Record<string, string>>
}

const NOTHING: TabletMemory = { drained: false, replicationStoppedByOperator: false, suspectBackups: {} }

export class LocalState {
  readonly #path: string
  #memory: TabletMemory
  #written: string
  #trouble = ''
  #lastWrite: Promise<void> = Promise.resolve()

  private constructor(path: string, memory: TabletMemory) {
    this.#path = path
    this.#memory = memory
    this.#written = JSON.stringify(memory)
  }

  /** @throws TabletError DIRECTORY_UNUSABLE when the file is there and cannot be read as what we wrote. */
  static async open(tabletDir: string): Promise<LocalState> {
    const path = join(tabletDir, 'tablet.json')
    const text = await readIfPresent(path).catch((error: unknown) => { throw unusable(path, error) })
    if (text === undefined) return new LocalState(path, NOTHING)
    try {
      return new LocalState(path, asMemory(JSON.parse(text)))
    } catch (error) {
      throw unusable(path, error)
    }
  }

  get memory(): TabletMemory { return this.#memory }

  /** Changes are made one after the other: the loop, a request and an operation may each have one. */
  remember(fields: Partial<TabletMemory>): Promise<void> {
    const written = this.#lastWrite.then(() => this.#write(fields))
    this.#lastWrite = written.catch(() => undefined)   // its caller hears of it
    return written
  }

  /**
   * Like `remember` for what must be acted on even where it cannot be written down: a full disk is no reason for a deposed
   * primary to stay writable. It is known at once, said once, and written with the next change that can be.
   */
  async rememberAtLeastHere(fields: Partial<TabletMemory>, ctx: ActionContext): Promise<void> {
    try {
      await this.remember(fields)
      this.#trouble = ''
    } catch (error) {
      this.#memory = { ...this.#memory, ...fields }
      const trouble = messageOf(error)
      if (trouble !== this.#trouble) ctx.log.error({ err: error }, `cannot write ${this.#path}; what it should hold is lost with this daemon: ${trouble}`)
      this.#trouble = trouble
    }
  }

  async #write(fields: Partial<TabletMemory>): Promise<void> {
    const next = { ...this.#memory, ...fields }
    const text = JSON.stringify(next)
    if (text !== this.#written) await writeJsonDurably(this.#path, next)
    this.#written = text
    this.#memory = { ...this.#memory, ...fields }
  }
}

const unusable = (path: string, cause: unknown): TabletError =>
  new TabletError('DIRECTORY_UNUSABLE', `cannot read ${path}: ${messageOf(cause)}; restore it, or remove it to let the tablet forget`, { cause })

/** What was written by any version; a field of another kind is damage. */
function asMemory(parsed: unknown): TabletMemory {
  if (!isObject(parsed)) throw new TypeError('it is not an object')
  const memory = { ...NOTHING, ...parsed } as Readonly<Record<string, unknown>>
  const { shardRecord, actedOn, suspectBackups } = memory
  const wrong = [
    typeof memory['drained'] !== 'boolean' && 'drained',
    typeof memory['replicationStoppedByOperator'] !== 'boolean' && 'replicationStoppedByOperator',
    !(isObject(suspectBackups) && Object.values(suspectBackups).every((reason) => typeof reason === 'string')) && 'suspectBackups',
    shardRecord !== undefined && !isRecord(shardRecord) && 'shardRecord',
    actedOn !== undefined && !isActedOn(actedOn) && 'actedOn',
  ].filter((name) => name !== false)
  if (wrong.length > 0) throw new TypeError(`it is not what was written: ${wrong.join(', ')}`)
  return memory as unknown as TabletMemory
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const isRecord = (value: unknown): boolean => isObject(value) && Number.isSafeInteger(value['term']) && Number(value['term']) >= 1
  && ['keyspace', 'shard', 'primary', 'since'].every((name) => typeof value[name] === 'string')

const isActedOn = (value: unknown): boolean => isObject(value) && (value['as'] === 'primary' || value['as'] === 'replica')
  && isObject(value['identity']) && Number.isSafeInteger(value['identity']['pid'])
  && ['startTicks', 'bootId', 'executable'].every((name) => typeof (value['identity'] as Readonly<Record<string, unknown>>)[name] === 'string')
