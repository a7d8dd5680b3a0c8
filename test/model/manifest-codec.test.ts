import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { ERRORS } from '../../src/base/error-catalogue.ts'
import { compressionOf, engineNameOf, isFullBackup } from '../../src/model/manifest-defaults.ts'
import { MAX_MANIFEST_BYTES, decodeManifest, encodeManifest } from '../../src/model/manifest-codec.ts'

const DIRECTORY = join(import.meta.dirname, 'fixtures')
const FIXTURES = readdirSync(DIRECTORY).filter((file) => file.endsWith('.json'))
/** As stored: without the line break that editors end a file with. */
const fixture = (name: string): string => readFileSync(join(DIRECTORY, name), 'utf8').trimEnd()
const bytes = (text: string): Uint8Array => Buffer.from(text)

t.test('manifests of every age are read, with the defaults of their time', (t) => {
  const table: Readonly<Record<string, { engine: string, compression: string, full: boolean, version: string, files: number }>> = {
    '2018.json': { engine: 'builtin', compression: 'pgzip', full: true, version: '', files: 3 },
    'v4.json': { engine: 'builtin', compression: 'none', full: true, version: '', files: 1 },
    'v4-xtrabackup.json': { engine: 'xtrabackup', compression: 'pgzip', full: true, version: '', files: 0 },
    'v15.json': { engine: 'builtin', compression: 'pargzip', full: true, version: '', files: 1 },
    'v16.json': { engine: 'builtin', compression: 'zstd', full: true, version: '', files: 1 },
    'v18.json': {
      engine: 'builtin', compression: 'external', full: true, files: 1,
      version: '/usr/sbin/mysqld  Ver 8.0.34 for Linux on x86_64 (MySQL Community Server - GPL)',
    },
    'v18-incremental.json': { engine: 'builtin', compression: 'pargzip', full: false, version: 'Ver 8.0.34 MySQL Community Server - GPL', files: 1 },
    'head.json': { engine: 'builtin', compression: 'pargzip', full: true, version: 'Ver 8.0.36 MySQL Community Server - GPL', files: 1 },
    'v25-chunked.json': { engine: 'builtin', compression: 'zstd', full: true, version: 'Ver 8.4.3 MySQL Community Server - GPL', files: 2 },
    'tabletd.json': { engine: 'builtin', compression: 'zstd', full: true, version: 'Ver 10.11.19-MariaDB-deb12 Debian 12', files: 2 },
  }
  t.same(Object.keys(table).sort(), FIXTURES.sort(), 'each fixture is in the table')
  for (const [file, expected] of Object.entries(table)) {
    const manifest = decodeManifest(bytes(fixture(file)))
    t.same({
      engine: engineNameOf(manifest), compression: compressionOf(manifest), full: isFullBackup(manifest),
      version: manifest.MySQLVersion, files: manifest.FileEntries?.length ?? 0,
    }, expected, file)
  }
  t.end()
})

t.test('the four fields of 2018 leave everything else at zero', (t) => {
  const { FileEntries, ...rest } = decodeManifest(bytes(fixture('2018.json')))
  t.same(rest, {
    BackupName: '', BackupMethod: '', Position: 'MySQL56/145e508e-ae54-11e9-8ce6-46824dd1815e:1-57', PurgedPosition: '',
    FromPosition: '', FromBackup: '', Incremental: false, BackupTime: '', FinishedTime: '', ServerUUID: '', TabletAlias: '',
    Hostname: '', Keyspace: '', Shard: '', MySQLVersion: '', UpgradeSafe: false, IncrementalDetails: null,
    TransformHook: '', SkipCompress: false,
  })
  t.same(FileEntries?.[2], { Base: 'Data', Name: 'vt_commerce/corder.ibd', Hash: '8d0f11c3', ParentPath: '' })
  t.end()
})

t.test('chunks, stripes, sizes and our own fields come through', (t) => {
  const chunked = decodeManifest(bytes(fixture('v25-chunked.json')))
  t.equal(chunked.FileEntries?.[0]?.Chunks, undefined)
  t.same(chunked.FileEntries?.[1]?.Chunks?.[2], { StorageName: '1-2', Offset: 8_388_608, Size: 131_072, Hash: '00000003' })
  const striped = decodeManifest(bytes(fixture('v4-xtrabackup.json')))
  t.match(striped, { FileName: 'backup.tar.gz', StreamMode: 'tar', NumStripes: 8, StripeBlockSize: 102_400 })
  const ours = decodeManifest(bytes(fixture('tabletd.json')))
  t.same(ours.FileEntries?.[1], { Base: 'Data', Name: 'commerce/corder#P#p0.ibd', Hash: 'ad92a7d3', ParentPath: '', Size: 0, StoredSize: 22 })
  t.same(ours.Directories, ['Data/performance_schema', 'Data/empty'])
  t.same(ours.Tabletd, {
    ToolVersion: '0.1.0', PageSize: 16_384, LowerCaseTableNames: 0, InnodbDataFilePath: 'ibdata1:12M:autoextend',
    EncryptionInUse: false, EnginesWithTables: ['InnoDB', 'Aria'], GtidBinlogState: '0-2-5,0-1-8',
  })
  t.end()
})

