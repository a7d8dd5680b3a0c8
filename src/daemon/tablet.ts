/**
 * One tablet at work: its start, its control loop, and what HTTP may ask of it.
 *
 * Owns      the loop and the latest snapshot. Leaves what happens in a turn to turn.ts, operations to their files.
 */
import { join } from 'node:path'
import { readWithin, sleep, withDeadline, type ActionContext } from '../base/action.ts'
import { TabletError, asTabletError } from '../base/errors.ts'
import { backoffMs, everyTick, type Ticker } from '../base/repeat.ts'
import type { BackupRequest, OperationEvent, RestoreRequest, TabletControl } from '../http/control.ts'
import { blocker } from '../model/blocker.ts'
import type { ListedBackup } from '../model/listed-backup.ts'
import type { Operation } from '../model/operation.ts'
import type { StageTimes } from '../model/stage.ts'
import type { TabletRecord } from '../model/records.ts'
import type { TabletSnapshot } from '../model/snapshot.ts'
import { describeBackup, readBackup, readBackups } from '../storage/read-backups.ts'
import type { BackupStorage } from '../storage/backup-storage.ts'
import { beginBackup } from './backup-operation.ts'
import { considerRestore } from './consider-restore.ts'
import { forgetOldData } from './forget-old-data.ts'
import type { Parts } from './parts.ts'
import { beginRestore } from './restore-request.ts'
import { setTabletType } from './set-type.ts'
import { startUp } from './start-up.ts'
import { takeTurn } from './turn.ts'

/** A second between turns keeps every convergence within seconds; `health-check-interval` may ask for less. */
const LONGEST_PAUSE_MS = 1_000
/** A request for backups is answered by then, even where storage hangs. */
const STORAGE_DEADLINE_MS = 20_000
const START_BACKOFF = { firstMs: 2_000, maxMs: 60_000 }

export class Tablet implements TabletControl {
  readonly #parts: Parts
  readonly #ctx: ActionContext
  #snapshot: TabletSnapshot | undefined
  #lastTurnMs = Date.now()
  #turns = 0
  #turned = Promise.withResolvers<void>()
  #ticker: Ticker | undefined

  constructor(parts: Parts, ctx: ActionContext) {
    this.#parts = parts
    this.#ctx = ctx
  }

