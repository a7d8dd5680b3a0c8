/**
 * The backup to restore now, found in storage and chosen by the rules of model/choose-backup.ts.
 *
 * Promises  a storage that does not answer rejects with its own code; NO_BACKUP is said only of a listing that succeeded.
 */
import type { ActionContext } from '../base/action.ts'
import { TabletError } from '../base/errors.ts'
import { chooseBackup, type ChoiceRules } from '../model/choose-backup.ts'
import type { RestoreEngine } from '../engine/backup-engine.ts'
import type { ShardName } from '../model/tablet.ts'
import type { BackupStorage } from '../storage/backup-storage.ts'
import { readBackups } from '../storage/read-backups.ts'
import type { ChosenBackup } from './restore-backup.ts'

/**
 * @throws TabletError NO_BACKUP: the shard has none. NO_COMPLETE_BACKUP: there are some, and none can be used; the
 *   message names each with its reason. Storage codes: it cannot be told.
 */
export async function findBackup(
  where: { readonly storage: BackupStorage, readonly shard: ShardName, readonly engines: readonly RestoreEngine[] },
  rules: Omit<ChoiceRules, 'knownEngines'>, ctx: ActionContext,
): Promise<ChosenBackup> {
  const found = await readBackups(where.storage, where.shard, ctx)
  const choice = chooseBackup(found, { ...rules, knownEngines: where.engines.map((engine) => engine.name) })
  const shard = `${where.shard.keyspace}/${where.shard.shard}`
  if (choice.kind === 'none') throw new TabletError('NO_BACKUP', `no available backup of ${shard}`)
  if (choice.kind === 'noneUsable') {
    const reasons = choice.skipped.map(({ name, reason }) => `${name}: ${reason}`)
    throw new TabletError('NO_COMPLETE_BACKUP', `backup(s) of ${shard} found but none are complete and usable: ${reasons.join('; ')}`)
  }
  for (const { name, reason } of choice.skipped) ctx.log.warn({ backup: name, reason }, 'a newer backup is passed over')
  const method = choice.manifest.BackupMethod === '' ? 'builtin' : choice.manifest.BackupMethod
  const engine = where.engines.find(({ name }) => name === method)
  if (engine === undefined) throw new TabletError('BACKUP_UNSUPPORTED', `cannot restore ${choice.name}: no engine ${method}`)
  return { from: where.storage.openBackup(where.shard, choice.name), manifest: choice.manifest, engine }
}