t.test('what Vitess writes now, and what we write, is encoded byte by byte as it stands in storage', (t) => {
  for (const file of ['head.json', 'v25-chunked.json', 'v18-incremental.json', 'tabletd.json']) {
    const text = fixture(file)
    const encoded = encodeManifest(decodeManifest(bytes(text)))
    // an incremental one of v18 lacks fields that are always written since
    if (file !== 'v18-incremental.json') t.equal(encoded, text, file)
    t.same(decodeManifest(bytes(encoded)), decodeManifest(bytes(text)), `${file} reads back`)
  }
  t.end()
})

t.test('a compression engine without a name is left out, as Go leaves it out', (t) => {
  const manifest = decodeManifest(bytes(fixture('head.json')))
  t.notMatch(encodeManifest({ ...manifest, CompressionEngine: '' }), /CompressionEngine/)
  t.end()
})

t.test('no name of ours is one of Vitess\'s in another case', (t) => {
  const vitess: Readonly<Record<'manifest' | 'file', readonly string[]>> = {
    manifest: [
      'BackupName', 'BackupMethod', 'Position', 'PurgedPosition', 'FromPosition', 'FromBackup', 'Incremental', 'BackupTime',
      'FinishedTime', 'ServerUUID', 'TabletAlias', 'Hostname', 'Keyspace', 'Shard', 'MySQLVersion', 'UpgradeSafe',
      'IncrementalDetails', 'CompressionEngine', 'FileEntries', 'TransformHook', 'SkipCompress', 'ExternalDecompressor',
      'FileName', 'ExtraCommandLineParams', 'StreamMode', 'NumStripes', 'StripeBlockSize', 'BackupLocation', 'Params',
    ],
    file: ['Base', 'Name', 'Hash', 'ParentPath', 'Chunks', 'RetryCount'],
  }
  const written = JSON.parse(encodeManifest(decodeManifest(bytes(fixture('tabletd.json'))))) as { FileEntries: readonly object[] }
  const added = (fields: object, known: readonly string[]): readonly string[] => Object.keys(fields).filter((name) => !known.includes(name))
  const [topLevel, inFile] = [added(written, vitess.manifest), added(written.FileEntries[0] ?? {}, vitess.file)]
  t.same(topLevel, ['Directories', 'Tabletd'])
  t.same(inFile, ['Size', 'StoredSize'])
  const lower = (names: readonly string[]): Set<string> => new Set(names.map((name) => name.toLowerCase()))
  t.ok(lower(topLevel).isDisjointFrom(lower(vitess.manifest)))
  t.ok(lower(inFile).isDisjointFrom(lower(vitess.file)))
  t.end()
})

t.test('a manifest that no reader would take is not written', (t) => {
  const manifest = decodeManifest(bytes(fixture('head.json')))
  const entry = { Base: 'Data', Name: `${'x'.repeat(200)}.ibd`, Hash: '00000000', ParentPath: '' } as const
  const FileEntries = Array.from({ length: 250_000 }, () => entry)
  t.throws(() => encodeManifest({ ...manifest, FileEntries }), { code: 'BACKUP_UNSUPPORTED', message: /250000 files/ })
  t.end()
})

t.test('docs/backup-format.md names every field and no error that does not exist', (t) => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/backup-format.md'), 'utf8')
  const names = (value: unknown): readonly string[] => typeof value !== 'object' || value === null || Array.isArray(value)
    ? Array.isArray(value) ? value.flatMap(names) : []
    : Object.entries(value).flatMap(([name, inner]) => name === 'IncrementalDetails' ? [name] : [name, ...names(inner)])
  const fields = new Set(FIXTURES.flatMap((file) => names(JSON.parse(fixture(file)))))
  t.same([...fields].filter((name) => !page.includes(name)), [])
  const codes = [...page.matchAll(/`([A-Z]+(?:_[A-Z]+)+)`/g)].map(([, code]) => code ?? '')
  t.same(codes.filter((code) => !(code in ERRORS)), [])
  t.ok(codes.length > 0)
  t.match(page, `${MAX_MANIFEST_BYTES / 1024 / 1024} MiB`)
  t.end()
})
