/**
 * A shard as a command sees it: its record, and what each tablet says of itself. Gathering, and small pure looks at it.
 */
import type { ActionContext } from '../base/action.ts'
import type { ErrorCode } from '../base/error-catalogue.ts'
import { TabletError, hasCode, messageOf } from '../base/errors.ts'
import type { GtidSet } from '../model/gtid-set.ts'
import { parsePosition } from '../model/position.ts'
import type { ShardRecord, TabletRecord } from '../model/records.ts'
import type { TabletSnapshot } from '../model/snapshot.ts'
import type { ShardName, TabletAlias } from '../model/tablet.ts'
import type { RecordVersion, Topology } from '../topology/topology.ts'
import type { TabletClient } from './tablet-client.ts'

export interface TabletView {
  readonly record: TabletRecord
  /** undefined: it could not be asked. */
  readonly snapshot: TabletSnapshot | undefined
}

export interface ShardView {
  readonly name: ShardName
  readonly record: ShardRecord | undefined
  readonly version: RecordVersion | undefined
  readonly tablets: readonly TabletView[]
}

export interface ShardCommandDeps {
  readonly topology: Topology
  readonly client: TabletClient
}

/** A refusal, before anything is changed. */
export interface Refusal {
  readonly do: 'refuse'
  readonly code: ErrorCode
  readonly message: string
}
export const refuse = (code: ErrorCode, message: string): Refusal => ({ do: 'refuse', code, message })

/** Reads the record and asks every tablet that the topology knows. `evenCorrupt`: a corrupt record counts as none, to be replaced. */
export async function viewShard(
  name: ShardName, deps: ShardCommandDeps & { readonly evenCorrupt: boolean }, ctx: ActionContext,
): Promise<ShardView> {
  const stored = await readRecord(name, deps, ctx)
  const listed = await deps.topology.listTablets(name, ctx)
  const tablets = await Promise.all(listed.map(async ({ record }) => ({ record, snapshot: await askTablet(record, deps.client, ctx) })))
  return { name, ...stored, tablets }
}

export async function askTablet(record: TabletRecord, client: TabletClient, ctx: ActionContext): Promise<TabletSnapshot | undefined> {
  try {
    return await client.observe(record, ctx)
  } catch (error) {
    ctx.signal.throwIfAborted()
    ctx.log.debug({ err: error, tablet: record.alias }, `tablet could not be asked: ${messageOf(error)}`)
    return undefined
  }
}

async function readRecord(
  name: ShardName, { topology, evenCorrupt }: { readonly topology: Topology, readonly evenCorrupt: boolean }, ctx: ActionContext,
): Promise<Pick<ShardView, 'record' | 'version'>> {
  try {
    const stored = await topology.readShardRecord(name, ctx)
    return { record: stored?.record, version: stored?.version }
  } catch (error) {
    if (!evenCorrupt || !hasCode(error, 'TOPOLOGY_CORRUPT') || typeof error.details['version'] !== 'string') throw error
    return { record: undefined, version: error.details['version'] }
  }
}

/** The view of one tablet. @throws TabletError TABLET_NOT_FOUND */
export function tabletIn(view: ShardView, alias: TabletAlias): TabletView {
  const found = view.tablets.find(({ record }) => record.alias === alias)
  if (found === undefined) throw new TabletError('TABLET_NOT_FOUND', `cannot find ${alias} in ${view.name.keyspace}/${view.name.shard}`)
  return found
}

/** The newest record that a reachable tablet has read, with what the store holds. */
export function newestRecord(view: ShardView): ShardRecord | undefined {
  const seen = view.tablets.flatMap(({ snapshot }) => [snapshot?.shardRecord.record, snapshot?.shardRecord.cached])
  return [view.record, ...seen].reduce((newest, one) => (one?.term ?? 0) > (newest?.term ?? 0) ? one : newest, undefined)
}

/** A term above every one that the store or a reachable tablet has seen. */
export function nextTerm(view: ShardView): number {
  const before = view.tablets.map(({ snapshot }) => snapshot?.data.newestTermBefore ?? 0)
  return 1 + Math.max(newestRecord(view)?.term ?? 0, ...before)
}

/** What the tablet has executed; undefined when it does not say. */
export const positionIn = (snapshot: TabletSnapshot | undefined): GtidSet | undefined =>
  snapshot?.position === undefined ? undefined : parsePosition(snapshot.position, 'INTERNAL')

/** Waiting for a first backup where there is none: it holds nothing. */
export const waitsForFirstBackup = (snapshot: TabletSnapshot): boolean =>
  snapshot.type === 'RESTORE' && snapshot.blockers.some(({ name }) => name === 'waiting-for-backup')

export const aliasesOf = (tablets: readonly TabletView[]): string => tablets.map(({ record }) => record.alias).join(', ')
