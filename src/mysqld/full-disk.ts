/**
 * Whether a server failed for want of room. Asked of the file systems, because the servers have many words for it:
 * "No space left on device", "Disk is full", "Probably out of disk space" (MariaDB's temporary tablespace), or none.
 */
import { statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { PrivateBootPlan } from './private-boot-flags.ts'

const MIB = 1024 * 1024
/** Where a starting server makes its temporary tablespace (12 MiB at once) and undo files. */
const TO_MAKE_FILES = 32 * MIB
/** Where it only adds to what is there; such a file system may be small by design. */
const TO_WRITE = MIB

export interface WrittenPlaces {
  readonly filesMadeIn: readonly (string | undefined)[]
  readonly writtenIn: readonly (string | undefined)[]
}

/**
 * Where want of room may be why a private boot failed. Pure. Where the log says what is wrong with the data, a disk that is
 * merely small is no excuse.
 */
export function placesWrittenBy(
  plan: Pick<PrivateBootPlan, 'dataDir' | 'innodbDataHome' | 'undoDir' | 'innodbLogHome' | 'directory' | 'binlog' | 'relayLogBase'>,
  code: 'PRIVATE_BOOT_FAILED' | 'DATADIR_UNREADABLE',
): WrittenPlaces {
  const filesMadeIn = [plan.dataDir, plan.innodbDataHome, plan.undoDir]
  const logBases = [plan.binlog?.base, plan.relayLogBase].filter((base) => base !== undefined)
  const logs = [plan.innodbLogHome, plan.directory, ...logBases.map((base) => dirname(base))]
  return code === 'PRIVATE_BOOT_FAILED' ? { filesMadeIn, writtenIn: logs } : { filesMadeIn: [], writtenIn: [...filesMadeIn, ...logs] }
}

/** The first of the places without room for what a starting server does there; undefined where all have some. */
export async function placeWithoutRoom({ filesMadeIn, writtenIn }: WrittenPlaces): Promise<string | undefined> {
  return await firstWithLess(filesMadeIn, TO_MAKE_FILES) ?? await firstWithLess(writtenIn, TO_WRITE)
}

async function firstWithLess(paths: readonly (string | undefined)[], bytes: number): Promise<string | undefined> {
  for (const path of paths) {
    if (path === undefined) continue
    const { bavail, bsize } = await statfs(path).catch(() => ({ bavail: Infinity, bsize: 1 }))   // not made yet
    if (bavail * bsize < bytes) return path
  }
  return undefined
}
