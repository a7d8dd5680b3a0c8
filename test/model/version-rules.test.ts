import t from 'tap'
import type { ServerProduct, ServerVersion } from '../../src/model/server-version.ts'
import {
  formatVersion, isCompatible, isSupportedServer, manifestVersion, needsUpgradeStep, parseVersion,
} from '../../src/model/version-rules.ts'

const version = (text: string, product: ServerProduct = 'MySQL'): ServerVersion => {
  const [major = 0, minor = 0, patch = 0] = text.split('.').map(Number)
  return { product, major, minor, patch }
}

t.test('versions are found wherever servers and MANIFESTs write them', (t) => {
  const table: readonly (readonly [text: string, comment: string, read: string | undefined])[] = [
    ['Ver 8.0.36 MySQL Community Server - GPL', '', 'MySQL 8.0.36'],
    ['Ver 8.0.36-28 Percona Server (GPL), Release 28, Revision 47601f19', '', 'Percona 8.0.36'],
    ['/usr/sbin/mysqld  Ver 5.7.31 for linux-glibc2.12 on x86_64 (MySQL Community Server (GPL))', '', 'MySQL 5.7.31'],
    ['Ver 10.11.19-MariaDB-deb12 Debian 12', '', 'MariaDB 10.11.19'],
    ['Ver 5.5.5-10.11.19-MariaDB x', '', 'MariaDB 10.11.19'],
    ['9.7.4-2', '(Debian)', 'MySQL 9.7.4'],
    ['8.4.3', 'Percona Server (GPL)', 'Percona 8.4.3'],
    ['10.11.19-MariaDB-0+deb12u1', 'Debian 12', 'MariaDB 10.11.19'],
    ['5.5.5-10.11.19-MariaDB', '', 'MariaDB 10.11.19'],
    ['5.5.5', '', 'MySQL 5.5.5'],
    ['Ver 8.0', '', undefined],
    ['', '', undefined],
    ['garbage 8.0.36', '', undefined],
  ]
  for (const [text, comment, expected] of table) {
    const read = parseVersion(text, comment)
    t.equal(read === undefined ? undefined : formatVersion(read), expected, text)
  }
  t.equal(manifestVersion('9.7.4-2', '(Debian)'), 'Ver 9.7.4-2 (Debian)')
  t.end()
})

/** Scenario 48, and what follows from MySQL's upgrade paths. `safe`: what an upgrade-safe backup changes. */
const MYSQL: readonly (readonly [made: string, running: string, plain: boolean, safe: boolean])[] = [
  ['5.7.44', '8.0.36', false, true],
  ['5.7.44', '8.0.34', false, true],
  ['5.7.44', '8.4.0', false, false],
  ['5.7.44', '9.7.4', false, false],
  ['8.0.36', '5.7.44', false, false],
  ['8.0.34', '8.0.34', true, true],
  ['8.0.34', '8.0.35', false, true],
  ['8.0.34', '8.0.36', false, true],
  ['8.0.35', '8.0.34', false, false],
  ['8.0.35', '8.0.36', true, true],
  ['8.0.36', '8.0.35', true, true],
  ['8.0.36', '8.4.0', false, true],
  ['8.0.30', '8.4.0', false, true],
  ['8.4.0', '8.0.36', false, false],
  ['8.0.36', '9.0.0', false, false],
  ['8.0.36', '9.7.4', false, false],
  ['8.0.36', '8.3.0', false, true],
  ['8.3.0', '8.4.2', false, true],
  ['8.3.0', '9.0.0', false, false],
  ['8.4.2', '8.4.5', true, true],
  ['8.4.5', '8.4.2', true, true],
  ['8.4.5', '9.1.0', false, true],
  ['8.4.5', '9.7.4', false, true],
  ['9.1.0', '9.7.0', false, true],
  ['9.7.0', '9.1.0', false, false],
  ['9.7.4', '8.4.5', false, false],
  ['9.7.0', '9.7.4', true, true],
  ['9.7.4', '9.7.0', true, true],
  ['9.1.0', '9.1.1', true, true],
  ['9.1.1', '9.1.0', false, false],
  ['9.7.4', '10.0.0', false, false],
]

