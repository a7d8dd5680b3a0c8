/** What a file's name says about it, by MySQL's and MariaDB's own conventions. */

/** An undo tablespace at the top of its directory: `undo_001` (MySQL), `undo001` (MariaDB), `*.ibu` (the user's). */
export const isUndoFile = (name: string): boolean => /^(?:undo_?\d{3}|[^/]+\.ibu)$/.test(name)

const PRIVATE = [
  /^auto\.cnf$/, /^mysqld-auto\.cnf$/, /^[^/]+\.cnf$/, /^[^/]+\.pem$/,   // identity, settings and keys of one server
  /^ibtmp\d+$/, /^[^/]+\.b?dblwr$/,
  /^#(?:innodb_temp|ib_archive|clone)(?:\/|$)/, /^lost\+found(?:\/|$)/,
  // an index of logs names files anywhere, which a server deletes when it purges or resets its logs
  /\.(?:index|state|info|index_crash_safe)$/, /(?:^|\/)(?!aria_log\.)[^/]*\.\d{6,}$/,
]

/** Files that some backups hold and no restore may place: another server's settings could load code into ours. */
export const isPrivateToItsServer = (name: string): boolean =>
  PRIVATE.some((pattern) => pattern.test(name)) || name.split('/').some((part) => part.startsWith('.'))

/** A relative path with `/` whose parts cannot leave the directory it is put into. */
export function isConfinedName(name: string): boolean {
  return Buffer.byteLength(name) <= 1024 && !/[\\\0-\x1f\x7f]/.test(name)
    && name.split('/').every((part) => part !== '' && part !== '.' && part !== '..' && Buffer.byteLength(part) <= 255)
}
