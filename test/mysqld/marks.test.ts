/** The sentinel and the mark of origin: in doubt they count. */
import { chmodSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { accountsSql } from '../../src/mysqld/accounts.ts'
import { parseOriginMark, readOriginMark, writeOriginMark } from '../../src/mysqld/origin-mark.ts'
import { parseAutoCnf, readOnlyAtBoot } from '../../src/mysqld/read-only-at-boot.ts'
import { parseSentinel, readSentinel, removeSentinel, writeSentinel } from '../../src/mysqld/sentinel.ts'
import { upgradeIsNeeded } from '../../src/mysqld/upgrade-tables.ts'
import { tempDir } from '../support/temp-dir.ts'

const SENTINEL = { backup: '2026-11-20.101112.zone1-0000000101', since: '2026-11-20T10:11:12Z', aside: '2026-11-20T10-11-12Z' }

t.test('either file of the sentinel means restore again, and only both gone means none', async (t) => {
  await using dir = await tempDir()
  const places = { tabletDir: join(dir.path, 'tablet'), dataDir: join(dir.path, 'data') }
  mkdirSync(places.tabletDir)
  t.same(await readSentinel(places), { present: false })
  await writeSentinel(places, SENTINEL)
  t.same(await readSentinel(places), { present: true, content: SENTINEL })
  rmSync(places.dataDir, { recursive: true })
  t.same(await readSentinel(places), { present: true, content: SENTINEL }, 'the data directory was lost')
  await writeSentinel(places, SENTINEL)
  rmSync(join(places.tabletDir, 'restore_in_progress'))
  t.match(await readSentinel(places), { present: true, content: SENTINEL }, 'the tablet directory was lost')
  await removeSentinel(places)
  t.same(await readSentinel(places), { present: false })
})

t.test('a sentinel that cannot be understood counts all the same', async (t) => {
  await using dir = await tempDir()
  const places = { tabletDir: join(dir.path, 'tablet'), dataDir: dir.path }
  mkdirSync(places.tabletDir)
  const path = join(places.tabletDir, 'restore_in_progress')
  for (const text of ['', '{', 'null', '{"backup":1}']) {
    writeFileSync(path, text)
    t.match(await readSentinel(places), { present: true, content: undefined }, JSON.stringify(text))
  }
  rmSync(path)
  mkdirSync(path)
  t.match(await readSentinel(places), { present: true, problem: /EISDIR/ })
  t.notOk(parseSentinel('{"backup":"b","since":"s","aside":"../../etc"}')?.aside, 'a path is no stamp')
})

t.test('the mark of origin: written, read, and doubted when it makes no sense', async (t) => {
  await using dir = await tempDir()
  t.same(await readOriginMark(dir.path), { kind: 'none' })
  const mark = { made: 'restore', since: 's', backup: 'b', position: 'MySQL56/', newestTermBefore: 0, serverId: 7, everAttached: true, drained: true } as const
  await writeOriginMark(dir.path, mark)
  t.same(await readOriginMark(dir.path), { kind: 'mark', mark })
  t.same(parseOriginMark('{"made":"found","since":"s","later":"field"}'), { kind: 'mark', mark: { made: 'found', since: 's' } })
  for (const bad of ['', '[]', 'null', '{"made":"x","since":"s"}', '{"made":"found"}', '{"made":"found","since":"s","newestTermBefore":-1}', '{"made":"found","since":"s","newestTermBefore":"2"}',
    '{"made":"found","since":"s","serverId":"2"}']) {
    t.equal(parseOriginMark(bad).kind, 'unreadable', bad)
  }
  rmSync(join(dir.path, '.tabletd.json'))
  mkdirSync(join(dir.path, '.tabletd.json'))
  t.equal((await readOriginMark(dir.path)).kind, 'unreadable')
  chmodSync(dir.path, 0o700)
  t.ok(existsSync(dir.path))
})

t.test('read-only at boot: my.cnf must say so, and mysqld-auto.cnf must not contradict', (t) => {
  const v1 = parseAutoCnf('{"Version":1,"mysql_server":{"super_read_only":{"Value":"OFF","Metadata":{"Timestamp":1}}}}')
  const v2 = parseAutoCnf('{"Version":2,"mysql_dynamic_parse_early_variables":{"read_only":{"Value":"ON","Metadata":{}}},"mysql_dynamic_variables":{"super_read_only":{"Value":"ON","Metadata":{}}}}')
  t.equal(v1?.get('super_read_only'), 'OFF')
  t.equal(v2?.get('super_read_only'), 'ON')
  t.equal(parseAutoCnf('{'), undefined)
  const my = (superReadOnly: boolean) => ({ flavor: 'mysql', readOnly: superReadOnly, superReadOnly } as const)
  t.equal(readOnlyAtBoot(my(true), undefined), undefined)
  t.match(readOnlyAtBoot(my(false), undefined), /my\.cnf/)
  t.match(readOnlyAtBoot(my(true), v1), /mysqld-auto\.cnf sets super_read_only=OFF/)
  t.equal(readOnlyAtBoot(my(false), v2), undefined, 'persisted ON is enough')
  t.match(readOnlyAtBoot(my(true), new Map([['read_only', 'OFF']])), /read_only=OFF/)
  t.equal(readOnlyAtBoot({ flavor: 'mariadb', readOnly: true, superReadOnly: true }, undefined), undefined)
  t.match(readOnlyAtBoot({ flavor: 'mariadb', readOnly: false, superReadOnly: false }, undefined), /my\.cnf/)
  t.end()
})

t.test('the init file keeps itself out of the binary log first, and quotes what it is given', (t) => {
  const sql = accountsSql({ flavor: 'mysql', dba: { user: "o'brien", password: "a'b\\c" }, repl: undefined, lockRoot: true })
  const lines = sql.split('\n')
  t.equal(lines[0], 'SET SESSION sql_log_bin=0;')
  t.ok(lines.slice(0, -1).every((line) => line.endsWith(';')))
  t.match(sql, "'o''brien'@'localhost' IDENTIFIED BY 'a''b\\c'")
  t.notMatch(sql, 'REPLICATION SLAVE')
  t.notMatch(accountsSql({ flavor: 'mariadb', dba: { user: 'a', password: 'b' }, repl: undefined, lockRoot: true }), 'LOCK;')
  for (const password of ['a\nb', 'a\0b', '\r']) {
    t.throws(() => accountsSql({ flavor: 'mysql', dba: { user: 'a', password }, repl: undefined }), { code: 'SETTINGS_INVALID' })
  }
  t.end()
})

t.test('only MariaDB of another series needs the upgrade program', (t) => {
  const maria = { product: 'MariaDB', major: 10, minor: 11, patch: 19 } as const
  t.equal(upgradeIsNeeded(maria, '10.11.2-MariaDB\n'), false)
  t.equal(upgradeIsNeeded(maria, '10.6.2-MariaDB'), true)
  t.equal(upgradeIsNeeded(maria, undefined), true)
  t.equal(upgradeIsNeeded({ product: 'MySQL', major: 8, minor: 4, patch: 0 }, undefined), false)
  t.end()
})
