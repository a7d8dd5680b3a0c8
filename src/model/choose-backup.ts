/**
 * Which backup to restore: the newest in the order of names that can be used here (reference: vitess-backup.md 5.3).
 *
 * Pure, over facts that were gathered before. A storage that could not be read is no fact about a backup: whoever
 * gathers must fail then, and not list the backup as unreadable, or doubt would choose an older one.
 */
import type { BackupManifest } from './manifest.ts'
import { engineNameOf, isFullBackup } from './manifest-defaults.ts'
import { parseManifestTime } from './backup-name.ts'
import type { Flavor } from './gtid-set.ts'
import { parsePosition } from './position.ts'
import type { ServerVersion } from './server-version.ts'
import { isCompatible } from './version-rules.ts'

export type BackupFacts =
  | { readonly name: string, readonly state: 'complete', readonly manifest: BackupManifest }
  /** It has no MANIFEST: unfinished, or being written, or being removed. */
  | { readonly name: string, readonly state: 'incomplete' }
  /** Its MANIFEST was read and cannot be used. */
  | { readonly name: string, readonly state: 'unreadable', readonly reason: string }

export interface ChoiceRules {
  /** The server that will open the data. */
  readonly running: ServerVersion
  /** `restore-from-backup-allowed-engines`, compared with the raw BackupMethod, so '' (before 2019) is in no list; empty: any. */
  readonly allowedEngines: readonly string[]
  /** Engines this build restores with; absent: any. */
  readonly knownEngines?: readonly string[]
  /** lower_case_table_names of the server, where known: data made under another value cannot be opened. */
  readonly lowerCaseTableNames?: number
  /** Milliseconds since the epoch: only backups begun at or before it. */
  readonly notAfterMs?: number
  /** Backups found corrupt before, with what was found. */
  readonly quarantined: ReadonlyMap<string, string>
}

export interface SkippedBackup {
  readonly name: string
  readonly reason: string
}

export type BackupChoice =
  /** The shard has no backup at all. */
  | { readonly kind: 'none' }
  /** There are backups, so data ought to exist, but none can be used. Newest first. */
  | { readonly kind: 'noneUsable', readonly skipped: readonly SkippedBackup[] }
  /** `skipped`: the newer ones, newest first. */
  | { readonly kind: 'use', readonly name: string, readonly manifest: BackupManifest, readonly skipped: readonly SkippedBackup[] }

/** @param candidates in listing order: the newest is the last. */
export function chooseBackup(candidates: readonly BackupFacts[], rules: ChoiceRules): BackupChoice {
  if (candidates.length === 0) return { kind: 'none' }
  const skipped: SkippedBackup[] = []
  for (const backup of candidates.toReversed()) {
    const reason = reasonAgainst(backup, rules)
    if (reason === undefined && backup.state === 'complete') {
      return { kind: 'use', name: backup.name, manifest: backup.manifest, skipped }
    }
    skipped.push({ name: backup.name, reason: reason ?? '' })
  }
  return { kind: 'noneUsable', skipped }
}

/** Why this backup is not restored here; undefined when it may be. */
export function reasonAgainst(backup: BackupFacts, rules: ChoiceRules): string | undefined {
  if (backup.state === 'incomplete') return 'it has no MANIFEST, so it was never completed'
  if (backup.state === 'unreadable') return backup.reason
  const corrupt = rules.quarantined.get(backup.name)
  if (corrupt !== undefined) return `it was found corrupt: ${corrupt}`
  const { manifest } = backup
  if (!isFullBackup(manifest)) return 'it is incremental'
  return engineReason(manifest, rules) ?? serverReason(manifest, rules) ?? timeReason(manifest, rules.notAfterMs)
}

function engineReason(manifest: BackupManifest, rules: ChoiceRules): string | undefined {
  const { allowedEngines, knownEngines } = rules
  if (allowedEngines.length > 0 && !allowedEngines.includes(manifest.BackupMethod)) {
    return `its engine "${manifest.BackupMethod}" is not among the allowed ones (${allowedEngines.join(', ')})`
  }
  const engine = engineNameOf(manifest)
  return knownEngines?.includes(engine) === false ? `its engine "${engine}" is not known here` : undefined
}

function serverReason(manifest: BackupManifest, rules: ChoiceRules): string | undefined {
  const compatible = isCompatible(manifest.MySQLVersion, rules.running, { upgradeSafe: manifest.UpgradeSafe })
  if (!compatible.ok) return compatible.reason
  const flavor: Flavor = rules.running.product === 'MariaDB' ? 'mariadb' : 'mysql'
  const position = parsePosition(manifest.Position)
  // without a position it could only be attached from the beginning of time, on top of data that is already there
  if (position === undefined) return 'it tells no position'
  if (position.flavor !== flavor) return `its position is one of ${position.flavor}, the server is ${rules.running.product}`
  const made = manifest.Tabletd?.LowerCaseTableNames
  const here = rules.lowerCaseTableNames
  return made !== undefined && here !== undefined && made !== here
    ? `made with lower_case_table_names=${made}, this server has ${here}`
    : undefined
}

function timeReason(manifest: BackupManifest, notAfterMs: number | undefined): string | undefined {
  if (notAfterMs === undefined) return undefined
  const begunMs = parseManifestTime(manifest.BackupTime)
  if (begunMs === undefined) return 'it does not tell when it was begun, and a time was asked for'
  return begunMs > notAfterMs ? `it was begun later, at ${manifest.BackupTime}` : undefined
}
