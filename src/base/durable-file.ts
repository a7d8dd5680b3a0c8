/**
 * Small files we would miss: written under a temporary name, fsynced, renamed, and the directory
 * fsynced, so that after a crash either the old or the new content is there, whole.
 *
 * See rename(2), fsync(2).
 */
import { randomBytes } from 'node:crypto'
import { open, readFile, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { isErrno } from './errors.ts'

/** Replaces `path` with `content`, mode 0640 unless given. Rejects with the system's error, leaving the old file. */
export async function writeDurably(path: string, content: string | Uint8Array, mode = 0o640): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(4).toString('hex')}.tmp`)
  try {
    const file = await open(temporary, 'wx', mode)
    try {
      await file.writeFile(content)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined)   // the first error is the one worth telling
    throw error
  }
  await syncDirectory(dirname(path))
}

export const writeJsonDurably = (path: string, value: unknown, mode?: number): Promise<void> =>
  writeDurably(path, `${JSON.stringify(value, null, 2)}\n`, mode)

/** The content of `path`, or undefined when there is no such file; every other trouble rejects. */
export async function readIfPresent(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined
    throw error
  }
}

/** Removes `path` so that it stays removed after a crash; nothing happens when it is absent. */
export async function removeDurably(path: string): Promise<void> {
  await rm(path, { force: true })
  await syncDirectory(dirname(path)).catch((error: unknown) => {
    if (!isErrno(error, 'ENOENT')) throw error
  })
}

/** Makes creations, renames and removals in `path` survive a crash. */
export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}
