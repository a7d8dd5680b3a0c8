/** The list of dialects, and which of them a server speaks. */
import { TabletError } from '../base/errors.ts'
import type { Flavor } from '../model/gtid-set.ts'
import { formatVersion, isSupportedServer, parseVersion } from '../model/version-rules.ts'
import type { Dialect } from './dialect.ts'
import { mariadb10, mariadb105, mariadb11 } from './dialects/mariadb.ts'
import { mysql80, mysql84, mysql9 } from './dialects/mysql.ts'

export const DIALECTS: readonly Dialect[] = [mysql80, mysql84, mysql9, mariadb105, mariadb10, mariadb11]

/**
 * @throws TabletError MYSQLD_UNSUPPORTED for a server below the versions of design.md section 1.
 */
export function chooseDialect(versionText: string, versionComment: string): Dialect {
  const version = parseVersion(versionText, versionComment)
  const flavor: Flavor = version?.product === 'MariaDB' ? 'mariadb' : 'mysql'
  const found = version && isSupportedServer(version)
    ? DIALECTS.find((dialect) => dialect.flavor === flavor && dialect.covers(version)) : undefined
  if (found !== undefined) return found
  throw new TabletError('MYSQLD_UNSUPPORTED', `this server is ${version ? formatVersion(version) : JSON.stringify(versionText)}`)
}
