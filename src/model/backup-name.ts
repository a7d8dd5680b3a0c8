/**
 * Names of backups, `2021-03-10.205419.zone1-0000000102`, and the times in them and in MANIFESTs
 * (reference: vitess-backup.md 1.1). All times are UTC and whole seconds; in memory milliseconds since the epoch.
 */
import { TabletError, hasCode } from '../base/errors.ts'
import { parseAlias, type TabletAlias } from './tablet.ts'

export interface ParsedBackupName {
  /** Undefined when the name carries no time that exists. */
  readonly timeMs: number | undefined
  readonly alias: TabletAlias | undefined
}

const STAMP = /^(\d{4})-(\d\d)-(\d\d)\.(\d\d)(\d\d)(\d\d)$/
const RFC3339 = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.\d+)?(Z|[+-]\d\d:\d\d)$/
const LAST_SECOND = Date.UTC(9999, 11, 31, 23, 59, 59)

/** `YYYY-MM-DD.HHMMSS`, as in names and in `restore-from-backup-ts`. */
export function formatBackupTime(timeMs: number): string {
  const [date = '', time = ''] = formatManifestTime(timeMs).slice(0, -1).split('T')
  return `${date}.${time.replaceAll(':', '')}`
}

/** Undefined unless `text` is exactly `YYYY-MM-DD.HHMMSS` and such a moment exists. */
export function parseBackupTime(text: string): number | undefined {
  const [, year, month, day, hour, minute, second] = STAMP.exec(text) ?? []
  if (second === undefined) return undefined
  return existing(`${year}-${month}-${day}T${hour}:${minute}:${second}`, 'Z')
}

/** RFC 3339 with whole seconds and `Z`, as BackupTime and FinishedTime. */
export const formatManifestTime = (timeMs: number): string => `${new Date(timeMs).toISOString().slice(0, 19)}Z`

/** Undefined unless `text` is an RFC 3339 time; fractions of a second are dropped. */
export function parseManifestTime(text: string): number | undefined {
  const [, date, time, zone] = RFC3339.exec(text) ?? []
  return zone === undefined ? undefined : existing(`${date}T${time}`, zone)
}

/** The moment, unless the calendar lacks it: Date reads 30 February as 2 March. */
function existing(local: string, zone: string): number | undefined {
  const asUtc = Date.parse(`${local}Z`)
  if (Number.isNaN(asUtc) || new Date(asUtc).toISOString().slice(0, 19) !== local) return undefined
  const timeMs = Date.parse(`${local}${zone}`)
  return Number.isNaN(timeMs) ? undefined : timeMs
}

export const formatBackupName = (timeMs: number, alias: TabletAlias): string => `${formatBackupTime(timeMs)}.${alias}`

/**
 * The parts of a name; undefined when it has not three of them. A part that makes no sense is left undefined, as
 * Vitess leaves it: such a backup is listed and restored all the same.
 */
export function parseBackupName(name: string): ParsedBackupName | undefined {
  const [date, time, aliasText, ...more] = name.split('.')
  if (date === undefined || time === undefined || aliasText === undefined || more.length > 0) return undefined
  return { timeMs: parseBackupTime(`${date}.${time}`), alias: aliasIn(aliasText) }
}

function aliasIn(text: string): TabletAlias | undefined {
  try {
    return parseAlias(text)
  } catch (error) {
    if (hasCode(error, 'BAD_REQUEST')) return undefined
    throw error
  }
}

/**
 * The name of a backup that begins at `nowMs`: of this second, or of the first second after every backup there is.
 *
 * The order of names decides which backup is the newest, so a clock that runs behind, or two backups within one
 * second, must not put the new one before an older one. BackupTime in the MANIFEST tells the real time.
 *
 * @param existing names in the shard's directory; one that does not begin with a time is not heeded.
 * @throws TabletError BACKUP_EXISTS when a name claims the last second of the year 9999.
 */
export function nextBackupName(nowMs: number, existing: readonly string[], alias: TabletAlias): string {
  const newestMs = existing.reduce((newest, name) => Math.max(newest, parseBackupTime(name.slice(0, 17)) ?? 0), 0)
  const nowSecondMs = Math.floor(nowMs / 1000) * 1000
  const timeMs = Math.max(nowSecondMs, newestMs + 1000)
  if (timeMs > LAST_SECOND) {
    throw new TabletError('BACKUP_EXISTS', `cannot name a backup after ${formatBackupTime(newestMs)}: remove the backup of that name`)
  }
  return formatBackupName(timeMs, alias)
}
