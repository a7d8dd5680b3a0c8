/** The shard record of a shard under test, read and written beside its daemons. */
import { silentLogger } from '../../src/base/logger.ts'
import type { ShardRecord } from '../../src/model/records.ts'
import { openFileTopology } from '../../src/topology/file-topology.ts'
import type { TestShard } from './shard.ts'

const context = () => ({ signal: AbortSignal.timeout(10_000), log: silentLogger() })

/** @throws Error when there is none. */
export async function readShardRecord(shard: TestShard): Promise<ShardRecord> {
  await using topology = await openFileTopology({ root: shard.place.topology, create: false }, context())
  const found = await topology.readShardRecord(shard.place, context())
  if (found === undefined) throw new Error('there is no shard record')
  return found.record
}

/** Replaces the record by what `change` makes of it. */
export async function changeShardRecord(shard: TestShard, change: (record: ShardRecord) => ShardRecord): Promise<ShardRecord> {
  await using topology = await openFileTopology({ root: shard.place.topology, create: false }, context())
  const found = await topology.readShardRecord(shard.place, context())
  if (found === undefined) throw new Error('there is no shard record')
  return (await topology.writeShardRecord(change(found.record), found.version, context())).record
}
