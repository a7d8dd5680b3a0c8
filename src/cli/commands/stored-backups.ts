/** The backups of a shard: through any live tablet of it, or straight in the storage with --direct. */
import { withDeadline, type ActionContext } from '../../base/action.ts'
import { TabletError, hasCode } from '../../base/errors.ts'
import type { ListedBackup } from '../../model/listed-backup.ts'
import { parseShardName, type ShardName } from '../../model/tablet.ts'
import { describeBackup, readBackups } from '../../storage/read-backups.ts'
import { DIRECT, type CtlCommand } from '../command.ts'
import type { Session } from '../session.ts'
import { askTablet, type TabletRequest } from '../tablet-client.ts'
import { size, table } from '../text.ts'

const LIST_MS = 90_000          // above the 60 s that the daemon gives its storage
const REMOVE_MS = 30 * 60_000   // a large backup in an object store is many requests

const list: CtlCommand = {
  name: 'list-backups', aliases: ['ListBackups', 'GetBackups', 'get-backups'], args: ['<keyspace/shard>'],
  summary: 'lists the backups of a shard, oldest first',
  options: [DIRECT, { name: 'limit', short: 'l', value: '<n>', doc: 'only the newest n' }],
  run: async ({ args, options }, session, ctx) => {
    const shard = parseShardName(args[0] ?? '')
    const limit = options['limit'] === undefined ? 0 : Number(options['limit'])
    if (!Number.isInteger(limit) || limit < 0) throw new TabletError('BAD_REQUEST', `cannot read --limit ${JSON.stringify(options['limit'])}: it must be a whole number`)
    const all = options['direct'] === true ? await listDirectly(session, shard, ctx) : await listThroughTablet(session, shard, ctx)
    const backups = limit === 0 ? all : all.slice(-limit)
    session.output.print(session.output.json ? JSON.stringify({ backups }, null, 2) : backupTable(backups))
  },
}

const remove: CtlCommand = {
  name: 'remove-backup', aliases: ['RemoveBackup'], args: ['<keyspace/shard>', '<name>'],
  summary: 'removes a backup with all its files', options: [DIRECT],
  run: async ({ args: [shardText = '', name = ''], options }, session, ctx) => {
    const shard = parseShardName(shardText)
    if (options['direct'] === true) {
      const names = await session.storage().listBackups(shard, ctx)
      if (!names.includes(name)) throw new TabletError('BACKUP_NOT_FOUND', `cannot find backup ${name} of ${shardText}`)
      await session.storage().removeBackup(shard, name, ctx)
    } else {
      await throughAnyTablet(session, { shard, request: { method: 'DELETE', path: `/v1/backups/${encodeURIComponent(name)}`, timeoutMs: REMOVE_MS } }, ctx)
    }
    session.output.print(session.output.json ? JSON.stringify({ removed: name }, null, 2) : `removed ${name}`)
  },
}

const listDirectly = async (session: Session, shard: ShardName, ctx: ActionContext): Promise<readonly ListedBackup[]> =>
  (await withDeadline('list backups', LIST_MS, (under) => readBackups(session.storage(), shard, under), ctx)).map((found) => describeBackup(found, {}))

async function listThroughTablet(session: Session, shard: ShardName, ctx: ActionContext): Promise<readonly ListedBackup[]> {
  const answer = await throughAnyTablet(session, { shard, request: { method: 'GET', path: '/v1/backups', timeoutMs: LIST_MS } }, ctx)
  return (answer as { readonly backups: readonly ListedBackup[] }).backups
}

/** Asks the tablets of the shard in turn until one answers; what a tablet answers, an error too, is the answer. */
async function throughAnyTablet(
  session: Session, asked: { readonly shard: ShardName, readonly request: TabletRequest }, ctx: ActionContext,
): Promise<unknown> {
  const tablets = await session.listTablets(asked.shard, ctx)
  const live = tablets.filter((tablet) => tablet.live)
  let silence: TabletError | undefined
  for (const tablet of live) {
    try {
      return await askTablet(await session.target(tablet.record, ctx), asked.request, ctx.signal)
    } catch (error) {
      ctx.signal.throwIfAborted()
      // a removal that was cut short may be repeated: what is gone stays gone
      if (!hasCode(error, 'TABLET_UNREACHABLE', 'TABLET_NOT_FOUND', 'STORAGE_NOT_CONFIGURED', 'STOPPING')) throw error
      silence = error
    }
  }
  if (silence !== undefined) throw silence
  const names = tablets.map(({ record }) => record.alias).join(', ')
  throw new TabletError('TABLET_UNREACHABLE', `cannot ask a tablet of ${asked.shard.keyspace}/${asked.shard.shard}: no daemon of ${names} lives (--direct goes to the storage)`)
}

function backupTable(backups: readonly ListedBackup[]): string {
  if (backups.length === 0) return 'no backups'
  return table(['NAME', 'STATUS', 'ENGINE', 'SIZE', 'STORED', 'SERVER', 'REASON'], backups.map((one) =>
    [one.name, one.status, one.engine ?? '-', size(one.bytes), size(one.storedBytes), one.mysqlVersion?.replace(/^Ver /, '') ?? '-', one.reason ?? '']))
}

export const storedBackupCommands: readonly CtlCommand[] = [list, remove]
