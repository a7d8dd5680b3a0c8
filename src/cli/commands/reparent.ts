/** Naming the primary of a shard. The decisions are replication's; this fits HTTP and the command line to them. */
import type { ActionContext } from '../../base/action.ts'
import { parseDuration } from '../../base/duration.ts'
import { TabletError } from '../../base/errors.ts'
import type { ShardRecord, TabletRecord } from '../../model/records.ts'
import type { TabletSnapshot } from '../../model/snapshot.ts'
import { formatShardName, parseAlias, parseShardName, type ShardName, type TabletAlias } from '../../model/tablet.ts'
import { initShardPrimary } from '../../replication/init-shard-primary.ts'
import { plannedReparent } from '../../replication/planned-reparent.ts'
import type { TabletClient } from '../../replication/tablet-client.ts'
import { chooseNewPrimary } from '../choose-new-primary.ts'
import type { CommandInput, CommandOption, CtlCommand } from '../command.ts'
import type { Session } from '../session.ts'
import { askTablet, type TabletRequest } from '../tablet-client.ts'
import { seconds } from '../text.ts'

const OBSERVE_MS = 22_000   // the daemon may finish one look of 10 s at mysqld before it begins ours
const DEFAULT_WAIT = '30s'
const DEFAULT_LAG = '10s'

const WAIT: CommandOption = {
  name: 'wait-replicas-timeout', value: '<duration>', aliases: ['wait-slave-timeout'],
  doc: `how long the tablets may take to follow (default: ${DEFAULT_WAIT})`,
}

const init: CtlCommand = {
  name: 'init-shard-primary', aliases: ['InitShardPrimary', 'InitShardMaster', 'init-shard-master'], args: ['<keyspace/shard>', '<alias>'],
  summary: 'names the first primary of a shard, or a new one when the old is lost (--force)',
  options: [WAIT, { name: 'force', doc: 'replace a record that exists, pass over tablets that do not answer, and undrain the one named' }],
  run: async ({ args: [shardText = '', aliasText = ''], options }, session, ctx) => {
    const shard = parseShardName(shardText)
    const waitMs = durationOf(options, 'wait-replicas-timeout', DEFAULT_WAIT)
    const request = { shard, primary: parseAlias(aliasText), force: options['force'] === true, waitMs }
    const deps = { topology: await session.topology(ctx), client: shardClient(session) }
    const { record, passedOver } = await initShardPrimary(request, deps, ctx)
    for (const alias of passedOver) session.output.progress.write(`passed over ${alias}, which could not be asked\n`)
    session.output.print(session.output.json ? JSON.stringify({ record, passedOver }, null, 2) : named(record))
  },
}

const reparent: CtlCommand = {
  name: 'planned-reparent-shard', aliases: ['PlannedReparentShard'], args: ['<keyspace/shard>', '[new-primary]'],
  summary: 'gives the shard to another tablet without losing a transaction',
  options: [
    { name: 'new-primary', value: '<alias>', aliases: ['new-master'], doc: 'the tablet to take over (default: the fittest replica)' },
    { name: 'avoid-primary', value: '<alias>', aliases: ['avoid-master'], doc: 'do nothing unless this tablet is the primary' },
    { name: 'tolerable-replication-lag', value: '<duration>', doc: `refuse a tablet that lags more: writes wait that long (default: ${DEFAULT_LAG})` },
    WAIT,
  ],
  run: async ({ args, options }, session, ctx) => {
    const shard = parseShardName(args[0] ?? '')
    const waitMs = durationOf(options, 'wait-replicas-timeout', DEFAULT_WAIT)
    const maxLagSeconds = durationOf(options, 'tolerable-replication-lag', DEFAULT_LAG) / 1000
    const primary = await newPrimary(shard, { args, options }, session, ctx)
    const deps = { topology: await session.topology(ctx), client: shardClient(session) }
    if (primary === undefined) return   // already said: there was nothing to do
    const { record, former, tookMs } = await plannedReparent({ shard, primary, takeoverMs: waitMs, waitMs, maxLagSeconds }, deps, ctx)
    session.output.print(session.output.json
      ? JSON.stringify({ record, former, tookMs }, null, 2)
      : former === record.primary && tookMs === 0
        ? `${record.primary} is the primary of ${formatShardName(record)} already, term ${record.term}`
        : `${named(record)}; it took over from ${former} in ${seconds(tookMs / 1000)}`)
  },
}

/** The tablet asked for, or the fittest; undefined when `--avoid-primary` names one that is not the primary. */
async function newPrimary(
  shard: ShardName, { args, options }: CommandInput, session: Session, ctx: ActionContext,
): Promise<TabletAlias | undefined> {
  const wished = options['new-primary'] ?? args[1]
  const avoid = typeof options['avoid-primary'] === 'string' ? parseAlias(options['avoid-primary']) : undefined
  const record = (await (await session.topology(ctx)).readShardRecord(shard, ctx))?.record
  if (avoid !== undefined && record !== undefined && record.primary !== avoid) {
    const nothing = `${avoid} is not the primary of ${formatShardName(shard)}; nothing to do`
    session.output.print(session.output.json ? JSON.stringify({ record, former: record.primary, tookMs: 0 }, null, 2) : nothing)
    return undefined
  }
  if (typeof wished === 'string') return parseAlias(wished)
  if (record === undefined) throw new TabletError('NO_SHARD_PRIMARY', `cannot reparent ${formatShardName(shard)}: it has no primary yet`)
  const tablets = await session.listTablets(shard, ctx)
  return chooseNewPrimary(await session.candidates(tablets, ctx), record.primary)
}

/** Replication's shard commands over our HTTP. */
export function shardClient(session: Session): TabletClient {
  const ask = async (record: TabletRecord, request: TabletRequest, ctx: ActionContext): Promise<unknown> =>
    await askTablet(await session.target(record, ctx), request, ctx.signal)
  return {
    observe: async (record, ctx) => await ask(record, { method: 'GET', path: '/v1/tablet?fresh=1', timeoutMs: OBSERVE_MS }, ctx) as TabletSnapshot,
    setType: async (record, type, ctx) => await ask(record, { method: 'PUT', path: '/v1/tablet/type', body: { type } }, ctx) as TabletSnapshot,
    wake: async (record, ctx) => { await ask(record, { method: 'POST', path: '/v1/tablet/wake' }, ctx) },
  }
}

const named = (record: ShardRecord): string => `${record.primary} is the primary of ${formatShardName(record)}, term ${record.term}`

function durationOf(options: CommandInput['options'], name: string, byDefault: string): number {
  const text = options[name]
  const ms = parseDuration(typeof text === 'string' ? text : byDefault)
  if (ms === undefined) throw new TabletError('BAD_REQUEST', `cannot read --${name} ${JSON.stringify(text)}: it must be a duration, as 30s`)
  return ms
}

export const reparentCommands: readonly CtlCommand[] = [init, reparent]
