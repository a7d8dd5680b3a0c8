import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { DIALECTS, chooseDialect } from '../../src/mysqld/choose-dialect.ts'
import { quote, whole } from '../../src/mysqld/dialects/common.ts'
import { servers } from '../support/servers.ts'

const chosen: readonly [string, string, string][] = [
  ['8.0.22', 'MySQL Community Server - GPL', 'mysql-8.0'], ['8.0.42-33', 'Percona Server (GPL)', 'mysql-8.0'], ['8.1.0', '', 'mysql-8.0'],
  ['8.2.0', '', 'mysql-8.4'], ['8.4.6', '', 'mysql-8.4'], ['9.0.0', '', 'mysql-9'], ['9.7.4-2', '(Debian)', 'mysql-9'],
  ['10.5.29-MariaDB', '', 'mariadb-10.5'], ['10.6.1-MariaDB', '', 'mariadb-10'], ['10.11.19-MariaDB-0+deb12u1-log', 'Debian 12', 'mariadb-10'],
  ['11.8.2-MariaDB', '', 'mariadb-11'],
]
for (const [version, comment, name] of chosen) {
  t.test(`${version} ${comment} speaks ${name}`, (t) => {
    t.equal(chooseDialect(version, comment).name, name)
    t.end()
  })
}

for (const version of ['5.7.44-log', '8.0.21', '10.4.34-MariaDB', 'unknown', '']) {
  t.test(`"${version}" is refused`, (t) => {
    t.throws(() => chooseDialect(version, ''), { code: 'MYSQLD_UNSUPPORTED' })
    t.end()
  })
}

t.test('exactly the dialects of servers that the tests run are marked as tested', (t) => {
  const run = servers().map((server) => chooseDialect(server.name === 'mariadb' ? `${server.version}-MariaDB` : server.version, '').name)
  for (const name of run) t.equal(DIALECTS.find((dialect) => dialect.name === name)?.tested, true, name)
  t.same(DIALECTS.filter((dialect) => dialect.tested).map((dialect) => dialect.name), ['mysql-9', 'mariadb-10'])
  t.end()
})

t.test('docs/servers.md has a row for each dialect, and says which the tests run', async (t) => {
  const page = await readFile(join(import.meta.dirname, '../../docs/servers.md'), 'utf8')
  const rows = [...page.matchAll(/^\| `([^`]+)` \| [^|]+ \| (yes|no)\b/gm)].map(([, name, tested]) => [name, tested === 'yes'])
  t.same(rows, DIALECTS.map((dialect) => [dialect.name, dialect.tested]))
})

const source = {
  address: { host: 'h\'ost', port: 3306 }, user: 'repl', password: 'pa\\ss\'word', connectRetrySeconds: 10, ssl: 'disabled' as const,
}

t.test('each dialect points a channel in its own words, with automatic positions', (t) => {
  const text = (name: string, tls: boolean): string =>
    DIALECTS.find((dialect) => dialect.name === name)?.replication.changeSource(source, tls).text ?? ''
  t.match(text('mysql-9', false), /^CHANGE REPLICATION SOURCE TO SOURCE_HOST = 'h\\'ost', .*SOURCE_SSL = 0, .*GET_SOURCE_PUBLIC_KEY = 1, SOURCE_AUTO_POSITION = 1$/)
  t.match(text('mysql-8.4', true), /SOURCE_SSL = 1, .*GET_SOURCE_PUBLIC_KEY = 0/)
  t.match(text('mysql-8.0', false), /^CHANGE MASTER TO MASTER_HOST = .*GET_MASTER_PUBLIC_KEY = 1, MASTER_AUTO_POSITION = 1$/)
  t.match(text('mariadb-10', true), /^CHANGE MASTER TO .*MASTER_SSL = 1, .*MASTER_USE_GTID = slave_pos$/)
  t.end()
})

t.test('a session of each dialect commits by itself, also where the server is set not to', (t) => {
  for (const { name, begin, beginUnlogged } of DIALECTS) {
    t.match(begin, /^SET SESSION .*\bautocommit = 1\b/, name)
    t.match(beginUnlogged, /^SET SESSION .*\bautocommit = 1\b.*, sql_log_bin = 0$/, name)
  }
  t.end()
})

t.test('each dialect resets in its own words', (t) => {
  t.same(DIALECTS.map((dialect) => [dialect.name, dialect.resetGtids[0]]), [
    ['mysql-8.0', 'RESET MASTER'], ['mysql-8.4', 'RESET BINARY LOGS AND GTIDS'], ['mysql-9', 'RESET BINARY LOGS AND GTIDS'],
    ['mariadb-10.5', 'RESET MASTER'], ['mariadb-10', 'RESET MASTER'], ['mariadb-11', 'RESET MASTER'],
  ])
  t.end()
})

t.test('statements with a password name it as a secret, as it is and as it is written', (t) => {
  for (const dialect of DIALECTS) {
    const { text, secrets } = dialect.replication.changeSource(source, false)
    t.same(secrets, [source.password, quote(source.password)], dialect.name)
    t.ok(text.includes(quote(source.password)), dialect.name)
  }
  t.end()
})

t.test('before 10.11 SUPER writes in spite of read_only, since then only READ_ONLY ADMIN', (t) => {
  const statement = (major: number, minor: number): string =>
    DIALECTS.find((dialect) => dialect.name === 'mariadb-10')?.writersDespiteReadOnly?.({ product: 'MariaDB', major, minor, patch: 1 }) ?? ''
  t.match(statement(10, 6), /SUPER/)
  t.notMatch(statement(10, 11), /SUPER/)
  t.notMatch(statement(11, 4), /SUPER/)
  t.end()
})

t.test('a literal cannot be left', (t) => {
  t.equal(quote('a\'; DROP'), '\'a\\\'; DROP\'')
  t.equal(quote('\\\''), '\'\\\\\\\'\'')
  t.equal(quote('a\0\n\r\x1a"b'), '\'a\\0\\n\\r\\Z\\"b\'')
  t.equal(whole(7), '7')
  for (const bad of [-1, 1.5, Number.NaN, '1; DROP']) t.throws(() => whole(bad), TypeError)
  t.end()
})
