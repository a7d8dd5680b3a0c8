/** What tablets there are, how they are, and what type they are meant to have. */
import type { ActionContext } from '../../base/action.ts'
import { TabletError, messageOf } from '../../base/errors.ts'
import type { ShardRecord } from '../../model/records.ts'
import type { TabletSnapshot } from '../../model/snapshot.ts'
import { formatShardName, parseAlias, parseShardName, type ShardName } from '../../model/tablet.ts'
import type { ListedTablet } from '../../topology/topology.ts'
import type { CtlCommand } from '../command.ts'
import type { Session } from '../session.ts'
import { askTablet } from '../tablet-client.ts'
import { printable, seconds, table } from '../text.ts'

interface SeenTablet extends ListedTablet {
  /** Absent when its daemon does not answer. */
  readonly snapshot?: TabletSnapshot
}

const listTablets: CtlCommand = {
  name: 'list-tablets', aliases: ['ListTablets', 'GetTablets', 'get-tablets', 'ListAllTablets', 'list-all-tablets', 'ListShardTablets', 'list-shard-tablets'],
  args: ['[keyspace/shard]'],
  summary: 'lists tablets with what their daemons say',
  options: [{ name: 'keyspace', value: '<name>', doc: 'only this keyspace' }],
  run: async ({ args, options }, session, ctx) => {
    const topology = await session.topology(ctx)
    const asked = args[0] === undefined ? await topology.listShards(ctx) : [parseShardName(args[0])]
    const shards = options['keyspace'] === undefined ? asked : asked.filter(({ keyspace }) => keyspace === options['keyspace'])
    const found = await Promise.all(shards.map(async (shard) => ({
      record: (await topology.readShardRecord(shard, ctx))?.record, tablets: await seenTablets(session, shard, ctx),
    })))
    const records = found.flatMap(({ record }) => record ?? [])
    const tablets = found.flatMap((one) => one.tablets)
    session.output.print(session.output.json ? JSON.stringify({ shards: records, tablets }, null, 2) : tabletTable(tablets, records))
  },
}

async function seenTablets(session: Session, shard: ShardName, ctx: ActionContext): Promise<readonly SeenTablet[]> {
  const listed = await (await session.topology(ctx)).listTablets(shard, ctx)
  return await Promise.all(listed.map(async (tablet) => {
    const snapshot = await session.snapshotOf(tablet, ctx)
    return snapshot === undefined ? tablet : { ...tablet, snapshot }
  }))
}

function tabletTable(tablets: readonly SeenTablet[], records: readonly ShardRecord[]): string {
  if (tablets.length === 0) return 'no tablets'
  return table(['ALIAS', 'SHARD', 'TYPE', 'LAG', 'MYSQLD', 'HTTP', 'STATE'], tablets.map(({ record, live, snapshot }) => {
    const recorded = records.some((one) => one.primary === record.alias && one.keyspace === record.keyspace && one.shard === record.shard)
    const type = snapshot?.type ?? record.type
    return [
      record.alias, formatShardName(record), recorded && type !== 'PRIMARY' ? `${type} (recorded primary)` : type,
      snapshot?.lagSeconds === undefined ? '-' : seconds(snapshot.lagSeconds), `${record.hostname}:${record.mysqlPort}`, `${record.hostname}:${record.httpPort}`,
      stateOf({ live, snapshot }),
    ]
  }))
}

function stateOf({ live, snapshot }: { readonly live: boolean, readonly snapshot: TabletSnapshot | undefined }): string {
  if (!live) return 'its daemon is dead'
  if (snapshot === undefined) return 'its daemon does not answer'
  return snapshot.blockers.length === 0 ? 'healthy' : snapshot.blockers.map(({ name }) => name).join(', ')
}

