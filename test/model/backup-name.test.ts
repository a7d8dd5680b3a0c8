import t from 'tap'
import {
  formatBackupName, formatBackupTime, formatManifestTime, nextBackupName, parseBackupName, parseBackupTime, parseManifestTime,
} from '../../src/model/backup-name.ts'

const TIME = Date.UTC(2021, 2, 10, 20, 54, 19)
const ALIAS = 'zone1-0000000102'

t.test('a name is the UTC time and the alias', (t) => {
  t.equal(formatBackupName(TIME + 999, ALIAS), '2021-03-10.205419.zone1-0000000102')
  t.equal(formatBackupTime(TIME), '2021-03-10.205419')
  t.equal(formatManifestTime(TIME + 1), '2021-03-10T20:54:19Z')
  t.end()
})

t.test('names are read as Vitess reads them', (t) => {
  const table: readonly (readonly [name: string, read: { timeMs: number | undefined, alias: string | undefined } | undefined])[] = [
    ['2021-03-10.205419.zone1-0000000102', { timeMs: TIME, alias: ALIAS }],
    ['2021-03-10.205419.zone1-102', { timeMs: TIME, alias: ALIAS }],
    ['2021-03-10.205419.us-east_1a-0000000102', { timeMs: TIME, alias: 'us-east_1a-0000000102' }],
    ['2021-03-10.205419.vtbackup-3141592653', { timeMs: TIME, alias: 'vtbackup-3141592653' }],
    ['2021-02-30.205419.zone1-0000000102', { timeMs: undefined, alias: ALIAS }],
    ['2021-03-10.2054.zone1-0000000102', { timeMs: undefined, alias: ALIAS }],
    ['2021-03-10.205419.zone1', { timeMs: TIME, alias: undefined }],
    ['2021-03-10.205419.zone1-9999999999', { timeMs: TIME, alias: undefined }],
    ['a.b.c', { timeMs: undefined, alias: undefined }],
    ['2021-03-10.205419', undefined],
    ['2021-03-10.205419.zone.1-0000000102', undefined],
    ['', undefined],
    ['x', undefined],
  ]
  for (const [name, read] of table) t.same(parseBackupName(name), read, name)
  t.end()
})

t.test('only moments that exist are times', (t) => {
  t.equal(parseBackupTime('2021-03-10.205419'), TIME)
  t.equal(parseBackupTime('2024-02-29.000000'), Date.UTC(2024, 1, 29))
  for (const text of ['2023-02-29.000000', '2021-13-01.000000', '2021-03-10.240000', '2021-03-10.206019', '2021-03-10 205419', '2021-03-10.205419Z', ' 2021-03-10.205419', '']) {
    t.equal(parseBackupTime(text), undefined, text)
  }
  for (const [text, timeMs] of [
    ['2021-03-10T20:54:19Z', TIME], ['2021-03-10T21:54:19+01:00', TIME], ['2021-03-10T20:54:19.987654321Z', TIME],
    ['2021-02-30T20:54:19Z', undefined], ['2021-03-10T20:54:19', undefined], ['yesterday', undefined], ['', undefined], ['2021-03-10T20:54:19+99:00', undefined],
  ] as const) t.equal(parseManifestTime(text), timeMs, text)
  t.end()
})

t.test('a new name collides with none and sorts after all', (t) => {
  const table: readonly (readonly [title: string, existing: readonly string[], name: string])[] = [
    ['the first', [], `2021-03-10.205419.${ALIAS}`],
    ['older ones', ['2021-03-09.205419.zone1-0000000102'], `2021-03-10.205419.${ALIAS}`],
    ['one in this second', [`2021-03-10.205419.${ALIAS}`], `2021-03-10.205420.${ALIAS}`],
    ['one in this second by an alias that sorts later', ['2021-03-10.205419.zone9-0000000001'], `2021-03-10.205420.${ALIAS}`],
    ['a clock that was ahead', ['2021-03-11.000000.zone1-0000000103', '2021-03-10.205418.zone1-0000000103'], `2021-03-11.000001.${ALIAS}`],
    ['a cell with a dot', ['2021-03-10.235959.zone.1-0000000103'], `2021-03-11.000000.${ALIAS}`],
    ['names that are no times', ['zzz', 'lost+found', '9999-99-99.999999.x-1'], `2021-03-10.205419.${ALIAS}`],
  ]
  for (const [title, existing, expected] of table) {
    const name = nextBackupName(TIME + 321, existing, ALIAS)
    t.equal(name, expected, title)
    t.ok(existing.every((other) => parseBackupName(other)?.timeMs === undefined || other < name))
  }
  t.throws(() => nextBackupName(TIME, ['9999-12-31.235959.zone1-0000000001'], ALIAS), { code: 'BACKUP_EXISTS' })
  t.end()
})
