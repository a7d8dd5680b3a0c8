/**
 * The mark of a restore that has begun: either file means "restore again", so that half a directory is never a database.
 *
 * `restore_in_progress` in the tablet directory and `.restore_in_progress` in the data directory (a name that mysqld and
 * its initialisation ignore): written before the first deletion, removed last. Losing one directory loses nothing.
 */
import { mkdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { readIfPresent, removeDurably, syncDirectory, writeJsonDurably } from '../base/durable-file.ts'
import { messageOf } from '../base/errors.ts'

export interface Sentinel {
  /** Name of the backup being restored. */
  readonly backup: string
  /** RFC 3339. */
  readonly since: string
  /** The old data lie in `.before-restore-<aside>` (set-aside.ts). */
  readonly aside?: string
  /** Record DRAINED when it ends: a restore to a point in time. */
  readonly drained?: boolean
}

/** `content` is undefined when neither file can be understood; the sentinel counts all the same. */
export type SentinelFound =
  | { readonly present: false }
  | { readonly present: true, readonly content: Sentinel | undefined, readonly problem?: string }

export interface SentinelPlaces {
  readonly tabletDir: string
  readonly dataDir: string
}

const placesOf = ({ tabletDir, dataDir }: SentinelPlaces): readonly string[] =>
  [join(tabletDir, 'restore_in_progress'), join(dataDir, '.restore_in_progress')]

/** Both files, on disk when it resolves. Creates a missing data directory. */
export async function writeSentinel(places: SentinelPlaces, sentinel: Sentinel): Promise<void> {
  await mkdir(places.dataDir, { recursive: true, mode: 0o750 })
  for (const path of placesOf(places)) await writeJsonDurably(path, sentinel)
}

/** A file that cannot be read for any other reason than its absence counts as present: doubt is never read as "nothing". */
export async function readSentinel(places: SentinelPlaces): Promise<SentinelFound> {
  let problem: string | undefined
  let content: Sentinel | undefined
  let present = false
  for (const path of placesOf(places)) {
    try {
      const text = await readIfPresent(path)
      if (text === undefined) continue
      present = true
      content ??= parseSentinel(text)
    } catch (error) {
      present = true
      problem = messageOf(error)
    }
  }
  return present ? { present, content, ...(problem === undefined ? {} : { problem }) } : { present }
}

/** The last step of a restore. The tablet directory's goes last: it is on the disk that a lost data directory does not take along. */
export async function removeSentinel(places: SentinelPlaces): Promise<void> {
  await syncTree(places.dataDir)
  for (const path of [...placesOf(places)].reverse()) await removeDurably(path)
}

export function parseSentinel(text: string): Sentinel | undefined {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null) return undefined
    const { backup, since, aside, drained } = value as Readonly<Record<string, unknown>>
    if (typeof backup !== 'string' || typeof since !== 'string') return undefined
    return {
      backup, since,
      ...(typeof aside === 'string' && /^[-0-9A-Za-z.]+$/.test(aside) ? { aside } : {}),
      ...(drained === true ? { drained } : {}),
    }
  } catch {
    return undefined
  }
}

/** The names in the data directory are as durable as its files, which their writers have synced. */
async function syncTree(dataDir: string): Promise<void> {
  if ((await stat(dataDir)).isDirectory()) await syncDirectory(dataDir)
}