  /** Runs until the context's signal aborts. */
  async run(): Promise<void> {
    const { config, view, topology, shard } = this.#parts
    const everyMs = Math.min(LONGEST_PAUSE_MS, config['health-check-interval'])
    const start = this.#startUp()
    this.#ticker = everyTick(everyMs, (ctx) => this.#turn(ctx), this.#ctx)
    void topology.watchShardRecord(shard, () => { this.wake() }, this.#ctx).catch((error: unknown) => {
      // each turn reads the record anyway; the watch only makes it sooner
      if (!this.#ctx.signal.aborted) this.#ctx.log.warn({ err: error }, 'the shard record is not watched; it is read each second')
    })
    const beside = [this.#parts.heartbeatWriter.run(this.#ctx), this.#parts.diskWatch.run(this.#ctx)]
    await start
    await Promise.all([this.#ticker.ended, ...beside])
    await view.publishLast(this.#ctx)
  }

  wake(): void { this.#ticker?.wake() }
  latestSnapshot(): TabletSnapshot | undefined { return this.#snapshot }
  lastTurnMs(): number { return this.#lastTurnMs }

  /** The snapshot of a turn that began after the call. */
  async observeNow(ctx: ActionContext): Promise<TabletSnapshot> {
    const wanted = this.#turns + 2   // one may be under way
    return await withDeadline('look at the tablet', 15_000, async (bounded) => {
      while (this.#turns < wanted) {
        this.wake()
        const gone = Promise.withResolvers<void>()
        const onAbort = (): void => { gone.reject(bounded.signal.reason as Error) }
        bounded.signal.addEventListener('abort', onAbort, { once: true })
        await Promise.race([this.#turned.promise, gone.promise]).finally(() => { bounded.signal.removeEventListener('abort', onAbort) })
      }
      if (this.#snapshot === undefined) throw new TabletError('MYSQLD_UNREACHABLE', 'the tablet has not been looked at yet')
      return this.#snapshot
    }, ctx)
  }

  beginBackup(request: BackupRequest, ctx: ActionContext): Promise<Operation> {
    return beginBackup(request, this.#parts, () => { this.wake() }, ctx)
  }

  beginRestore(request: RestoreRequest, ctx: ActionContext): Promise<Operation> {
    const signal = AbortSignal.any([this.#ctx.signal, ctx.signal])
    return beginRestore(request, this.#parts, () => { this.wake() }, { ...this.#ctx, signal })
  }

  listOperations(): readonly Operation[] { return this.#parts.operations.list() }
  stageTotals(): StageTimes { return this.#parts.operations.stageTotals() }
  getOperation(id: string): Operation { return this.#parts.operations.get(id) }
  cancelOperation(id: string): Operation {
    return this.#parts.operations.cancel(id, new TabletError('OPERATION_CANCELLED', `operation ${id} was cancelled`))
  }
  operationEvents(id: string, signal: AbortSignal): AsyncIterable<OperationEvent> { return this.#parts.operations.events(id, signal) }

  async listBackups(ctx: ActionContext): Promise<readonly ListedBackup[]> {
    const found = await readWithin('read the backups', STORAGE_DEADLINE_MS, (bounded) => readBackups(this.#storage(), this.#parts.shard, bounded), ctx)
    return found.map((backup) => describeBackup(backup, this.#parts.state.memory.suspectBackups))
  }

  async getBackup(name: string, ctx: ActionContext): Promise<ListedBackup> {
    const storage = this.#storage()
    await this.#requireListed(name, storage, ctx)
    const { shard, state } = this.#parts
    const found = await readWithin(`read backup ${name}`, STORAGE_DEADLINE_MS, (bounded) => readBackup(storage, { shard, name }, bounded), ctx)
    return describeBackup(found, state.memory.suspectBackups)
  }

  async removeBackup(name: string, ctx: ActionContext): Promise<void> {
    const { operations, shard } = this.#parts
    const storage = this.#storage()
    if (operations.current?.backup === name) {
      throw new TabletError('OPERATION_RUNNING', `cannot remove backup ${name}: operation ${operations.current.id} uses it`, { details: { operation: operations.current.id } })
    }
    await this.#requireListed(name, storage, ctx)
    await storage.removeBackup(shard, name, ctx)
  }

  async setType(type: 'drained' | 'target', ctx: ActionContext): Promise<TabletSnapshot> {
    await setTabletType(type, this.#parts)
    return await this.observeNow(ctx)
  }

  #storage(): BackupStorage {
    const { storage } = this.#parts
    if (storage === undefined) throw new TabletError('STORAGE_NOT_CONFIGURED', 'backup-storage-implementation is not set')
    return storage
  }

  async #requireListed(name: string, storage: BackupStorage, ctx: ActionContext): Promise<void> {
    const { shard } = this.#parts
    const names = await readWithin('list the backups', STORAGE_DEADLINE_MS, (bounded) => storage.listBackups(shard, bounded), ctx)
    if (!names.includes(name)) throw new TabletError('BACKUP_NOT_FOUND', `there is no backup ${name} of ${shard.keyspace}/${shard.shard}`)
  }

  /** Tried until it succeeds: a start that failed shows its code and the time of the next try. */
  async #startUp(): Promise<void> {
    const { watched } = this.#parts
    for (let failures = 1; !this.#ctx.signal.aborted; failures++) {
      try {
        await startUp(this.#parts, () => { this.wake() }, this.#ctx)
        watched.waiting = watched.waiting.filter(({ name }) => name !== 'starting')
        this.wake()
        return
      } catch (error) {
        if (this.#ctx.signal.aborted) return
        const { code, message, hint } = asTabletError(error)
        const pauseMs = backoffMs(failures, START_BACKOFF)
        const nextTry = new Date(Date.now() + pauseMs).toISOString()
        this.#ctx.log.error({ err: error, code, hint, nextTry }, `the start failed: ${message}`)
        watched.waiting = [blocker('starting', { code, message, nextTry })]
        await sleep(pauseMs, this.#ctx.signal).catch(() => undefined)   // the loop's condition sees the abort
      }
    }
  }

  async #turn(ctx: ActionContext): Promise<void> {
    this.#parts.watched.turn = this.#turned.promise
    try {
      this.#snapshot = await takeTurn(this.#parts, ctx)
      await this.#parts.view.publish(this.#record(this.#snapshot), performance.now(), ctx)
      forgetOldData(this.#snapshot, this.#parts, ctx)
      await considerRestore(this.#snapshot, this.#parts, () => { this.wake() }, ctx)
    } catch (error) {
      if (!ctx.signal.aborted) ctx.log.error({ err: asTabletError(error) }, 'a turn of the control loop failed')
    } finally {
      this.#lastTurnMs = Date.now()
      this.#turns++
      this.#turned.resolve()
      this.#turned = Promise.withResolvers<void>()
    }
  }

  #record(snapshot: TabletSnapshot): TabletRecord {
    const { config } = this.#parts
    const { alias, type, keyspace, shard, hostname, mysqlPort, httpPort, startedAt, mysqld } = snapshot
    return {
      alias, type, keyspace, shard, hostname, mysqlPort, httpPort, startedAt,
      // tabletctl on the same machine needs no token over the socket
      tags: { ...config['init-tags'], 'admin-socket': join(config['tablet-dir'], 'admin.sock') },
      ...(mysqld.serverUuid === undefined ? {} : { serverUuid: mysqld.serverUuid }),
      ...(mysqld.serverId === undefined ? {} : { serverId: mysqld.serverId }),
    }
  }
}
