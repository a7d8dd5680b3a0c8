/**
 * As whom mysqld runs, and directories that it may use then.
 *
 * tabletd runs as the owner of the data directory. Started as root it has mysqld run as `mysqld-user`, by default
 * that owner, else mysql, and gives the files it makes to that user.
 */
import { chown, mkdir, mkdtemp, readFile, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isErrno, TabletError } from '../base/errors.ts'
import { PRIVATE_DIRECTORY_PREFIX } from './find-mysqld.ts'

export interface RunAs {
  /** For --user. */
  readonly name: string
  readonly uid: number
  readonly gid: number
}

/** Undefined: we are not root, so mysqld runs as we do. @throws TabletError SETTINGS_INVALID for a user that does not exist. */
export async function resolveRunAs(
  subject: { readonly dataDir: string, readonly mysqldUser: string | undefined },
): Promise<RunAs | undefined> {
  if (process.getuid?.() !== 0) return undefined
  const users = parsePasswd(await readFile('/etc/passwd', 'utf8'))
  if (subject.mysqldUser !== undefined) {
    const found = users.find((user) => user.name === subject.mysqldUser)
    if (found === undefined) throw new TabletError('SETTINGS_INVALID', `cannot run mysqld as ${subject.mysqldUser}: there is no such user`)
    return found
  }
  const owner = await ownerOf(subject.dataDir)
  if (owner !== undefined) return users.find((user) => user.uid === owner.uid) ?? { name: String(owner.uid), ...owner }
  return users.find((user) => user.name === 'mysql') ?? { name: 'root', uid: 0, gid: 0 }
}

/** Lines of passwd(5). */
export function parsePasswd(text: string): readonly RunAs[] {
  return text.split('\n').flatMap((line) => {
    const [name = '', , uid = '', gid = ''] = line.split(':')
    return name === '' || uid === '' ? [] : [{ name, uid: Number(uid), gid: Number(gid) }]
  })
}

/** Gives `path` to the user; nothing to do when we are not root. */
export async function giveTo(runAs: RunAs | undefined, path: string): Promise<void> {
  if (runAs !== undefined && runAs.uid !== 0) await chown(path, runAs.uid, runAs.gid)
}

const SOCKET_PATH_LIMIT = 107   // sun_path of unix(7), without its final zero
const LONGEST_NAME_INSIDE = '/mysqld.sock.lock'.length

/**
 * A new directory (0700) that belongs to the server's user, for sockets, logs and temporary files.
 *
 * In `parent` where that user can reach it and a socket's path fits, else in the system's temporary directory.
 */
export async function makePrivateDirectory(parent: string, kind: 'boot' | 'closed', runAs: RunAs | undefined): Promise<string> {
  const prefix = `${PRIVATE_DIRECTORY_PREFIX}${kind}-`
  const fits = join(parent, prefix).length + 6 + LONGEST_NAME_INSIDE <= SOCKET_PATH_LIMIT
  const base = fits && !isAnother(runAs) ? parent : tmpdir()
  await mkdir(base, { recursive: true })
  const directory = await mkdtemp(join(base, prefix))   // 0700
  await giveTo(runAs, directory)
  return directory
}

/** Where a server closed to clients listens, on flavours without an offline mode. */
export async function privateSocketPath(tabletDir: string, runAs: RunAs | undefined): Promise<string> {
  const path = join(tabletDir, 'private.sock')
  if (path.length + '.lock'.length <= SOCKET_PATH_LIMIT && !isAnother(runAs)) return path
  return join(await makePrivateDirectory(tabletDir, 'closed', runAs), 'mysqld.sock')
}

const isAnother = (runAs: RunAs | undefined): boolean => runAs !== undefined && runAs.uid !== process.getuid?.()

async function ownerOf(path: string): Promise<{ readonly uid: number, readonly gid: number } | undefined> {
  try {
    const { uid, gid } = await stat(path)
    return { uid, gid }
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return undefined
    throw error
  }
}
