/**
 * The two writes a daemon makes to the shard record: the primary takes its term, the former primary says where the
 * last one ended. Both by compare-and-set, and both only while the record is still the one that was acted upon.
 */
import type { ActionContext } from '../base/action.ts'
import { TabletError, hasCode } from '../base/errors.ts'
import type { GtidSet } from '../model/gtid-set.ts'
import { formatPosition } from '../model/position.ts'
import type { ShardRecord } from '../model/records.ts'
import { formatShardName } from '../model/tablet.ts'
import type { Topology } from '../topology/topology.ts'

/**
 * Takes the term of `seen` for its primary, before that turns writable. Taken already: nothing to do.
 *
 * @throws TabletError TOPOLOGY_CONFLICT when the record is no longer that of this term; TOPOLOGY_UNREACHABLE.
 */
export function claimTerm(topology: Topology, seen: ShardRecord, ctx: ActionContext): Promise<ShardRecord> {
  return amendRecord(topology, seen, (record) => record.claimed === true ? undefined : { ...record, claimed: true }, ctx)
}

/**
 * Adds the position at which the former primary's term ended, once it is read-only for good. There already: nothing to do.
 *
 * @throws TabletError as `claimTerm`.
 */
export function addStart(topology: Topology, seen: ShardRecord, final: GtidSet, ctx: ActionContext): Promise<ShardRecord> {
  return amendRecord(topology, seen, (record) => record.start !== undefined ? undefined : { ...record, start: formatPosition(final) }, ctx)
}

async function amendRecord(
  topology: Topology, seen: ShardRecord, amend: (record: ShardRecord) => ShardRecord | undefined, ctx: ActionContext,
): Promise<ShardRecord> {
  for (;;) {
    const current = await topology.readShardRecord(seen, ctx)
    if (current?.record.term !== seen.term || current.record.primary !== seen.primary) {
      const now = current === undefined ? 'there is no record' : `it names ${current.record.primary} for term ${current.record.term}`
      throw new TabletError('TOPOLOGY_CONFLICT', `cannot act on term ${seen.term} of ${formatShardName(seen)}: ${now}`)
    }
    const amended = amend(current.record)
    if (amended === undefined) return current.record
    try {
      return (await topology.writeShardRecord(amended, current.version, ctx)).record
    } catch (error) {
      if (!hasCode(error, 'TOPOLOGY_CONFLICT')) throw error   // somebody amended the same term: look again
    }
  }
}
