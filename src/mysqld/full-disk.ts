/**
 * Whether a server failed for want of room. Asked of the file systems, because the servers have many words for it:
 * "No space left on device", "Disk is full", "Probably out of disk space" (MariaDB's temporary tablespace), or none.
 */
import { statfs } from 'node:fs/promises'

/** A starting server makes up to 12 MiB at once (InnoDB's temporary tablespace), and undo and redo files beside it. */
const ROOM_TO_START = 32 * 1024 * 1024

/** The first of `paths` on a file system without room for a server to start; undefined where all have some. */
export async function pathWithoutRoom(paths: readonly (string | undefined)[]): Promise<string | undefined> {
  for (const path of paths) {
    if (path === undefined) continue
    const { bavail, bsize } = await statfs(path).catch(() => ({ bavail: Infinity, bsize: 1 }))   // not made yet
    if (bavail * bsize < ROOM_TO_START) return path
  }
  return undefined
}
