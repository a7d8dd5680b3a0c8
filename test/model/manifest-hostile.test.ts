import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { MAX_MANIFEST_BYTES, decodeManifest } from '../../src/model/manifest-codec.ts'
import type { BackupManifest } from '../../src/model/manifest.ts'

const HEAD = JSON.parse(readFileSync(join(import.meta.dirname, 'fixtures', 'head.json'), 'utf8')) as BackupManifest
const file = (more: object): object => ({ Base: 'Data', Name: 'a/b.ibd', Hash: 'ad92a7d2', ParentPath: '', ...more })
const named = (...names: readonly string[]): object => ({ FileEntries: names.map((Name) => file({ Name })) })
const chunk = (more: object): object => ({ StorageName: '0-0', Offset: 0, Size: 4096, Hash: '00000001', ...more })
const chunked = (...chunks: readonly object[]): object => ({ FileEntries: [file({ Hash: '', Chunks: chunks })] })
const decode = (text: string): BackupManifest => decodeManifest(Buffer.from(text))
const withFields = (more: object): BackupManifest => decode(JSON.stringify({ ...HEAD, ...more }))

const REFUSED: readonly (readonly [title: string, fields: object, names: RegExp])[] = [
  ['a path that climbs out', named('../../etc/passwd'), /FileEntries\[0\]\.Name/],
  ['a path that climbs out later', named('fine.ibd', 'a/../../b'), /FileEntries\[1\]\.Name/],
  ['a path that climbs and stays', named('a/../b'), /not a path inside/],
  ['an absolute path', named('/etc/passwd'), /FileEntries\[0\]\.Name/],
  ['an empty path', named(''), /FileEntries\[0\]\.Name/],
  ['an empty segment', named('a//b'), /FileEntries\[0\]\.Name/],
  ['a segment that is a dot', named('a/./b'), /FileEntries\[0\]\.Name/],
  ['a directory for a file', named('a/'), /FileEntries\[0\]\.Name/],
  ['NUL in a path', named('a\u0000b'), /FileEntries\[0\]\.Name/],
  ['a line break in a path', named('a\nb'), /FileEntries\[0\]\.Name/],
  ['backslashes', named('..\\..\\b'), /FileEntries\[0\]\.Name/],
  ['a very long path', named('x/'.repeat(3000) + 'y'), /too long/],
  ['a name no file system takes', named('é'.repeat(128)), /too long/],
  ['the sentinel', named('.restore_in_progress'), /begin with a dot/],
  ['our notes', named('.tabletd.json'), /begin with a dot/],
  ['another identity', named('auto.cnf'), /another one/],
  ['other settings', named('mysqld-auto.cnf'), /another one/],
  ['a file twice', named('a/b', 'a/b'), /twice/],
  ['a file that is a directory too', named('a', 'a/b'), /both a file and a directory/],
  ['a file that is an empty directory too', { ...named('a'), Directories: ['Data/a'] }, /both a file and a directory/],
  ['an unknown base', { FileEntries: [file({ Base: 'Etc' })] }, /FileEntries\[0\]\.Base/],
  ['no base', { FileEntries: [{ Name: 'x', Hash: '' }] }, /FileEntries\[0\]\.Base/],
  ['a parent path', { FileEntries: [file({ ParentPath: '/etc' })] }, /FileEntries\[0\]\.ParentPath/],
  ['a hash that is none', { FileEntries: [file({ Hash: 'AD92A7D2' })] }, /FileEntries\[0\]\.Hash/],
  ['a hash that is too long', { FileEntries: [file({ Hash: 'ad92a7d2ad92a7d2' })] }, /FileEntries\[0\]\.Hash/],
  ['a negative size', { FileEntries: [file({ Size: -1 })] }, /FileEntries\[0\]\.Size/],
  ['a size beyond all bounds', { FileEntries: [file({ StoredSize: 1e300 })] }, /FileEntries\[0\]\.StoredSize/],
  ['half a byte', { FileEntries: [file({ Size: 0.5 })] }, /FileEntries\[0\]\.Size/],
  ['an entry that is no object', { FileEntries: ['x'] }, /FileEntries\[0\]/],
  ['an entry that is null', { FileEntries: [null] }, /FileEntries\[0\]/],
  ['entries that are no list', { FileEntries: { length: 1e9 } }, /FileEntries/],
  ['a directory that climbs out', { Directories: ['Data/../../x'] }, /Directories\[0\]/],
  ['a directory without a base', { Directories: ['x'] }, /Directories\[0\]/],
  ['an absolute directory', { Directories: ['Data//x'] }, /Directories\[0\]/],
  ['a base alone', { Directories: ['Data/'] }, /Directories\[0\]/],
  ['a directory that is a number', { Directories: [1] }, /Directories\[0\]/],
  ['a chunk under another name', chunked(chunk({ StorageName: '1-0' })), /Chunks\[0\]\.StorageName/],
  ['a chunk that climbs out', chunked(chunk({ StorageName: '../0-0' })), /Chunks\[0\]\.StorageName/],
  ['a first chunk that leaves a hole', chunked(chunk({ Offset: 1 })), /Chunks\[0\]\.Offset/],
  ['a chunk that overlaps', chunked(chunk({}), chunk({ StorageName: '0-1', Offset: 4095 })), /Chunks\[1\]\.Offset/],
  ['a chunk of nothing', chunked(chunk({ Size: 0 })), /Chunks\[0\]\.Size/],
  ['a negative chunk', chunked(chunk({ Size: -4096 })), /Chunks\[0\]\.Size/],
  ['chunks beyond all bounds', chunked(chunk({ Size: 2 ** 52 }), chunk({ StorageName: '0-1', Offset: 2 ** 52, Size: 2 ** 52 })), /too large/],
  ['chunks that do not add up', { FileEntries: [file({ Size: 1, Chunks: [chunk({})] })] }, /FileEntries\[0\]\.Size/],
  ['a billion stripes', { NumStripes: 1e9 }, /NumStripes/],
  ['stripes without end', { NumStripes: -1 }, /NumStripes/],
  ['blocks of a terabyte', { StripeBlockSize: 2 ** 40 }, /StripeBlockSize/],
  ['an object outside the backup', { FileName: '../other/backup' }, /FileName/],
  ['the directory as object', { FileName: '..' }, /FileName/],
  ['a position that is none', { Position: 'x' }, /Position/],
  ['a position of millions of intervals', { Position: `MySQL56/145e508e-ae54-11e9-8ce6-46824dd1815e${':1'.repeat(2_000_000)}` }, /Position has 4000044 characters/],
  ['a purged position that is none', { PurgedPosition: 'MySQL56/x' }, /PurgedPosition/],
  ['a position that is a number', { Position: 1 }, /Position is 1, must be a string/],
  ['a flag that is a text', { UpgradeSafe: 'yes' }, /UpgradeSafe/],
  ['a text that acts on terminals', { MySQLVersion: 'Ver 8.0.36 \u001b[2J' }, /MySQLVersion holds control characters/],
  ['extras that are a list', { Tabletd: [] }, /Tabletd/],
  ['extras of a wrong type', { Tabletd: { ToolVersion: '1', LowerCaseTableNames: 3 } }, /Tabletd\.LowerCaseTableNames/],
  ['engines that are no texts', { Tabletd: { EnginesWithTables: [1] } }, /Tabletd\.EnginesWithTables/],
  ['a binary log state that is none', { Tabletd: { GtidBinlogState: '0-1' } }, /Tabletd\.GtidBinlogState/],
]

