/** Whether a backup may begin now: everything that can be told before the tablet leaves its type. */
import { readWithin, withDeadline, type ActionContext } from '../base/action.ts'
import { TabletError, hasCode } from '../base/errors.ts'
import type { BackupEngine } from '../engine/backup-engine.ts'
import type { BackupRequest } from '../http/control.ts'
import type { TabletState } from '../model/tablet-state.ts'
import { refuseLastAcknowledger } from '../replication/semi-sync.ts'
import type { Mysqld } from '../mysqld/mysqld.ts'
import type { BackupStorage } from '../storage/backup-storage.ts'
import type { Parts } from './parts.ts'

export interface CheckedBackup {
  readonly request: BackupRequest
  readonly engine: BackupEngine
  readonly storage: BackupStorage
}

const STORAGE_DEADLINE_MS = 5_000
const LOOK_DEADLINE_MS = 4_000
const SOURCE_DEADLINE_MS = 5_000

export interface BackupWish {
  readonly state: TabletState
  readonly stopsMysqld: boolean
  readonly canStop: boolean
  readonly allowPrimary: boolean
  readonly alias: string
}

/** Pure. @throws TabletError PRIMARY_NEEDS_ALLOW_PRIMARY, TYPE_FORBIDS, MYSQLD_NOT_CONTROLLED. */
export function refuseBackup(wish: BackupWish): void {
  const { state, alias } = wish
  if (state === 'primary' && !wish.allowPrimary) {
    throw new TabletError('PRIMARY_NEEDS_ALLOW_PRIMARY', 'type PRIMARY cannot take backup. if you really need to do this, rerun the backup command with --allow-primary')
  }
  if (state === 'starting' || state === 'restore' || state === 'backup') {
    throw new TabletError('TYPE_FORBIDS', `cannot back up ${alias}: it is ${state === 'starting' ? 'still starting' : state === 'restore' ? 'being restored' : 'taking a backup'}`)
  }
  if (wish.stopsMysqld && !wish.canStop) throw new TabletError('MYSQLD_NOT_CONTROLLED', `cannot back up ${alias}: the engine stops mysqld, and mysqld-control is none`)
}

export async function checkBackup(request: BackupRequest, parts: Parts, ctx: ActionContext): Promise<CheckedBackup> {
  const { config, storage, engines, shard, mysqld, operations } = parts
  if (storage === undefined) throw new TabletError('STORAGE_NOT_CONFIGURED', 'cannot back up: backup-storage-implementation is not set')
  const name = request.engine ?? config['backup-engine-implementation']
  const engine = engines.find((candidate) => candidate.name === name)
  if (engine === undefined) throw new TabletError('BAD_REQUEST', `cannot back up by engine ${name}: this version has ${engines.map((each) => each.name).join(', ')}`)
  const stopsMysqld = engine.properties.mysqldDuringBackup === 'stopped'
  if (operations.current === undefined) {
    refuseNow({ request, engine }, parts)
    await mysqld.identity(ctx)   // a server that cannot be asked cannot be quiesced
    if (stopsMysqld) await refuseLastOne(parts, ctx)
    await readWithin('list the backups', STORAGE_DEADLINE_MS, (bounded) => storage.listBackups(shard, bounded), ctx)
    await refuseUncopied(engine, mysqld, ctx)
  }
  return { request, engine, storage }
}

/**
 * Better now than when the tablet has left its type, where it is judged again with nobody writing: so a server whose
 * many tables take too long goes on, and one refusal is not believed, for a table may be dropped while one looks.
 */
async function refuseUncopied(engine: BackupEngine, mysqld: Pick<Mysqld, 'copyFacts'>, ctx: ActionContext): Promise<void> {
  const look = async (bounded: ActionContext): Promise<void> => { await engine.preflight(await mysqld.copyFacts(bounded)) }
  await withDeadline('look at what there is to copy', LOOK_DEADLINE_MS, async (bounded) => {
    await look(bounded).catch(() => look(bounded))
  }, ctx).catch((error: unknown) => {
    ctx.signal.throwIfAborted()
    if (!hasCode(error, 'DEADLINE_EXCEEDED', 'QUERY_TIMEOUT')) throw error
  })
}

/** As the tablet is at this moment. @throws TabletError as refuseBackup. */
export function refuseNow({ request, engine }: Omit<CheckedBackup, 'storage'>, { manager, process, tablet }: Pick<Parts, 'manager' | 'process' | 'tablet'>): void {
  refuseBackup({
    state: manager.state, stopsMysqld: engine.properties.mysqldDuringBackup === 'stopped', canStop: process.canStop,
    allowPrimary: request.allowPrimary ?? false, alias: tablet.alias,
  })
}

/** The last acknowledging replica: without it the primary's commits would block. The primary itself says how many there are. */
async function refuseLastOne({ mysqld, manager, lookAtSource }: Parts, ctx: ActionContext): Promise<void> {
  if (manager.state === 'primary') return
  const { semiSync, replication } = await mysqld.observe(ctx)
  if (!semiSync.replicaActive || replication === undefined) return
  const primary = await withDeadline('look at the primary', SOURCE_DEADLINE_MS, (bounded) => lookAtSource(replication.source, bounded), ctx)
    .catch((error: unknown) => {
      ctx.signal.throwIfAborted()
      ctx.log.warn({ err: error }, 'the primary could not be asked who acknowledges its commits; the backup goes on')
      return undefined
    })
  refuseLastAcknowledger(semiSync, primary?.semiSync)
}
