/** What the operating system says about the database's own files. See errno(3). */
import { TabletError, isErrno, messageOf } from '../base/errors.ts'

/** `cause` itself when it is ours, else NO_SPACE or LOCAL_IO_FAILED; `doing` as in "read /data/mysql.ibd". */
export function localError(doing: string, cause: unknown): TabletError {
  if (cause instanceof TabletError) return cause
  const code = isErrno(cause, 'ENOSPC', 'EDQUOT') ? 'NO_SPACE' : 'LOCAL_IO_FAILED'
  return new TabletError(code, `cannot ${doing}: ${messageOf(cause)}`, { cause })
}

/** Runs `work` and gives what the system says about it a code. */
export async function locally<T>(doing: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw localError(doing, error)
  }
}
