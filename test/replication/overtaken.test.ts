/** A term that was followed by another in the moment in which its primary turned writable. */
import t from 'tap'
import type { ShardRecord } from '../../src/model/records.ts'
import type { Mysqld } from '../../src/mysqld/mysqld.ts'
import { promote } from '../../src/replication/promote.ts'
import type { Topology } from '../../src/topology/topology.ts'
import { serverFacts } from '../daemon/builders.ts'
import { alias, ctx, record } from './builders.ts'

/** The record as each read in turn finds it; the last one stays. */
function rig(reads: readonly (ShardRecord | 'away')[]) {
  const did: string[] = []
  let read = 0
  const mysqld = {
    replicationStatus: async () => undefined,
    executedGtids: async () => serverFacts().executed,
    removeReplicationChannel: async () => undefined,
    observe: async () => serverFacts(),
    setReadOnly: async (mode: string) => { did.push(`read-only ${mode}`) },
    setOfflineMode: async () => { did.push('open'); return true },
  } as unknown as Mysqld
  const topology = {
    readShardRecord: async () => {
      const found = reads[Math.min(read++, reads.length - 1)]
      if (found === undefined || found === 'away') throw new Error('away')
      return { record: found, version: 'v' }
    },
  } as unknown as Topology
  const beforeWritable = async (): Promise<void> => { did.push('noted') }
  const run = () => promote({ record: record(), semiSync: 'unset', applyWaitSeconds: 1, beforeWritable }, { mysqld, topology }, ctx)
  return { run, did }
}

t.test('it is noted that this server may write before it does', async (t) => {
  const { run, did } = rig([record()])
  t.match(await run(), { done: true })
  t.same(did, ['noted', 'read-only off', 'open'])
})

t.test('a newer term that was written meanwhile is seen at once, and this server is read-only again', async (t) => {
  const { run, did } = rig([record(), record({ term: 4, primary: alias(102) })])
  await t.rejects(run(), { code: 'TOPOLOGY_CONFLICT', message: /zone1-0000000102 for term 4/ })
  t.same(did, ['noted', 'read-only off', 'read-only on'], 'and it was never opened to clients')
})

t.test('a topology that is away just then takes nothing from a term that was taken', async (t) => {
  const { run, did } = rig([record(), 'away'])
  t.match(await run(), { done: true })
  t.same(did, ['noted', 'read-only off', 'open'])
})
