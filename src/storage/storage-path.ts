/**
 * Paths below a storage root, confined: a name is one path component, and nothing on the way is a link that leads out.
 *
 * Names come from settings, HTTP and MANIFESTs, so every one of them may be hostile.
 */
import { realpath } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { TabletError, isErrno } from '../base/errors.ts'

/** True for one component of a path that cannot leave its directory nor hide in it. */
export function isSafeComponent(name: string): boolean {
  return name.length > 0 && Buffer.byteLength(name) <= 255 && !name.startsWith('.') && !/[/\\\0-\x1f\x7f]/.test(name)
}

/**
 * `root` and the names below it, joined.
 *
 * @throws TabletError PATH_ESCAPES when one of the names is not a single plain component.
 */
export function pathBelow(root: string, ...names: readonly string[]): string {
  for (const name of names) {
    if (!isSafeComponent(name)) throw new TabletError('PATH_ESCAPES', `cannot use ${JSON.stringify(name)} as a name in the backup storage`)
  }
  return join(root, ...names)
}

/**
 * Follows the links of `directory` and says whether it is there.
 *
 * @throws TabletError PATH_ESCAPES when it lies outside `root`.
 */
export async function existsBelow(root: string, directory: string): Promise<boolean> {
  const realRoot = await realpath(root)
  const real = await realpath(directory).catch((error: unknown) => {
    if (isErrno(error, 'ENOENT')) return undefined
    throw error
  })
  if (real === undefined) return false
  if (!real.startsWith(realRoot.endsWith(sep) ? realRoot : realRoot + sep)) {
    throw new TabletError('PATH_ESCAPES', `cannot use ${directory}: it leads out of the backup storage to ${real}`)
  }
  return true
}
