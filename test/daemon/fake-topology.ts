/** A topology in memory whose calls can be made to fail or wait. */
import { TabletError } from '../../src/base/errors.ts'
import type { ActionContext } from '../../src/base/action.ts'
import type { ShardRecord, TabletRecord } from '../../src/model/records.ts'
import type { Topology } from '../../src/topology/topology.ts'

export interface FakeTopology extends Topology {
  record: ShardRecord | undefined
  tablets: { record: TabletRecord, live: boolean }[]
  /** What every call does first: throw, or wait. */
  before: (call: string, ctx: ActionContext) => Promise<void>
  /** The calls that were made, in order. */
  readonly calls: string[]
  readonly published: TabletRecord[]
}

export const away = (): Promise<void> => Promise.reject(new TabletError('TOPOLOGY_UNREACHABLE', 'no answer'))
/** Until the caller gives up. */
export const hang = (_call: string, { signal }: ActionContext): Promise<void> => new Promise((_resolve, reject) => {
  signal.addEventListener('abort', () => { reject(signal.reason as Error) }, { once: true })
})

export function fakeTopology(record?: ShardRecord): FakeTopology {
  const begin = async (call: string, ctx: ActionContext): Promise<void> => {
    topology.calls.push(call)
    await topology.before(call, ctx)
  }
  const never = (): never => { throw new Error('not part of this test') }
  const topology: FakeTopology = {
    kind: 'fake', record, tablets: [], calls: [], published: [],
    before: () => Promise.resolve(),
    readShardRecord: async (_shard, ctx) => {
      await begin('read', ctx)
      return topology.record === undefined ? undefined : { record: topology.record, version: `v${topology.record.term}` }
    },
    listTablets: async (_shard, ctx) => {
      await begin('list', ctx)
      return topology.tablets
    },
    publishTablet: async (tablet, _ttlMs, ctx) => {
      await begin('publish', ctx)
      topology.published.push(tablet)
    },
    withdrawTablet: async (alias, _shard, ctx) => { await begin(`withdraw ${alias}`, ctx) },
    writeShardRecord: never, watchShardRecord: never, listShards: never, findTablet: never, removeTablet: never, lockShard: never,
    [Symbol.asyncDispose]: () => {
      topology.calls.push('dispose')
      return Promise.resolve()
    },
  }
  return topology
}
