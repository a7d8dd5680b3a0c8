/** What HTTP needs from the tablet. Declared by the one who asks; the daemon fits itself to it. */
import type { ActionContext } from '../base/action.ts'
import type { Operation } from '../model/operation.ts'
import type { StageTimes } from '../model/stage.ts'
import type { TabletSnapshot } from '../model/snapshot.ts'
import type { ListedBackup } from '../model/listed-backup.ts'

export interface TabletControl {
  /** The latest snapshot, or undefined before the first look; answers at once. */
  latestSnapshot(): TabletSnapshot | undefined
  /** When the control loop last completed a turn, milliseconds since the epoch. */
  lastTurnMs(): number

  /** A freshly observed snapshot: waits for one look at mysqld, bounded by the context. For shard commands, never for probes. */
  observeNow(ctx: ActionContext): Promise<TabletSnapshot>

  /**
   * Begins a backup and answers at once.
   * @throws TabletError OPERATION_RUNNING (details.operation), PRIMARY_NEEDS_ALLOW_PRIMARY, TYPE_FORBIDS,
   *   LAST_SEMI_SYNC_REPLICA, STORAGE_UNREACHABLE, MYSQLD_NOT_CONTROLLED; TABLESPACE_OUTSIDE, ENCRYPTION_UNSUPPORTED,
   *   ENGINE_NOT_COPIED where the engine cannot copy what the server holds.
   */
  beginBackup(request: BackupRequest, ctx: ActionContext): Promise<Operation>
  /** @throws TabletError as beginBackup, and CONFIRM_REQUIRED, LAST_REPLICA. */
  beginRestore(request: RestoreRequest, ctx: ActionContext): Promise<Operation>

  listOperations(): readonly Operation[]
  /** What passed the stages of all operations since the daemon began. */
  stageTotals(): StageTimes
  /** @throws TabletError OPERATION_NOT_FOUND */
  getOperation(id: string): Operation
  /** Asks the operation to stop and be undone; answers with it as it is now. */
  cancelOperation(id: string): Operation
  /** Past events of the operation, then new ones until it ends or the signal aborts. */
  operationEvents(id: string, signal: AbortSignal): AsyncIterable<OperationEvent>

  listBackups(ctx: ActionContext): Promise<readonly ListedBackup[]>
  getBackup(name: string, ctx: ActionContext): Promise<ListedBackup>
  removeBackup(name: string, ctx: ActionContext): Promise<void>

  /** 'drained', or back to the target type. Durable. @throws TabletError TYPE_FORBIDS for the recorded primary. */
  setType(type: 'drained' | 'target', ctx: ActionContext): Promise<TabletSnapshot>

  /** Resolves when the topology has been read again and acted on once: shard commands call it to hurry a tablet. */
  wake(): void
}

export interface BackupRequest {
  readonly engine?: string
  readonly concurrency?: number
  readonly allowPrimary?: boolean
  readonly upgradeSafe?: boolean
}

export interface RestoreRequest {
  /** Newest complete backup with BackupTime at or before it: `YYYY-MM-DD.HHMMSS` (UTC). */
  readonly backupTimestamp?: string
  readonly allowedEngines?: readonly string[]
  readonly force?: boolean
  /** The alias of this tablet, as typed by whoever wants its data replaced. */
  readonly confirm?: string
  readonly allowLastReplica?: boolean
}

export interface OperationEvent {
  readonly event: 'progress' | 'log' | 'end'
  readonly time: string
  readonly operation: Operation
  readonly message?: string
}