t.test('data goes up MySQL\'s upgrade path, step by step, and never down', (t) => {
  for (const product of ['MySQL', 'Percona'] as const) {
    for (const [made, running, plain, safe] of MYSQL) {
      const text = `Ver ${made} ${product === 'Percona' ? 'Percona Server (GPL)' : 'MySQL Community Server - GPL'}`
      t.equal(isCompatible(text, version(running, product), { upgradeSafe: false }).ok, plain, `${product} ${made} to ${running}`)
      t.equal(isCompatible(text, version(running, product), { upgradeSafe: true }).ok, safe, `${product} ${made} to ${running}, upgrade-safe`)
    }
  }
  t.end()
})

t.test('MariaDB opens its own series in both directions, and older ones when shut down slowly', (t) => {
  for (const [made, running, plain, safe] of [
    ['10.11.19', '10.11.19', true, true], ['10.11.19', '10.11.2', true, true], ['10.11.2', '10.11.19', true, true],
    ['10.6.20', '10.11.19', false, true], ['10.11.19', '11.8.1', false, true], ['10.11.19', '10.6.20', false, false], ['11.4.1', '10.11.19', false, false],
  ] as const) {
    const text = `Ver ${made}-MariaDB x`
    t.equal(isCompatible(text, version(running, 'MariaDB'), { upgradeSafe: false }).ok, plain, `${made} to ${running}`)
    t.equal(isCompatible(text, version(running, 'MariaDB'), { upgradeSafe: true }).ok, safe, `${made} to ${running}, upgrade-safe`)
  }
  t.end()
})

t.test('another product is refused, a version that cannot be read too, none at all is tried', (t) => {
  const running = version('8.0.36')
  for (const [text, reason] of [
    ['Ver 8.0.36 Percona Server (GPL)', 'made by Percona 8.0.36, running MySQL 8.0.36: another product'],
    ['Ver 10.11.19-MariaDB', 'made by MariaDB 10.11.19, running MySQL 8.0.36: another product'],
    ['unknown', 'its version "unknown" cannot be read'],
    ['Ver 8.4.0 MySQL', 'made by MySQL 8.4.0, running MySQL 8.0.36: data never goes to an older version'],
  ] as const) t.same(isCompatible(text, running, { upgradeSafe: true }), { ok: false, reason })
  t.same(isCompatible('', running, { upgradeSafe: false }), { ok: true })
  t.end()
})

t.test('servers are supported from MySQL 8.0.22 and MariaDB 10.5', (t) => {
  for (const [text, product, supported] of [
    ['8.0.21', 'MySQL', false], ['8.0.22', 'MySQL', true], ['5.7.44', 'MySQL', false], ['8.4.0', 'Percona', true], ['9.7.4', 'MySQL', true],
    ['10.4.34', 'MariaDB', false], ['10.5.0', 'MariaDB', true], ['11.8.1', 'MariaDB', true],
  ] as const) t.equal(isSupportedServer(version(text, product)), supported, `${product} ${text}`)
  t.end()
})

t.test('an upgrade program runs for MariaDB when the series changed or is not known', (t) => {
  const maria = (text: string): ServerVersion => version(text, 'MariaDB')
  t.equal(needsUpgradeStep(maria('10.6.1'), maria('10.11.19')), true)
  t.equal(needsUpgradeStep(maria('10.11.1'), maria('10.11.19')), false)
  t.equal(needsUpgradeStep(undefined, maria('10.11.19')), true)
  t.equal(needsUpgradeStep(version('5.7.44'), version('8.0.36')), false, 'MySQL does it itself since 8.0.16')
  t.equal(needsUpgradeStep(version('5.7.44'), version('8.0.15')), true)
  t.end()
})
