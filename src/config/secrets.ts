/** Secrets come from files that other users of the machine cannot read; errors name the file, never what is in it. */
import { open } from 'node:fs/promises'
import { TabletError, isErrno, messageOf } from '../base/errors.ts'

/** Bytes. Longer is a wrong file, not a password. */
const LONGEST_SECRET = 4096

/** S_IRWXO: any permission for users that are neither owner nor group (inode(7)). */
const OTHERS = 0o007

/**
 * The secret in `path`, without the one line end that editors add.
 *
 * @throws TabletError SETTINGS_INVALID when the file is missing, no regular file, open to everybody, empty, has
 *         several lines or is longer than 4096 bytes.
 */
export async function readSecretFile(path: string): Promise<string> {
  let content: string
  try {
    content = await readClosedFile(path)
  } catch (error) {
    if (error instanceof TabletError) throw error
    const why = isErrno(error, 'ENOENT') ? 'there is no such file' : isErrno(error, 'EACCES') ? 'permission denied' : messageOf(error)
    throw new TabletError('SETTINGS_INVALID', `cannot read the secret in ${path}: ${why}`)
  }
  const secret = content.replace(/\r?\n$/, '')
  if (secret === '') throw unfit(path, 'it is empty')
  if (/[\0\r\n]/.test(secret)) throw unfit(path, 'it has more than one line')
  return secret
}

async function readClosedFile(path: string): Promise<string> {
  const file = await open(path, 'r')
  try {
    const stat = await file.stat()
    if (!stat.isFile()) throw unfit(path, 'it is not a regular file')
    if ((stat.mode & OTHERS) !== 0) throw unfit(path, 'everybody on this machine may use it; give it mode 0600 or 0640')
    if (stat.size > LONGEST_SECRET) throw unfit(path, `it is longer than ${LONGEST_SECRET} bytes`)
    return await file.readFile('utf8')
  } finally {
    await file.close()
  }
}

const unfit = (path: string, why: string): TabletError => new TabletError('SETTINGS_INVALID', `cannot take the secret in ${path}: ${why}`)
