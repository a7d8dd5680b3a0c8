/** What settings must be together, one row a rule. */
import t from 'tap'
import { brokenRules } from '../../src/config/checks.ts'
import type { PartialConfig } from '../../src/config/derive.ts'

const GOOD: PartialConfig = {
  'tablet-path': 'zone1-0000000101', 'init-keyspace': 'commerce', 'init-shard': '0', 'topo-root': '/t', 'tablet-dir': '/d',
  'db-dba-password-file': '/p', 'db-repl-password-file': '/p', 'mysqld-control': 'supervised', 'my-cnf': '/m', 'mysqld-path': '/s',
  'compression-engine-name': 'zstd', 'compression-level': 1,
}

const NONE = new Set<string>()
const brokenBy = (change: PartialConfig): readonly string[] => brokenRules({ ...GOOD, ...change }, NONE).map(({ where, what }) => `${where}: ${what}`)

const RULES: readonly (readonly [title: string, breaks: PartialConfig, mends: PartialConfig, broken: RegExp])[] = [
  ['an alias', { 'tablet-path': undefined }, {}, /^--tablet-path: is needed$/],
  ['a keyspace', { 'init-keyspace': undefined }, {}, /^--init-keyspace: is needed$/],
  ['a shard', { 'init-shard': undefined }, {}, /^--init-shard: is needed$/],
  ['a topology', { 'topo-root': undefined }, {}, /^--topo-root: is needed$/],
  ['a password for the dba', { 'db-dba-password-file': undefined }, {}, /^--db-dba-password-file: is needed$/],
  ['a password for replication', { 'db-repl-password-file': undefined }, {}, /^--db-repl-password-file: is needed$/],
  ['a defaults file', { 'my-cnf': undefined }, { 'mysqld-control': 'none' }, /^--my-cnf: is needed unless/],
  ['a server program', { 'mysqld-path': undefined }, { 'mysqld-control': 'none' }, /^--mysqld-path: no server program/],
  ['a unit', { 'mysqld-control': 'systemd' }, { 'mysqld-unit': 'mysql' }, /^--mysqld-unit: /],
  ['a start command', { 'mysqld-control': 'command', 'mysqld-stop-command': 'b' }, { 'mysqld-start-command': 'a' }, /^--mysqld-start-command: /],
  ['a stop command', { 'mysqld-control': 'command', 'mysqld-start-command': 'a' }, { 'mysqld-stop-command': 'b' }, /^--mysqld-stop-command: /],
  ['a root for file storage', { 'backup-storage-implementation': 'file' }, { 'file-backup-storage-root': '/b' }, /^--file-backup-storage-root: /],
  ['a storage to restore from', { 'restore-from-backup': true }, { 'backup-storage-implementation': 'file', 'file-backup-storage-root': '/b' }, /needed with restore-from-backup/],
  ['a storage to back up to', { 'backup-schedule': '0 3 * * *' }, { 'backup-storage-implementation': 'file', 'file-backup-storage-root': '/b' }, /needed with backup-schedule/],
  ['control of mysqld to restore', { 'restore-from-backup': true, 'mysqld-control': 'none', 'backup-storage-implementation': 'file', 'file-backup-storage-root': '/b' },
    { 'mysqld-control': 'supervised' }, /^--restore-from-backup: needs a mysqld/],
  ['a command for external', { 'compression-engine-name': 'external' }, { 'external-compressor': 'xz -c' }, /^--external-compressor: is needed/],
  ['a command for external, or no compression', { 'compression-engine-name': 'external' }, { 'backup-storage-compress': false }, /is needed with/],
  ['the one level of lz4', { 'compression-engine-name': 'lz4', 'compression-level': 2 }, { 'compression-level': 1 }, /^--compression-level: is 1 with lz4/],
  ['a level that lz4 has, or a command', { 'compression-engine-name': 'lz4', 'compression-level': 9 }, { 'external-compressor': 'lz4 -9 -c' }, /is 1 with/],
  ['a level that gzip has', { 'compression-engine-name': 'pgzip', 'compression-level': 10 }, { 'compression-level': 9 }, /^--compression-level: is at most 9/],
  ['a replica that begins to serve where it would stop', { 'unhealthy-threshold': 5000, 'recovery-threshold': 5001 }, { 'recovery-threshold': 5000 },
    /^--recovery-threshold: is more than unhealthy-threshold/],
  ['a key with the certificate', { 'tls-cert': '/c' }, { 'tls-key': '/k' }, /^--tls-key: tls-cert and tls-key/],
  ['a certificate with the key', { 'tls-key': '/k' }, { 'tls-cert': '/c' }, /^--tls-key: tls-cert and tls-key/],
  ['a certificate with the client authority', { 'tls-client-ca': '/a' }, { 'tls-cert': '/c', 'tls-key': '/k' }, /^--tls-client-ca: needs/],
  ['a port for agents apart from the one for HTTP', { 'port': 15100, 'agent-check-port': 15100 }, { 'agent-check-port': 15101 }, /^--agent-check-port: is the same as port/],
  ['a topology apart from the backups', { 'file-backup-storage-root': '/t' }, { 'file-backup-storage-root': '/b' }, /^--topo-root: is the same/],
  ['a tablet directory apart from the topology', { 'tablet-dir': '/t' }, { 'tablet-dir': '/d' }, /^--tablet-dir: is the same/],
]

t.same(brokenBy({}), [], 'the example breaks no rule')

for (const [title, breaks, mends, broken] of RULES) {
  t.test(`there must be ${title}`, (t) => {
    const found = brokenBy(breaks)
    t.equal(found.length, 1, found.join('; '))
    t.match(found[0], broken)
    if (Object.keys(mends).length > 0) t.same(brokenBy({ ...breaks, ...mends }), [])
    t.end()
  })
}

t.test('a setting that was given and not understood is not called missing', (t) => {
  t.same(brokenRules({ ...GOOD, 'init-shard': undefined }, new Set(['init-shard'])), [])
  t.end()
})