const getTablet: CtlCommand = {
  name: 'get-tablet', aliases: ['GetTablet'], args: ['<alias>'], options: [{ name: 'fresh', doc: 'have the daemon look at mysqld now' }],
  summary: 'shows what is known of a tablet',
  run: async ({ args, options }, session, ctx) => {
    const alias = parseAlias(args[0] ?? '')
    const target = await session.tablet(alias, ctx)
    try {
      const snapshot = await askTablet(target, { method: 'GET', path: options['fresh'] === true ? '/v1/tablet?fresh=1' : '/v1/tablet' }, ctx.signal) as TabletSnapshot
      session.output.print(session.output.json ? JSON.stringify({ alias, snapshot }, null, 2) : describe(snapshot))
    } catch (error) {
      ctx.signal.throwIfAborted()
      const found = await session.topology(ctx).then((topology) => topology.findTablet(alias, ctx)).catch(() => undefined)
      if (found === undefined) throw error
      // the record is what is left to tell; that the tablet itself was not reached is part of it
      session.output.print(session.output.json
        ? JSON.stringify({ alias, ...found, problem: messageOf(error) }, null, 2)
        : table(['FACT', 'VALUE'], [...Object.entries(found.record).map(([name, value]) => [name, String(typeof value === 'object' ? JSON.stringify(value) : value)]),
          ['daemon', found.live ? messageOf(error) : 'dead']]))
    }
  },
}

function describe(seen: TabletSnapshot): string {
  const record = seen.shardRecord.record ?? seen.shardRecord.cached
  const { replication, mysqld } = seen
  const facts: readonly (readonly [string, string | undefined])[] = [
    ['alias', seen.alias], ['shard', formatShardName(seen)], ['type', `${seen.type} (target ${seen.targetType}${seen.drained ? ', drained' : ''})`],
    ['state', seen.state], ['says', seen.sentence],
    ['shard record', record === undefined ? `none (${seen.shardRecord.read})` : `primary ${record.primary}, term ${record.term} (${seen.shardRecord.read})`],
    ['mysqld', `${mysqld.version ?? 'unknown version'}, ${mysqld.answers ? 'answers' : mysqld.running ? 'does not answer' : 'is down'}${mysqld.writable === undefined ? '' : mysqld.writable ? ', writable' : ', read-only'}`],
    ['replication', replication === undefined ? 'none' : `from ${replication.source}, IO ${replication.io}, SQL ${replication.sql}${replication.error === undefined ? '' : `: ${replication.error}`}`],
    ['lag', seen.lagSeconds === undefined ? 'unknown' : seconds(seen.lagSeconds)], ['position', seen.position],
    ['restored from', seen.data.restoredFrom],
    ['operation', seen.operation === undefined ? undefined : `${seen.operation.kind} ${seen.operation.id}: ${seen.operation.state}, ${seen.operation.progress.step}`],
    ...seen.blockers.map((one) => ['blocker', `${one.name}: ${one.message}${one.nextTry === undefined ? '' : `; next try ${one.nextTry}`}`] as const),
  ]
  const width = Math.max(...facts.map(([name]) => name.length))
  return facts.filter(([, value]) => value !== undefined).map(([name, value]) => `${name.padEnd(width)}  ${printable(value ?? '')}`).join('\n')
}

const changeType: CtlCommand = {
  name: 'change-tablet-type', aliases: ['ChangeTabletType', 'ChangeSlaveType', 'change-slave-type'], args: ['<alias>', '<type>'], options: [],
  summary: 'drains a tablet (drained), or returns it to its target type (replica, rdonly)',
  run: async ({ args: [aliasText = '', type = ''] }, session, ctx) => {
    const alias = parseAlias(aliasText)
    if (!/^(drained|replica|rdonly)$/i.test(type)) {
      throw new TabletError('BAD_REQUEST', `cannot change ${alias} to ${JSON.stringify(type)}: it must be drained, or its target type (replica or rdonly); every other type follows by itself`)
    }
    const target = await session.tablet(alias, ctx)
    const snapshot = await askTablet(target, { method: 'PUT', path: '/v1/tablet/type', body: { type: type.toLowerCase() } }, ctx.signal) as TabletSnapshot
    session.output.print(session.output.json ? JSON.stringify({ alias, snapshot }, null, 2) : `${alias} is ${snapshot.type}${snapshot.drained ? '' : `, on its way to ${snapshot.targetType}`}`)
  },
}

export const tabletCommands: readonly CtlCommand[] = [listTablets, getTablet, changeType]
