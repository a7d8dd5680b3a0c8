/** What HTTP talks to before the tablet is built: probes read "starting", requests are told to come again. */
import { TabletError } from '../base/errors.ts'
import type { ActionContext } from '../base/action.ts'
import type { BackupRequest, OperationEvent, RestoreRequest, TabletControl } from '../http/control.ts'
import type { ListedBackup } from '../model/listed-backup.ts'
import type { Operation } from '../model/operation.ts'
import type { StageTimes } from '../model/stage.ts'
import type { TabletSnapshot } from '../model/snapshot.ts'

export class StartingControl implements TabletControl {
  readonly #begunMs = Date.now()
  #tablet: TabletControl | undefined

  become(tablet: TabletControl): void { this.#tablet = tablet }

  get #built(): TabletControl {
    if (this.#tablet === undefined) throw new TabletError('TYPE_FORBIDS', 'the daemon is still starting')
    return this.#tablet
  }

  latestSnapshot(): TabletSnapshot | undefined { return this.#tablet?.latestSnapshot() }
  lastTurnMs(): number { return this.#tablet?.lastTurnMs() ?? this.#begunMs }
  async observeNow(ctx: ActionContext): Promise<TabletSnapshot> { return await this.#built.observeNow(ctx) }
  async beginBackup(request: BackupRequest, ctx: ActionContext): Promise<Operation> {
    return await this.#built.beginBackup(request, ctx)
  }
  async beginRestore(request: RestoreRequest, ctx: ActionContext): Promise<Operation> {
    return await this.#built.beginRestore(request, ctx)
  }
  listOperations(): readonly Operation[] { return this.#tablet?.listOperations() ?? [] }
  stageTotals(): StageTimes { return this.#tablet?.stageTotals() ?? {} }
  getOperation(id: string): Operation { return this.#built.getOperation(id) }
  cancelOperation(id: string): Operation { return this.#built.cancelOperation(id) }
  operationEvents(id: string, signal: AbortSignal): AsyncIterable<OperationEvent> { return this.#built.operationEvents(id, signal) }
  async listBackups(ctx: ActionContext): Promise<readonly ListedBackup[]> { return await this.#built.listBackups(ctx) }
  async getBackup(name: string, ctx: ActionContext): Promise<ListedBackup> { return await this.#built.getBackup(name, ctx) }
  async removeBackup(name: string, ctx: ActionContext): Promise<void> { await this.#built.removeBackup(name, ctx) }
  async setType(type: 'drained' | 'target', ctx: ActionContext): Promise<TabletSnapshot> { return await this.#built.setType(type, ctx) }
  wake(): void { this.#tablet?.wake() }
}
