/**
 * Brings a server to the state a cold copy needs: read-only, replication stopped, its position read, cleanly stopped.
 *
 * Owns      the order of steps, and what is read when (design.md section 4, Position).
 * Leaves    undoing: the daemon starts mysqld read-only again, and the record decides what it becomes.
 */
import { readIfPresent } from '../base/durable-file.ts'
import { withDeadline, type ActionContext } from '../base/action.ts'
import { TabletError } from '../base/errors.ts'
import type { GtidSet } from '../model/gtid-set.ts'
import { parseGtidSet } from '../model/position.ts'
import type { CopyFacts, Mysqld, ServerIdentity } from '../mysqld/mysqld.ts'
import type { MysqldProcess } from '../mysqld/mysqld-process.ts'

export interface QuiescedSource {
  readonly identity: ServerIdentity
  readonly copy: CopyFacts
  readonly position: GtidSet
  readonly purged: GtidSet
  readonly binlogState: string | undefined
}

export interface QuiesceOptions {
  readonly upgradeSafe: boolean
  readonly stopDeadlineMs: number
  /** Journals innodb_fast_shutdown as it was, before it is changed. */
  readonly beforeFastShutdown: (was: number) => Promise<void>
  readonly beforeStop: () => Promise<void>
  /** Refuses (TABLESPACE_OUTSIDE, ENCRYPTION_UNSUPPORTED) before the stop. */
  readonly check: (copy: CopyFacts) => Promise<void>
}

export async function quiesce(
  options: QuiesceOptions, { mysqld, process }: { readonly mysqld: Mysqld, readonly process: MysqldProcess }, ctx: ActionContext,
): Promise<QuiescedSource> {
  const identity = await mysqld.identity(ctx)
  await mysqld.setReadOnly('on', ctx)
  const wasReplica = await mysqld.replicationStatus(ctx) !== undefined
  if (wasReplica) await mysqld.stopReplication(ctx)
  const copy = await mysqld.copyFacts(ctx)   // now that no statement makes or drops a tablespace
  await options.check(copy)
  const position = await mysqld.executedGtids(ctx)
  const purged = await mysqld.purgedGtids(ctx)
  const binlogState = await mysqld.binlogState(ctx)
  await lowerFastShutdown(options, mysqld, ctx)
  await options.beforeStop()
  await withDeadline('stop mysqld', options.stopDeadlineMs, (bounded) => process.stop(bounded), ctx).catch((error: unknown) => {
    ctx.signal.throwIfAborted()   // the shutdown goes on; that nobody waits for it is the cancel's doing
    throw error
  })
  if (identity.flavor === 'mysql') return { identity, copy, position, purged, binlogState }
  return { identity, copy, purged, ...await mariadbPosition({ identity, position, binlogState, wasReplica }) }
}

/** 2 stops like a crash and its copy would need recovery; 0 leaves no undo for another version to read. */
async function lowerFastShutdown(options: QuiesceOptions, mysqld: Mysqld, ctx: ActionContext): Promise<void> {
  const was = await mysqld.fastShutdown(ctx)
  const wanted = options.upgradeSafe ? 0 : was === 2 ? 1 : undefined
  if (wanted === undefined || wanted === was) return
  await options.beforeFastShutdown(was)
  await mysqld.setFastShutdown(wanted, ctx)
}

interface SeenBeforeTheStop {
  readonly identity: ServerIdentity
  readonly position: GtidSet
  readonly binlogState: string | undefined
  readonly wasReplica: boolean
}

/**
 * MariaDB accounts with READ ONLY ADMIN may write until the stop, so a primary's position is the state that the
 * server itself wrote beside its binary log when it stopped. A replica's is gtid_slave_pos, never gtid_current_pos.
 */
async function mariadbPosition(seen: SeenBeforeTheStop): Promise<Pick<QuiescedSource, 'position' | 'binlogState'>> {
  const base = seen.identity.paths.binlogBase
  if (base === undefined) return { position: seen.position, binlogState: seen.binlogState }
  const text = await readIfPresent(`${base}.state`)
  if (text === undefined) throw new TabletError('MYSQLD_UNCLEAN_STOP', `cannot read the position after the stop: ${base}.state is missing`)
  const lines = text.split('\n').map((line) => line.trim()).filter((line) => line !== '')
  const binlogState = lines.join(',')
  if (seen.wasReplica) return { position: seen.position, binlogState }
  return { position: parseGtidSet('mariadb', lastOfEachDomain(lines).join(',')), binlogState }
}

/** The state file lists a domain's servers with the last writer last. */
function lastOfEachDomain(lines: readonly string[]): readonly string[] {
  const last = new Map<string, string>()
  for (const line of lines) last.set(line.split('-')[0] ?? '', line)
  return [...last.values()]
}
