/** A tablet that exists only in memory, for tests of HTTP and of tabletctl: it records what it was asked. */
import { TabletError } from '../../src/base/errors.ts'
import { silentLogger } from '../../src/base/logger.ts'
import type { ActionContext } from '../../src/base/action.ts'
import type { BackupRequest, OperationEvent, RestoreRequest, TabletControl } from '../../src/http/control.ts'
import type { ListedBackup } from '../../src/model/listed-backup.ts'
import type { Operation } from '../../src/model/operation.ts'
import type { StageTimes } from '../../src/model/stage.ts'
import type { TabletSnapshot } from '../../src/model/snapshot.ts'

export const ALIAS = 'zone1-0000000101'

export const context = (signal: AbortSignal = new AbortController().signal): ActionContext => ({ signal, log: silentLogger() })

export function snapshot(changes: Partial<TabletSnapshot> = {}): TabletSnapshot {
  return {
    observedAtMs: Date.now(), alias: ALIAS, keyspace: 'commerce', shard: '0', hostname: '127.0.0.1', httpPort: 15100, mysqlPort: 3306,
    version: '0.1.0', startedAt: '2026-01-01T00:00:00.000Z', state: 'serving', type: 'REPLICA', targetType: 'REPLICA', drained: false,
    blockers: [], sentence: 'replication runs; nothing to do', mysqld: { running: true, answers: true, writable: false, version: '9.7.4' },
    replication: { source: 'db1:3306', io: 'running', sql: 'running' }, lagSeconds: 0, position: 'MySQL56/',
    shardRecord: { read: 'record' }, data: { hasUserData: true }, ...changes,
  }
}

export function operation(changes: Partial<Operation> = {}): Operation {
  return {
    id: 'op-1', kind: 'backup', state: 'running', startedAt: '2026-01-01T00:00:00.000Z', engine: 'builtin',
    progress: { step: 'copying', doneBytes: 50, totalBytes: 100 }, ...changes,
  }
}

export const BACKUP: ListedBackup = {
  name: '2026-01-01.000000.zone1-0000000101', time: '2026-01-01T00:00:00Z', tabletAlias: ALIAS, status: 'complete', engine: 'builtin',
  position: 'MySQL56/', bytes: 1_048_576, storedBytes: 4096, finishedTime: '2026-01-01T00:01:00Z',
}

export class FakeControl implements TabletControl {
  snapshot: TabletSnapshot | undefined = snapshot()
  turnMs: number | undefined
  operations: Operation[] = []
  backups: ListedBackup[] = [BACKUP]
  /** Thrown by the next call that may fail. */
  failure: Error | undefined
  readonly asked: string[] = []
  #watchers = new Set<() => void>()

  latestSnapshot(): TabletSnapshot | undefined { return this.snapshot }
  lastTurnMs(): number { return this.turnMs ?? Date.now() }

  async observeNow(_ctx: ActionContext): Promise<TabletSnapshot> {
    this.#note('observeNow')
    return await Promise.resolve(this.snapshot ?? snapshot())
  }

  async beginBackup(request: BackupRequest, _ctx: ActionContext): Promise<Operation> {
    return await Promise.resolve(this.#begin('backup', request))
  }

  async beginRestore(request: RestoreRequest, _ctx: ActionContext): Promise<Operation> {
    return await Promise.resolve(this.#begin('restore', request))
  }

  listOperations(): readonly Operation[] { return this.operations }

  stageTotals(): StageTimes { return { read: { bytes: 7, seconds: 0.5 } } }

  getOperation(id: string): Operation {
    const found = this.operations.find((one) => one.id === id)
    if (found === undefined) throw new TabletError('OPERATION_NOT_FOUND', `cannot find operation ${id}`)
    return found
  }

  cancelOperation(id: string): Operation {
    this.#note(`cancel ${id}`)
    this.change(id, { state: 'cancelled', error: { code: 'OPERATION_CANCELLED', message: 'cancelled by request', hint: 'none' } })
    return this.getOperation(id)
  }

  async * operationEvents(id: string, signal: AbortSignal): AsyncIterable<OperationEvent> {
    this.asked.push(`events ${id}`)
    let last: Operation | undefined
    try {
      while (!signal.aborted) {
        const now = this.getOperation(id)
        if (now !== last) yield { event: now.state === 'running' ? 'progress' : 'end', time: new Date().toISOString(), operation: now }
        if (now.state !== 'running') return
        last = now
        const changed = Promise.withResolvers<void>()
        if (this.getOperation(id) !== now) continue
        this.#watchers.add(changed.resolve)
        signal.addEventListener('abort', () => { changed.resolve() }, { once: true })
        await changed.promise
      }
    } finally {
      this.asked.push(`events ${id} ended`)
    }
  }

  async listBackups(_ctx: ActionContext): Promise<readonly ListedBackup[]> {
    this.#note('listBackups')
    return await Promise.resolve(this.backups)
  }

  async getBackup(name: string, _ctx: ActionContext): Promise<ListedBackup> {
    const found = this.backups.find((one) => one.name === name)
    if (found === undefined) throw new TabletError('BACKUP_NOT_FOUND', `cannot find backup ${name}`)
    return await Promise.resolve(found)
  }

  async removeBackup(name: string, ctx: ActionContext): Promise<void> {
    this.#note(`removeBackup ${name}`)
    await this.getBackup(name, ctx)
    this.backups = this.backups.filter((one) => one.name !== name)
  }

  async setType(type: 'drained' | 'target', _ctx: ActionContext): Promise<TabletSnapshot> {
    this.#note(`setType ${type}`)
    this.snapshot = snapshot(type === 'drained' ? { type: 'DRAINED', state: 'drained', drained: true } : {})
    return await Promise.resolve(this.snapshot)
  }

  wake(): void { this.#note('wake') }

  /** Replaces an operation and tells those who follow it. */
  change(id: string, changes: Partial<Operation>): void {
    this.operations = this.operations.map((one) => one.id === id ? { ...one, ...changes } : one)
    const watchers = [...this.#watchers]
    this.#watchers.clear()
    for (const watcher of watchers) watcher()
  }

  #begin(kind: Operation['kind'], request: object): Operation {
    this.#note(`${kind} ${JSON.stringify(request)}`)
    const begun = operation({ id: `op-${this.operations.length + 1}`, kind })
    this.operations.push(begun)
    return begun
  }

  #note(what: string): void {
    this.asked.push(what)
    if (this.failure !== undefined) throw this.failure
  }
}
