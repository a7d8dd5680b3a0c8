/**
 * The directories a restore fills: made without permissions for the world, owned like their root, synced at the end.
 *
 * Promises  nothing is written through a link below a root; after `sync` every name made here survives a crash.
 */
import { constants } from 'node:fs'
import { chown, lstat, mkdir, open, stat, type FileHandle } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { syncDirectory } from '../base/durable-file.ts'
import { TabletError, isErrno } from '../base/errors.ts'
import type { RestoreParams } from './backup-engine.ts'
import { locally } from './local-errors.ts'
import type { RootName } from './restore-plan.ts'

const DIRECTORY_MODE = 0o770
const FILE_MODE = 0o660

export interface Spot {
  readonly root: RootName
  readonly name: string
}

export interface RestoreTarget {
  pathOf(spot: Spot): string
  makeDirectory(spot: Spot): Promise<void>
  /** Opens a file for writing, its directories made: 'empty' truncates what an earlier attempt left, 'existing' keeps it. */
  openFile(spot: Spot, content: 'empty' | 'existing'): Promise<FileHandle>
  /** Makes every name created so far survive a crash. */
  sync(): Promise<void>
}

/** @throws TabletError (all calls) LOCAL_IO_FAILED, NO_SPACE, PATH_ESCAPES. */
export function restoreTarget(roots: RestoreParams['to']): RestoreTarget {
  const touched = new Set<string>()
  const pathOf = ({ root, name }: Spot): string => join(roots[root], name)

  const makeDirectory = async (path: string, spot: Spot): Promise<void> => {
    if (path === roots[spot.root]) { await makeRoot(path); return }
    await makeDirectory(dirname(path), spot)
    const isNew = await mkdir(path, { mode: DIRECTORY_MODE }).then(() => true, (error: unknown) => {
      if (isErrno(error, 'EEXIST')) return false
      throw error
    })
    if (isNew) await ownLikeRoot(path, roots[spot.root])
    else if (!(await lstat(path)).isDirectory()) throw new TabletError('PATH_ESCAPES', `cannot restore into ${path}: it is not a directory`)
    touched.add(path)
    touched.add(dirname(path))
  }
  const makeRoot = async (path: string): Promise<void> => {
    const firstMade = await mkdir(path, { recursive: true, mode: DIRECTORY_MODE })
    touched.add(path)
    for (let made = path; firstMade !== undefined && made.length >= firstMade.length; made = dirname(made)) touched.add(dirname(made))
  }

  return {
    pathOf,
    makeDirectory: (spot) => locally(`make ${pathOf(spot)}`, () => makeDirectory(pathOf(spot), spot)),
    openFile: (spot, content) => locally(`open ${pathOf(spot)}`, async () => {
      const path = pathOf(spot)
      await makeDirectory(dirname(path), spot)
      const truncate = content === 'empty' ? constants.O_TRUNC : 0
      const handle = await open(path, constants.O_WRONLY | constants.O_CREAT | constants.O_NOFOLLOW | truncate, FILE_MODE)
      try {
        await ownLikeRoot(path, roots[spot.root])
      } catch (error) {
        await handle.close()
        throw error
      }
      return handle
    }),
    sync: () => locally('sync the directories restored', async () => {
      for (const directory of touched) await syncDirectory(directory)
    }),
  }
}

/** Running as root, what we make belongs to the owner of the directory it is in; otherwise it is ours anyway. */
async function ownLikeRoot(path: string, root: string): Promise<void> {
  if (process.getuid?.() !== 0) return
  const { uid, gid } = await stat(root)
  if (uid !== 0) await chown(path, uid, gid)
}
