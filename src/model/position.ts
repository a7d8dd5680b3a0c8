/**
 * Positions as MANIFESTs and records spell them: `<flavour>/<GTID set>` (reference: vitess-backup.md 2.7).
 *
 * '' is no position at all; `MySQL56/` is the position of a server that has executed nothing.
 */
import type { ErrorCode } from '../base/error-catalogue.ts'
import { TabletError, hasCode, messageOf } from '../base/errors.ts'
import type { Flavor, GtidSet } from './gtid-set.ts'
import { parseMariadbGtidSet } from './mariadb-gtid-set.ts'
import { parseMysqlGtidSet } from './mysql-gtid-set.ts'

const PREFIX: Readonly<Record<Flavor, string>> = { mysql: 'MySQL56', mariadb: 'MariaDB' }
const PARSE: Readonly<Record<Flavor, (text: string) => GtidSet>> = { mysql: parseMysqlGtidSet, mariadb: parseMariadbGtidSet }

/** A set as a server of that flavour prints it. @throws TabletError BAD_REQUEST for text it would not print. */
export const parseGtidSet = (flavor: Flavor, text: string): GtidSet => PARSE[flavor](text)

export const emptyGtidSet = (flavor: Flavor): GtidSet => PARSE[flavor]('')

export const formatPosition = (set: GtidSet): string => `${PREFIX[set.flavor]}/${set.toString()}`

/**
 * The set that `text` names; undefined for ''.
 *
 * @param code of the error for text that is none: MANIFEST_INVALID, or what fits where the text came from.
 * @throws TabletError BACKUP_UNSUPPORTED for `FilePos/…`, which names a place in one server's log and no transactions.
 */
export function parsePosition(text: string, code: ErrorCode = 'MANIFEST_INVALID'): GtidSet | undefined {
  if (text === '') return undefined
  const slash = text.indexOf('/')
  const prefix = text.slice(0, Math.max(slash, 0))
  if (prefix === 'FilePos') {
    throw new TabletError('BACKUP_UNSUPPORTED', 'cannot use a position of file and offset (FilePos): GTIDs are needed')
  }
  const flavor = (['mysql', 'mariadb'] as const).find((known) => PREFIX[known] === prefix)
  if (flavor === undefined) {
    throw new TabletError(code, `cannot read position "${text.slice(0, 60)}": it must begin with MySQL56/ or MariaDB/`)
  }
  try {
    return parseGtidSet(flavor, text.slice(slash + 1))
  } catch (error) {
    if (!hasCode(error, 'BAD_REQUEST')) throw error
    throw new TabletError(code, `cannot read position: ${messageOf(error)}`, { cause: error })
  }
}
