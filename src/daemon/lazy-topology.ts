/** A topology that is opened when it is first used, and tried again at each use until that succeeds: the daemon starts without it. */
import type { ActionContext } from '../base/action.ts'
import type { Topology } from '../topology/topology.ts'

export function lazyTopology(kind: string, open: (ctx: ActionContext) => Promise<Topology>): Topology {
  let opened: Topology | undefined
  let opening: Promise<Topology> | undefined
  const topology = async (ctx: ActionContext): Promise<Topology> => {
    if (opened !== undefined) return opened
    opening ??= open(ctx).finally(() => { opening = undefined })
    opened = await opening
    return opened
  }
  return {
    kind,
    readShardRecord: async (shard, ctx) => await (await topology(ctx)).readShardRecord(shard, ctx),
    writeShardRecord: async (record, expected, ctx) => await (await topology(ctx)).writeShardRecord(record, expected, ctx),
    watchShardRecord: async (shard, changed, ctx) => { await (await topology(ctx)).watchShardRecord(shard, changed, ctx) },
    listShards: async (ctx) => await (await topology(ctx)).listShards(ctx),
    publishTablet: async (record, ttlMs, ctx) => { await (await topology(ctx)).publishTablet(record, ttlMs, ctx) },
    withdrawTablet: async (alias, shard, ctx) => { await (await topology(ctx)).withdrawTablet(alias, shard, ctx) },
    listTablets: async (shard, ctx) => await (await topology(ctx)).listTablets(shard, ctx),
    findTablet: async (alias, ctx) => await (await topology(ctx)).findTablet(alias, ctx),
    removeTablet: async (alias, shard, ctx) => { await (await topology(ctx)).removeTablet(alias, shard, ctx) },
    lockShard: async (shard, note, ctx) => await (await topology(ctx)).lockShard(shard, note, ctx),
    [Symbol.asyncDispose]: async () => { await opened?.[Symbol.asyncDispose]() },
  }
}