t.test('a manifest that could do harm is refused, and the field is named', (t) => {
  for (const [title, fields, names] of REFUSED) t.throws(() => withFields(fields), { code: 'MANIFEST_INVALID', message: names }, title)
  t.end()
})

t.test('what cannot be undone here is not supported', (t) => {
  t.throws(() => withFields({ TransformHook: 'encrypt.sh' }), { code: 'BACKUP_UNSUPPORTED' })
  t.throws(() => withFields({ Position: 'FilePos/bin.000001:4' }), { code: 'BACKUP_UNSUPPORTED' })
  t.end()
})

t.test('files that only look odd are taken', (t) => {
  const odd = ['#innodb_redo/#ib_redo9', 'a/t#P#p0.ibd', 'a/@002e@002e.ibd', 'a/..b', 'a/b..', 'a/.b', 'x/auto.cnf', 'undo_001']
  t.same(withFields(named(...odd)).FileEntries?.map((entry) => entry.Name), odd)
  t.same(withFields(chunked(chunk({}), chunk({ StorageName: '0-1', Offset: 4096 }))).FileEntries?.[0]?.Chunks?.length, 2)
  t.equal(withFields({ FileEntries: [file({ Chunks: [] })] }).FileEntries?.[0]?.Chunks, undefined)
  t.same(withFields({ Directories: ['Data/a'], ...named('a/b') }).Directories, ['Data/a'])
  t.end()
})

