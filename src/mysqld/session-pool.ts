/**
 * Sessions on a mysqld that comes and goes: connects on use, keeps one idle connection, forgets it when it breaks.
 *
 * Promises  one deadline over everything a piece of work does, waiting for a frozen server included.
 *           an aborted statement is killed on the server (KILL QUERY over a second connection, then KILL) before the
 *           caller hears of it, and its connection is not used again; only that statement can be hit, as the
 *           connection runs nothing else.
 *           a statement never waits for another one's connection.
 */
import { sleep, type ActionContext } from '../base/action.ts'
import { TabletError, failedTo } from '../base/errors.ts'
import { chooseDialect } from './choose-dialect.ts'
import { connect, type SqlConnection } from './connection.ts'
import type { Dialect } from './dialect.ts'
import { hello, killConnection, killQuery } from './dialects/common.ts'
import type { Credentials, Row, Statement, Target } from './sql-types.ts'

/** A connection whose server is known, for the length of one piece of work. */
export interface Session {
  readonly dialect: Dialect
  readonly versionText: string
  readonly versionComment: string
  readonly encrypted: boolean
  query(statement: Statement | string): Promise<readonly Row[]>
}

export interface Job {
  /** As in "cannot <doing>". */
  readonly doing: string
  readonly timeoutMs: number
}

export interface PoolOptions {
  /** Asked at every use: the socket of a server can change. */
  readonly target: () => Target
  readonly credentials: Credentials
  /** Whether what we do stays out of the binary log; needs an administrator's account. */
  readonly unlogged: boolean
}

interface Member {
  readonly connection: SqlConnection
  readonly targetKey: string
  readonly id: string
  readonly dialect: Dialect
  readonly versionText: string
  readonly versionComment: string
}

/** How long cancelling may take; a frozen server answers no KILL either. */
const CANCEL_MS = 1000

export class SessionPool implements AsyncDisposable {
  readonly #options: PoolOptions
  readonly #members = new Set<Member>()
  #idle: Member | undefined
  #closed = false

  constructor(options: PoolOptions) { this.#options = options }

  /** Ids of our connections, as the server's process list prints them. */
  get connectionIds(): readonly string[] { return [...this.#members].map((member) => member.id) }

  /**
   * Runs `work` in a session under one deadline.
   *
   * @throws TabletError QUERY_TIMEOUT when time runs out; MYSQLD_UNREACHABLE, MYSQLD_ACCESS_DENIED, QUERY_FAILED.
   */
  async run<T>(job: Job, work: (session: Session) => Promise<T>, ctx: ActionContext): Promise<T> {
    ctx.signal.throwIfAborted()
    const late = new AbortController()
    const timer = setTimeout(() => {
      late.abort(new TabletError('QUERY_TIMEOUT', `cannot ${job.doing}: mysqld did not answer within ${job.timeoutMs / 1000} s`))
    }, job.timeoutMs)
    const signal = AbortSignal.any([ctx.signal, late.signal])
    try {
      const member = await this.#take(signal)
      try {
        return await work(this.#session(member, signal))
      } finally {
        this.#giveBack(member)
      }
    } catch (error) {
      throw during(job.doing, error, signal)
    } finally {
      clearTimeout(timer)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    for (const member of this.#members) member.connection.destroy()
    this.#members.clear()
    this.#idle = undefined
  }

  async #take(signal: AbortSignal): Promise<Member> {
    if (this.#closed) throw new TabletError('MYSQLD_UNREACHABLE', 'our connections to mysqld were closed')
    const target = this.#options.target()
    const idle = this.#idle
    this.#idle = undefined
    if (idle !== undefined) {
      if (idle.connection.alive && idle.targetKey === JSON.stringify(target)) return idle
      this.#drop(idle)
    }
    const member = await this.#open(target, signal)
    this.#members.add(member)
    return member
  }

  async #open(target: Target, signal: AbortSignal): Promise<Member> {
    const connection = await connect(target, this.#options.credentials, signal)
    return usingUnder(signal, connection, async () => {
      const [row] = await connection.query({ text: hello })
      const versionText = row?.['version'] ?? ''
      const versionComment = row?.['comment'] ?? ''
      const dialect = chooseDialect(versionText, versionComment)
      await connection.query({ text: this.#options.unlogged ? dialect.beginUnlogged : dialect.begin })
      return { connection, targetKey: JSON.stringify(target), id: row?.['id'] ?? '', dialect, versionText, versionComment }
    })
  }

  #giveBack(member: Member): void {
    if (!this.#closed && this.#idle === undefined && member.connection.alive) this.#idle = member
    else this.#drop(member)
  }

  #drop(member: Member): void {
    this.#members.delete(member)
    member.connection.destroy()
  }

  #session(member: Member, signal: AbortSignal): Session {
    const { dialect, versionText, versionComment } = member
    const query = (statement: Statement | string): Promise<readonly Row[]> =>
      this.#query(member, typeof statement === 'string' ? { text: statement } : statement, signal)
    return { dialect, versionText, versionComment, encrypted: member.connection.encrypted, query }
  }

  async #query(member: Member, statement: Statement, signal: AbortSignal): Promise<readonly Row[]> {
    signal.throwIfAborted()
    const aborted = Promise.withResolvers<'aborted'>()
    const onAbort = (): void => { aborted.resolve('aborted') }
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      const running = member.connection.query(statement)
      const outcome = await Promise.race([running, aborted.promise])
      if (outcome !== 'aborted') return outcome
      await this.#cancel(member, running)
      throw signal.reason as Error
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
  }

  /** Ends what runs on the server, waits until it ended here, and drops the connection whatever came of it. */
  async #cancel(member: Member, running: Promise<unknown>): Promise<void> {
    const ended = new AbortController()
    const mark = (): void => { ended.abort() }
    running.then(mark, mark)
    try {
      for (const kill of [killQuery, killConnection]) {
        await this.#control(kill(member.id), AbortSignal.any([ended.signal, AbortSignal.timeout(CANCEL_MS)]))
        await sleep(CANCEL_MS, ended.signal).catch(() => undefined)
        if (ended.signal.aborted) return
      }
    } catch {
      // it ended by itself, or the server is frozen, gone or full: nothing more can be done from here
    } finally {
      member.connection.destroy()
    }
  }

  async #control(text: string, signal: AbortSignal): Promise<void> {
    const connection = await connect(this.#options.target(), this.#options.credentials, signal)
    await usingUnder(signal, connection, () => connection.query({ text })).finally(() => { connection.destroy() })
  }
}

/** `work` on a connection that is destroyed when the signal aborts, and then rejects with the signal's reason. */
async function usingUnder<T>(signal: AbortSignal, connection: SqlConnection, work: () => Promise<T>): Promise<T> {
  const stop = (): void => { connection.destroy() }
  signal.addEventListener('abort', stop, { once: true })
  try {
    return await work()
  } catch (error) {
    connection.destroy()
    signal.throwIfAborted()
    throw error
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

/** Adds what was being done, when the failure is the server's and not the signal's. */
const during = (doing: string, error: unknown, signal: AbortSignal): Error =>
  signal.aborted && error === signal.reason ? error as Error : failedTo(doing, error)
