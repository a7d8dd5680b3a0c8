/** A restore that an operator asked for: what forbids it, and what follows it. */
import type { ActionContext } from '../base/action.ts'
import { TabletError, asTabletError } from '../base/errors.ts'
import { blocker } from '../model/blocker.ts'
import type { RestoreRequest } from '../http/control.ts'
import type { Operation } from '../model/operation.ts'
import type { TabletState } from '../model/tablet-state.ts'
import type { Parts } from './parts.ts'
import { chooseNow, restoreUntilOneHolds, sentinelPresent } from './restore-operation.ts'
import { superviseRestore } from './restore-supervisor.ts'

export interface RestoreWish {
  readonly alias: string
  readonly state: TabletState
  readonly canStop: boolean
  /** The record names this tablet. */
  readonly isNamedPrimary: boolean
  readonly hasData: boolean
  readonly force: boolean
  readonly confirm: string | undefined
  /** Other live tablets of type REPLICA or RDONLY. */
  readonly otherServing: number
  readonly allowLastReplica: boolean
}

/** Pure. @throws TabletError TYPE_FORBIDS, MYSQLD_NOT_CONTROLLED, CONFIRM_REQUIRED, LAST_REPLICA. */
export function refuseRestore(wish: RestoreWish): void {
  const { alias, state } = wish
  if (!wish.canStop) throw new TabletError('MYSQLD_NOT_CONTROLLED', `cannot restore ${alias}: mysqld-control is none`)
  // in RESTORE there is nothing left to lose, and after a cancel only another request goes on
  if ((wish.isNamedPrimary && state !== 'restore') || state === 'primary') {
    throw new TabletError('TYPE_FORBIDS', `type PRIMARY cannot restore from backup: the shard record names ${alias}; name another tablet first`)
  }
  if (state === 'starting' || state === 'backup') throw new TabletError('TYPE_FORBIDS', `cannot restore ${alias}: it is ${state === 'starting' ? 'still starting' : 'taking a backup'}`)
  if (wish.hasData && !(wish.force && wish.confirm === alias)) {
    throw new TabletError('CONFIRM_REQUIRED', `cannot restore ${alias}: data is present; send force and confirm "${alias}" to replace it`)
  }
  if (state === 'serving' && wish.otherServing === 0 && !wish.allowLastReplica) {
    throw new TabletError('LAST_REPLICA', `cannot restore ${alias}: it is the last healthy replica of its shard`)
  }
}

export async function beginRestore(request: RestoreRequest, parts: Parts, wake: () => void, ctx: ActionContext): Promise<Operation> {
  const { manager, operations, process, view, state, tablet, mysqld, watched } = parts
  if (operations.current === undefined) {
    const server = manager.state === 'restore' ? undefined : await mysqld.observe(ctx).catch(() => undefined)
    refuseRestore({
      alias: tablet.alias, state: manager.state, canStop: process.canStop,
      // the newest record read counts, also while the topology is away or gives an older one
      isNamedPrimary: state.memory.shardRecord?.primary === tablet.alias,
      // a server that cannot be asked may hold anything
      hasData: manager.state !== 'restore' && (server === undefined || server.userSchemas.length > 0 || !server.executed.isEmpty()),
      force: request.force ?? false,
      confirm: request.confirm,
      otherServing: view.tablets.filter(({ live, record }) => live && record.alias !== tablet.alias && (record.type === 'REPLICA' || record.type === 'RDONLY')).length,
      allowLastReplica: request.allowLastReplica ?? false,
    })
  }
  const wanted = { timestamp: request.backupTimestamp, allowedEngines: request.allowedEngines ?? [] }
  return operations.begin('restore', async (operation) => {
    watched.untilAsked = false
    const wasInRestore = manager.state === 'restore'
    if (!wasInRestore) manager.apply('restore-began', `restore ${operation.id} was asked for`)
    wake()
    try {
      const chosen = await chooseNow(wanted, parts, operation.ctx)
      await restoreUntilOneHolds(chosen, wanted, operation, parts)
      watched.untouchable = undefined
      watched.waiting = []
      manager.apply('restored', 'the backup asked for was restored and proved itself')
      wake()
    } catch (error) {
      await leaveAfterFailure({ id: operation.id, wasInRestore }, error, { parts, wake, ctx })
      throw error
    }
  })
}

/** Nothing replaced yet: back as it was. Else it stays in RESTORE and tries by itself, except after a cancel. */
async function leaveAfterFailure(
  operation: { readonly id: string, readonly wasInRestore: boolean },
  error: unknown,
  { parts, wake, ctx }: { readonly parts: Parts, readonly wake: () => void, readonly ctx: ActionContext },
): Promise<void> {
  const { manager, journal, watched } = parts
  const { code, message } = asTabletError(error)
  await journal.clear()
  if (!operation.wasInRestore && !await sentinelPresent(parts)) {
    manager.apply('restore-abandoned', `restore ${operation.id} ended before anything was replaced: ${message}`)
    wake()
    return
  }
  manager.apply('restore-failed', message)
  watched.untilAsked = code === 'OPERATION_CANCELLED'   // also for a supervisor that sleeps meanwhile
  watched.waiting = [blocker('operation-failed', { code, message: code === 'OPERATION_CANCELLED' ? `${message}; it waits until it is asked for again` : message })]
  if (code !== 'OPERATION_CANCELLED') setImmediate(() => { void superviseRestore(parts, wake, ctx) })
}
