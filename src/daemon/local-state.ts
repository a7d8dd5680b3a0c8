/**
 * What this tablet remembers over restarts, in `<tablet-dir>/tablet.json`: the last shard record it has read,
 * whether it is drained, whether an operator stopped replication, and what its mysqld was when last acted upon.
 *
 * Promises  a change is durable before `remember` resolves; a disk that hangs keeps no caller of `rememberAtLeastHere`;
 *           an unreadable file is an error, never an empty memory.
 */
import { join } from 'node:path'
import { readWithin, type ActionContext } from '../base/action.ts'
import { readIfPresent, writeJsonDurably } from '../base/durable-file.ts'
import { TabletError, hasCode, messageOf } from '../base/errors.ts'
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

/** A healthy disk takes a small file in milliseconds; one that hangs may keep a turn this long, once. */
const WRITE_DEADLINE_MS = 2_000

type WriteJson = (path: string, value: unknown) => Promise<void>

export class LocalState {
  readonly #path: string
  #memory: TabletMemory
  #written: string
  #trouble = ''
  #lastWrite: Promise<void> = Promise.resolve()
  readonly #writeJson: WriteJson
  #changes = 0
  /** By field, the number of its newest change that was known before it was written. */
  readonly #knownHere = new Map<string, number>()
  /** A write of all that is known, which has not begun. */
  #waiting: Promise<void> | undefined
  /** A write has taken too long, and has not ended. */
  #late = false

  private constructor(path: string, memory: TabletMemory, writeJson: WriteJson) {
    this.#path = path
    this.#writeJson = writeJson
    this.#memory = memory
    this.#written = JSON.stringify(memory)
  }

  /** @throws TabletError DIRECTORY_UNUSABLE when the file is there and cannot be read as what we wrote. */
  static async open(tabletDir: string, writeJson: WriteJson = writeJsonDurably): Promise<LocalState> {
    const path = join(tabletDir, 'tablet.json')
    const text = await readIfPresent(path).catch((error: unknown) => { throw unusable(path, error) })
    if (text === undefined) return new LocalState(path, NOTHING, writeJson)
    try {
      return new LocalState(path, asMemory(JSON.parse(text)), writeJson)
    } catch (error) {
      throw unusable(path, error)
    }
  }

  get memory(): TabletMemory { return this.#memory }

  /** Changes are made one after the other: the loop, a request and an operation may each have one. */
  remember(fields: Partial<TabletMemory>): Promise<void> {
    const asked = ++this.#changes
    return this.#inOrder(() => this.#write(fields, asked))
  }

  /**
   * Like `remember` for what must be acted on even where it cannot be written down: a disk that is full, or hangs, is no
   * reason for a deposed primary to stay writable. It is known at once, waited for two seconds at most, said once, and
   * written with the next change that can be.
   */
  async rememberAtLeastHere(fields: Partial<TabletMemory>, ctx: ActionContext): Promise<void> {
    this.#changes++
    for (const name of Object.keys(fields)) this.#knownHere.set(name, this.#changes)
    this.#memory = { ...this.#memory, ...fields }
    this.#waiting ??= this.#inOrder(async () => {
      this.#waiting = undefined
      await this.#write({}, this.#changes)
    })
    if (this.#late) return   // said already; the write that waits behind it takes this along
    try {
      await this.#within(this.#waiting, ctx)
      this.#trouble = ''
    } catch (error) {
      const trouble = messageOf(error)
      if (trouble !== this.#trouble) ctx.log.error({ err: error }, `cannot write ${this.#path}; what it should hold is lost with this daemon: ${trouble}`)
      this.#trouble = trouble
    }
  }

  /** Deaf to the end of the daemon: what was done is to be written down while that can be. */
  async #within(written: Promise<void>, ctx: ActionContext): Promise<void> {
    const deaf = { ...ctx, signal: new AbortController().signal }
    const ended = (): void => { this.#late = false }
    try {
      await readWithin(`write ${this.#path}`, WRITE_DEADLINE_MS, () => written, deaf)
    } catch (error) {
      if (hasCode(error, 'DEADLINE_EXCEEDED')) {
        this.#late = true
        written.then(ended, ended)
      }
      throw error
    }
  }

  #inOrder(write: () => Promise<void>): Promise<void> {
    const written = this.#lastWrite.then(write)
    this.#lastWrite = written.catch(() => undefined)   // its caller hears of it
    return written
  }

  async #write(fields: Partial<TabletMemory>, asked: number): Promise<void> {
    const next = { ...this.#memory, ...this.#notOvertaken(fields, asked) }
    const text = JSON.stringify(next)
    if (text !== this.#written) await this.#writeJson(this.#path, next)
    this.#written = text
    this.#memory = { ...this.#memory, ...this.#notOvertaken(fields, asked) }
  }

  /** A write that hung for long must not bring back what has been known otherwise since. */
  #notOvertaken(fields: Partial<TabletMemory>, asked: number): Partial<TabletMemory> {
    return Object.fromEntries(Object.entries(fields).filter(([name]) => (this.#knownHere.get(name) ?? 0) <= asked))
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
