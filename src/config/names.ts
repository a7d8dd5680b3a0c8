/**
 * What a name means, however it is spelled: `-restore_from_backup`, `TABLETD_RESTORE_FROM_BACKUP` and
 * `restore-from-backup` are one setting.
 */
import { flagName, isSettingName, settingNamed, SETTINGS, type SettingName } from './settings.ts'
import { vitessFlag, type VitessFlag } from './vitess-flags.ts'

export type Meaning =
  | { readonly kind: 'setting', readonly name: SettingName }
  | { readonly kind: 'vitess', readonly name: string, readonly flag: VitessFlag }
  /** A secret given directly; `instead` is the setting that names its file, where there is one. */
  | { readonly kind: 'secret', readonly name: string, readonly instead: SettingName | undefined }
  | { readonly kind: 'unknown', readonly name: string, readonly suggestion: string | undefined }

const ALIASES: ReadonlyMap<string, SettingName> = new Map(
  (Object.keys(SETTINGS) as SettingName[]).flatMap((name) => (settingNamed(name).aliases ?? []).map((alias) => [alias, name] as const)),
)

const SECRET = /(?:^|-)(?:password|passwd|pass|token|secret)$/

/** `spelling` without leading dashes. */
export function meaningOf(spelling: string): Meaning {
  const name = spelling.replaceAll('_', '-').toLowerCase()
  if (isSettingName(name)) return { kind: 'setting', name }
  const aliased = ALIASES.get(name)
  if (aliased !== undefined) return { kind: 'setting', name: aliased }
  const flag = vitessFlag(name)
  if (flag !== undefined) return { kind: 'vitess', name, flag }
  if (SECRET.test(name)) {
    const file = `${name}-file`
    return { kind: 'secret', name, instead: isSettingName(file) ? file : undefined }
  }
  return { kind: 'unknown', name, suggestion: nearest(name, Object.keys(SETTINGS)) }
}

export const didYouMean = (suggestion: string | undefined): string =>
  suggestion === undefined ? '`tabletd --help` lists all settings' : `did you mean ${flagName(suggestion)}?`

/** The candidate with the fewest edits, when they are few enough to be a slip of the fingers. */
export function nearest(name: string, candidates: readonly string[]): string | undefined {
  const limit = Math.max(1, Math.floor(name.length / 4))
  let best: string | undefined
  let fewest = limit + 1
  for (const candidate of candidates) {
    const edits = Math.abs(candidate.length - name.length) > limit ? fewest : editsBetween(name, candidate)
    if (edits < fewest) { best = candidate; fewest = edits }
  }
  return best
}

/** Levenshtein's distance, where two neighbours exchanged count as one edit. */
function editsBetween(a: string, b: string): number {
  let twoAbove: readonly number[] = []
  let above = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row++) {
    const current = [row]
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1] ? 0 : 1
      const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]
      current.push(Math.min(
        (above[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1, (above[column - 1] ?? 0) + same,
        swapped ? (twoAbove[column - 2] ?? 0) + 1 : Infinity,
      ))
    }
    twoAbove = above
    above = current
  }
  return above[b.length] ?? 0
}
