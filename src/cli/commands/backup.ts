/** Taking backups and restoring them. */
import { TabletError } from '../../base/errors.ts'
import type { BackupRequest } from '../../http/control.ts'
import { parseAlias, parseShardName } from '../../model/tablet.ts'
import { chooseBackupTablet } from '../choose-backup-tablet.ts'
import type { CommandInput, CommandOption, CtlCommand } from '../command.ts'
import { DETACH, beginOperation, showOperation } from './operations.ts'

const BACKUP_OPTIONS: readonly CommandOption[] = [
  { name: 'engine', value: '<name>', aliases: ['backup-engine'], doc: 'engine to use instead of the tablet\'s setting' },
  { name: 'concurrency', value: '<n>', doc: 'files copied at once instead of the tablet\'s setting' },
  { name: 'allow-primary', aliases: ['allow-master'], doc: 'take a primary out of service for its backup' },
  { name: 'upgrade-safe', doc: 'shut down with innodb_fast_shutdown=0, so that a newer server can use the backup' },
  DETACH,
]

const backup: CtlCommand = {
  name: 'backup', aliases: ['Backup'], args: ['<alias>'], options: BACKUP_OPTIONS,
  summary: 'takes a backup of a tablet',
  run: async (input, session, ctx) => {
    const body = backupBody(input)
    const target = await session.tablet(parseAlias(input.args[0] ?? ''), ctx)
    const operation = await beginOperation(target, { path: '/v1/backups', body }, ctx)
    await showOperation({ target, operation, detach: input.options['detach'] === true }, session, ctx)
  },
}

const backupShard: CtlCommand = {
  name: 'backup-shard', aliases: ['BackupShard'], args: ['<keyspace/shard>'], options: BACKUP_OPTIONS,
  summary: 'takes a backup of the tablet of a shard that lags least',
  run: async (input, session, ctx) => {
    const body = backupBody(input)
    const tablets = await session.listTablets(parseShardName(input.args[0] ?? ''), ctx)
    const alias = chooseBackupTablet(await session.candidates(tablets, ctx), { allowPrimary: body.allowPrimary === true })
    session.output.progress.write(`backing up ${alias}\n`)
    const target = await session.tablet(alias, ctx)
    const operation = await beginOperation(target, { path: '/v1/backups', body }, ctx)
    await showOperation({ target, operation, detach: input.options['detach'] === true }, session, ctx)
  },
}

const restore: CtlCommand = {
  name: 'restore-from-backup', aliases: ['RestoreFromBackup'], args: ['<alias>'],
  summary: 'replaces the data of a tablet with a backup',
  options: [
    { name: 'backup-timestamp', short: 't', value: '<YYYY-MM-DD.HHMMSS>', doc: 'the newest backup at or before this time (UTC)' },
    { name: 'allowed-backup-engines', value: '<names>', doc: 'pass over backups of other engines than these, separated by commas' },
    { name: 'force', doc: 'replace data that is present; needs --confirm' },
    { name: 'confirm', value: '<alias>', doc: 'the alias of the tablet, once more' },
    { name: 'allow-last-replica', doc: 'even if it is the last healthy replica of its shard' },
    DETACH,
  ],
  run: async ({ args, options }, session, ctx) => {
    const confirm = text(options['confirm'])
    const body = {
      ...given('backupTimestamp', text(options['backup-timestamp'])),
      ...given('allowedEngines', text(options['allowed-backup-engines'])?.split(',').map((name) => name.trim()).filter((name) => name !== '')),
      ...given('force', options['force']), ...given('confirm', confirm === undefined ? undefined : parseAlias(confirm)),
      ...given('allowLastReplica', options['allow-last-replica']),
    }
    const target = await session.tablet(parseAlias(args[0] ?? ''), ctx)
    const operation = await beginOperation(target, { path: '/v1/restore', body }, ctx)
    await showOperation({ target, operation, detach: options['detach'] === true }, session, ctx)
  },
}

function backupBody({ options }: CommandInput): BackupRequest {
  const concurrency = text(options['concurrency'])
  if (concurrency !== undefined && !/^[1-9]\d{0,2}$/.test(concurrency)) {
    throw new TabletError('BAD_REQUEST', `cannot read --concurrency ${JSON.stringify(concurrency)}: it must be a whole number of 1 or more`)
  }
  return {
    ...given('engine', text(options['engine'])), ...given('concurrency', concurrency === undefined ? undefined : Number(concurrency)),
    ...given('allowPrimary', flag(options['allow-primary'])), ...given('upgradeSafe', flag(options['upgrade-safe'])),
  }
}

const text = (value: string | true | undefined): string | undefined => typeof value === 'string' ? value : undefined
const flag = (value: string | true | undefined): true | undefined => value === true ? true : undefined

/** What was not given is left out, so that the daemon's own defaults count. */
function given<N extends string, T>(name: N, value: T | undefined): { readonly [K in N]?: T } {
  return value === undefined ? {} : { [name]: value } as { readonly [K in N]?: T }
}

export const backupCommands: readonly CtlCommand[] = [backup, backupShard, restore]