t.test('keys count in any case, unknown ones and null not at all, nor what follows the object', (t) => {
  t.equal(decode('{"backupNAME":"x","POSITION":"MySQL56/"}').BackupName, 'x')
  t.throws(() => decode('{"Position":"","position":"MySQL56/"}'), { code: 'MANIFEST_INVALID', message: /position stands there twice/ })
  t.equal(decode('{"BackupName":null,"FileEntries":null,"Incremental":null,"Tabletd":null,"NumStripes":null}').BackupName, '')
  t.equal(decode('{"BackupName":"x","New":{"Deep":[[1]]},"__proto__":{"Position":"y"},"constructor":1}').Position, '')
  t.equal(decode('\n {"BackupName":"} ]\\"["} trailing { [ "').BackupName, '} ]"[')
  t.equal(decodeManifest(Buffer.concat([Buffer.from('{"BackupName":"x"}'), Buffer.from([0xff, 0x00])])).BackupName, 'x')
  t.end()
})

t.test('bytes that are no manifest are refused at once, however many they are', (t) => {
  const million = (text: string): string => text.repeat(10_000_000 / text.length)
  const table: readonly (readonly [title: string, bytes: Uint8Array, message: RegExp])[] = [
    ['nothing', Buffer.from(''), /empty/],
    ['blanks', Buffer.from(' \n'), /empty/],
    ['garbage', Buffer.from([0, 1, 2, 3]), /does not begin/],
    ['a byte order mark', Buffer.from('\ufeff{}'), /does not begin/],
    ['another value', Buffer.from('null'), /does not begin/],
    ['a list', Buffer.from('[{}]'), /does not begin/],
    ['half an object', Buffer.from('{"Position":"MySQL56/"'), /ends in the middle/],
    ['half a string', Buffer.from('{"Position":"MySQL'), /ends in the middle/],
    ['half an escape', Buffer.from('{"Position":"\\'), /ends in the middle/],
    ['an object that is not JSON', Buffer.from('{Position:1}'), /not JSON/],
    ['brackets that do not match', Buffer.from('{"a":[}'), /ends in the middle/],
    ['brackets that match wrongly', Buffer.from('{"a":[}}'), /not JSON/],
    ['text that is not UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), /not UTF-8/],
    ['10 MB of lists', Buffer.from(million('[')), /does not begin/],
    ['10 MB of nested lists', Buffer.from(`{"a":${million('[')}`), /nested deeper/],
    ['10 MB of nested objects', Buffer.from(million('{"a":')), /nested deeper/],
    ['10 MB of numbers', Buffer.from(`{"FileEntries":[1${million(',1')}]}`), /more than 4000000 values/],
    ['more bytes than a reader takes', Buffer.alloc(MAX_MANIFEST_BYTES + 1, 0x20), /67108865 bytes/],
  ]
  for (const [title, bytes, message] of table) {
    const begun = performance.now()
    t.throws(() => decodeManifest(bytes), { code: 'MANIFEST_INVALID', message }, title)
    t.ok(performance.now() - begun < 5000, `${title}: refused within moments`)
  }
  t.end()
})

t.test('messages stay short, whatever was found', (t) => {
  for (const fields of [{ Position: ['x'.repeat(100_000)] }, { Position: 'x'.repeat(100_000) }, named('x'.repeat(100_000)), { FileEntries: 'x'.repeat(100_000) }]) {
    try {
      withFields(fields)
      t.fail('it was taken')
    } catch (error) {
      t.ok(error instanceof Error && error.message.length < 400, String(error).slice(0, 100))
    }
  }
  t.end()
})
