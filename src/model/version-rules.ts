/**
 * Reading versions of servers, and which server may open whose data directory.
 *
 * The rules are Vitess's (reference: vitess-backup.md 5.4), continued along MySQL's own upgrade paths to the
 * innovation releases and to 9.7, and to MariaDB.
 *
 * See https://dev.mysql.com/doc/refman/9.7/en/upgrade-paths.html, https://mariadb.com/kb/en/upgrading/
 */
import type { ServerProduct, ServerVersion } from './server-version.ts'

export type Compatibility = { readonly ok: true } | { readonly ok: false, readonly reason: string }

/** Long-term series of MySQL: data goes from one to the next, or to an innovation release between them. */
const LONG_TERM: readonly string[] = ['5.7', '8.0', '8.4', '9.7']

/**
 * The version in a text: `9.7.4-2`, `10.11.19-MariaDB-deb12`, `Ver 8.0.36 MySQL Community Server - GPL`, or a line of
 * `mysqld --version`. Undefined when there is none.
 *
 * @param comment `@@version_comment`, where `text` is `@@version` alone: it tells Percona Server from MySQL.
 */
export function parseVersion(text: string, comment = ''): ServerVersion | undefined {
  // the prefix is what MariaDB told replicas of old; it is not the version
  const numbers = /Ver (?:5\.5\.5-)?(\d+)\.(\d+)\.(\d+)/.exec(text) ?? /^(?:5\.5\.5-(?=\d))?(\d+)\.(\d+)\.(\d+)/.exec(text)
  if (numbers === null) return undefined
  const [major = 0, minor = 0, patch = 0] = numbers.slice(1).map(Number)
  return { product: productOf(`${text} ${comment}`), major, minor, patch }
}

const productOf = (text: string): ServerProduct =>
  text.includes('Percona') ? 'Percona' : text.includes('MariaDB') ? 'MariaDB' : 'MySQL'

export const formatVersion = (version: ServerVersion): string =>
  `${version.product} ${version.major}.${version.minor}.${version.patch}`

/** MANIFEST's MySQLVersion: `Ver <@@version> <@@version_comment>`. */
export const manifestVersion = (versionText: string, comment: string): string => `Ver ${versionText} ${comment}`

/** MySQL and Percona Server from 8.0.22, MariaDB from 10.5. */
export function isSupportedServer(version: ServerVersion): boolean {
  return version.product === 'MariaDB' ? atLeast(version, 10, 5, 0) : atLeast(version, 8, 0, 22)
}

/**
 * Whether `running` may open data of the version a MANIFEST names.
 *
 * @param manifestVersionText '' (before v18): nobody knows, so it is tried, as Vitess does.
 * @param options.upgradeSafe the donor was shut down slowly (innodb_fast_shutdown=0).
 */
export function isCompatible(
  manifestVersionText: string, running: ServerVersion, options: { readonly upgradeSafe: boolean },
): Compatibility {
  if (manifestVersionText === '') return { ok: true }
  const made = parseVersion(manifestVersionText)
  if (made === undefined) return no(`its version "${manifestVersionText.slice(0, 80)}" cannot be read`)
  const both = `made by ${formatVersion(made)}, running ${formatVersion(running)}`
  if (made.product !== running.product) return no(`${both}: another product`)
  const order = compare(made, running)
  if (order === 0) return { ok: true }
  const sameSeries = seriesOf(made) === seriesOf(running)
  if (sameSeries && goesBothWays(made) && goesBothWays(running)) return { ok: true }
  if (order > 0) return no(`${both}: data never goes to an older version`)
  if (sameSeries && atLeast(made, 8, 1, 0)) return { ok: true }
  if (!isWithinReach(made, running)) return no(`${both}: that skips a long-term series, or goes beyond the last one known`)
  return options.upgradeSafe ? { ok: true } : no(`${both}: a newer version needs a backup taken with upgrade-safe`)
}

/** Whether mysql_upgrade or mariadb-upgrade has to run on restored data; MySQL does it itself since 8.0.16. */
export function needsUpgradeStep(made: ServerVersion | undefined, running: ServerVersion): boolean {
  if (running.product !== 'MariaDB') return !atLeast(running, 8, 0, 16)
  return made === undefined || seriesOf(made) !== seriesOf(running)
}

const no = (reason: string): Compatibility => ({ ok: false, reason })

const seriesOf = (version: ServerVersion): string => `${version.major}.${version.minor}`

const compare = (a: ServerVersion, b: ServerVersion): number => a.major - b.major || a.minor - b.minor || a.patch - b.patch

const atLeast = (version: ServerVersion, major: number, minor: number, patch: number): boolean =>
  compare(version, { ...version, major, minor, patch }) >= 0

/** Releases that can be exchanged within their series: MariaDB's, and MySQL's long-term ones since 8.0.35 (no more format changes). */
const goesBothWays = (version: ServerVersion): boolean =>
  version.product === 'MariaDB' || (LONG_TERM.includes(seriesOf(version)) && atLeast(version, 8, 0, 35))

/** Upwards: MySQL up to the next long-term series, the innovation releases before it included; MariaDB any. */
function isWithinReach(made: ServerVersion, running: ServerVersion): boolean {
  if (made.product === 'MariaDB' || seriesOf(made) === seriesOf(running)) return true
  const next = LONG_TERM.map((series) => series.split('.').map(Number))
    .find(([major = 0, minor = 0]) => major > made.major || (major === made.major && minor > made.minor))
  if (next === undefined) return false
  const [major = 0, minor = 0] = next
  return running.major < major || (running.major === major && running.minor <= minor)
}
