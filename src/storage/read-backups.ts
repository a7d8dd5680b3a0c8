/** Reads the MANIFESTs of a shard: what a list shows and a restore chooses from. */
import { forEachParallel, type ActionContext } from '../base/action.ts'
import { hasCode, messageOf } from '../base/errors.ts'
import { formatManifestTime, parseBackupName } from '../model/backup-name.ts'
import type { BackupFacts } from '../model/choose-backup.ts'
import { decodeManifest, MAX_MANIFEST_BYTES } from '../model/manifest-codec.ts'
import type { ListedBackup } from '../model/listed-backup.ts'
import type { ShardName } from '../model/tablet.ts'
import { MANIFEST, type BackupStorage } from './backup-storage.ts'

const READ_AT_ONCE = 8

/** Every backup of the shard, oldest first. A storage that does not answer rejects: it is never an empty list. */
export async function readBackups(storage: BackupStorage, shard: ShardName, ctx: ActionContext): Promise<readonly BackupFacts[]> {
  const names = await storage.listBackups(shard, ctx)
  const found = new Map<string, BackupFacts>()
  await forEachParallel(names, READ_AT_ONCE, async (name, bounded) => {
    found.set(name, await readBackup(storage, { shard, name }, bounded))
  }, ctx)
  return names.flatMap((name) => found.get(name) ?? [])
}

export async function readBackup(
  storage: BackupStorage, { shard, name }: { readonly shard: ShardName, readonly name: string }, ctx: ActionContext,
): Promise<BackupFacts> {
  try {
    const bytes = await storage.openBackup(shard, name).readSmallFile(MANIFEST, MAX_MANIFEST_BYTES, ctx)
    return { name, state: 'complete', manifest: decodeManifest(bytes) }
  } catch (error) {
    if (hasCode(error, 'BACKUP_NOT_FOUND')) return { name, state: 'incomplete' }
    if (hasCode(error, 'MANIFEST_INVALID', 'BACKUP_UNSUPPORTED')) return { name, state: 'unreadable', reason: messageOf(error) }
    throw error
  }
}

/** `suspects`: reasons why backups failed to restore here, by name. */
export function describeBackup(found: BackupFacts, suspects: Readonly<Record<string, string>>): ListedBackup {
  const named = parseBackupName(found.name)
  const about = {
    name: found.name,
    ...(named?.timeMs === undefined ? {} : { time: formatManifestTime(named.timeMs) }),
    ...(named?.alias === undefined ? {} : { tabletAlias: named.alias }),
  }
  if (found.state === 'incomplete') return { ...about, status: 'incomplete' }
  if (found.state === 'unreadable') return { ...about, status: 'unreadable', reason: found.reason }
  const { manifest } = found
  const entries = manifest.FileEntries ?? []
  const sum = (of: 'Size' | 'StoredSize'): number => entries.reduce((total, entry) => total + (entry[of] ?? 0), 0)
  const suspect = suspects[found.name]
  return {
    ...about,
    status: suspect === undefined ? 'complete' : 'corrupt',
    ...(suspect === undefined ? {} : { reason: suspect }),
    engine: manifest.BackupMethod === '' ? 'builtin' : manifest.BackupMethod,
    position: manifest.Position,
    mysqlVersion: manifest.MySQLVersion,
    finishedTime: manifest.FinishedTime,
    ...(entries.some((entry) => entry.Size !== undefined) ? { bytes: sum('Size'), storedBytes: sum('StoredSize') } : {}),
  }
}
