/** What the operating system says about a backup directory, in the words of the contract. See errno(3). */
import { TabletError, isErrno, messageOf } from '../base/errors.ts'
import type { ErrorCode } from '../base/error-catalogue.ts'

const CODES: readonly (readonly [ErrorCode, readonly string[]])[] = [
  ['STORAGE_NO_SPACE', ['ENOSPC', 'EDQUOT', 'EFBIG']],
  ['STORAGE_DENIED', ['EACCES', 'EPERM', 'EROFS']],
  ['PATH_ESCAPES', ['ELOOP']],   // opened with O_NOFOLLOW: a link stood where a file of ours belongs
  ['STORAGE_UNREACHABLE', ['ENOTCONN', 'EHOSTDOWN', 'EHOSTUNREACH', 'ESTALE', 'ETIMEDOUT', 'ENODEV', 'ENXIO']],
]

/** `cause` itself when it is ours, else what it means for a storage; `doing` as in "write 0 of commerce/0/…". */
export function storageError(doing: string, cause: unknown): TabletError {
  if (cause instanceof TabletError) return cause
  const [code] = CODES.find(([, errnos]) => isErrno(cause, ...errnos)) ?? ['STORAGE_FAILED' as const]
  return new TabletError(code, `cannot ${doing}: ${messageOf(cause)}`, { cause })
}
