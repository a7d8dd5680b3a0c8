/** Backups of older and newer Vitess, made of a real server's files, restored by a real daemon (reference: 2.9, 2.10). */
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32, gzipSync } from 'node:zlib'
import t from 'tap'
import { tableChecksums, untilSameTables } from '../support/checksum.ts'
import { startShard } from '../support/shard.ts'
import type { TestShard } from '../support/shard.ts'
import { forEachServer } from '../support/servers.ts'
import { startMysqld } from '../support/throwaway-mysqld.ts'
import type { Row, ThrowawayMysqld } from '../support/throwaway-mysqld.ts'

interface ColdFile {
  readonly Base: 'InnoDBData' | 'InnoDBLog' | 'Data'
  readonly Name: string
  readonly content: Buffer
}

interface StoredBackup {
  readonly objects: ReadonlyMap<string, Buffer>
  readonly manifest: object
}

type Format = (files: readonly ColdFile[], position: string) => StoredBackup

const CHUNK = 1024 * 1024
const BLOCK = 250_000
const hash = (bytes: Buffer): string => crc32(bytes).toString(16).padStart(8, '0')

/** Of 2018: four fields, gzip; the members of pargzip one after the other. */
const of2018: Format = (files, Position) => {
  const objects = new Map<string, Buffer>()
  const FileEntries = files.map(({ Base, Name, content }, index) => {
    const bytes = index % 2 === 0 ? gzipSync(content, { level: 1 }) : inMembers(content)
    objects.set(String(index), bytes)
    return { Base, Name, Hash: hash(bytes) }
  })
  return { objects, manifest: { FileEntries, Position, TransformHook: '', SkipCompress: false } }
}

/** Of v25: large files in chunks, each an object of its own. */
const ofV25: Format = (files, Position) => {
  const objects = new Map<string, Buffer>()
  const FileEntries = files.map(({ Base, Name, content }, index) => {
    const entry = { Base, Name, ParentPath: '' }
    if (content.length > 2 * CHUNK) return { ...entry, Hash: '', Chunks: inChunks(content, index, objects) }
    const bytes = inMembers(content)
    objects.set(String(index), bytes)
    return { ...entry, Hash: hash(bytes) }
  })
  const manifest = {
    BackupName: 'commerce/0/2025-05-05.050505.zone1-0000000100', BackupMethod: 'builtin',
    Position, PurgedPosition: 'MySQL56/', FromPosition: '', FromBackup: '', Incremental: false,
    BackupTime: '2025-05-05T05:05:05Z', FinishedTime: '2025-05-05T05:06:05Z', ServerUUID: '',
    TabletAlias: 'zone1-0000000100', Hostname: 'donor', Keyspace: 'commerce', Shard: '0',
    MySQLVersion: '', UpgradeSafe: false, IncrementalDetails: null,
    CompressionEngine: 'pargzip', SkipCompress: false, ExternalDecompressor: '', FileEntries,
  }
  return { objects, manifest }
}

function inChunks(content: Buffer, index: number, objects: Map<string, Buffer>): readonly object[] {
  const chunks: object[] = []
  for (let offset = 0; offset < content.length; offset += CHUNK) {
    const piece = content.subarray(offset, offset + CHUNK)
    const bytes = inMembers(piece)
    const StorageName = `${index}-${chunks.length}`
    objects.set(StorageName, bytes)
    chunks.push({ StorageName, Offset: offset, Size: piece.length, Hash: hash(bytes) })
  }
  return chunks
}

const FORMATS: Readonly<Record<string, Format>> = { '2018-08-08.080808.zone1-0000000100': of2018, '2025-05-05.050505.zone1-0000000100': ofV25 }

forEachServer(t, 'backups in the formats of 2018 and of Vitess 25 are restored by a daemon', async (t, server) => {
  await using donor = await startMysqld({ server })
  await donor.run(`create database app; create table app.t (id int auto_increment primary key, filling varchar(250) not null);
    insert into app.t (filling) values (repeat('x', 250));
    ${Array.from({ length: 14 }, () => 'insert into app.t (filling) select repeat(char(65 + id % 26), 250) from app.t;').join('\n')}
    create user 'vt_dba'@'localhost' identified by 'the donor has another one'`)
  const position = `MySQL56/${String((await donor.rows('select @@gtid_executed as gtids'))[0]?.['gtids'])}`
  const sums = await tableChecksums((sql): Promise<Row[]> => donor.rows(sql))
  await donor.stop()
  const files = await coldCopy(donor)
  t.ok(files.some(({ content }) => content.length > 4 * CHUNK), 'one file has several chunks')

  for (const [name, format] of Object.entries(FORMATS)) {
    await t.test(name, async (t) => {
      await using shard = await startShard({ server, tablets: 0 })
      await storeBackup(shard, name, format(files, position))
      const tablet = await shard.addTablet()
      const seen = await tablet.waitFor('it is restored', async () => {
        const now = await tablet.snapshot()
        if (now.type === 'SPARE' && now.mysqld.answers && now.data.restoredFrom === name) return now
        throw new Error(`it is ${now.type}: ${JSON.stringify(now.blockers)}`)
      }, 180_000)
      t.equal((seen.position ?? '').replaceAll(/\s/g, ''), position.replaceAll(/\s/g, ''))
      t.same(await tableChecksums((sql) => tablet.rows(sql)), sums, 'its rows are the donor\'s')

      await shard.initPrimary(tablet)
      const next = await shard.addTablet()
      t.equal((await next.becomes('REPLICA', { healthy: true, deadlineMs: 180_000 })).data.restoredFrom, name)
      await untilSameTables((sql) => tablet.rows(sql), (sql) => next.rows(sql))
    })
  }
}, { server: 'mysql', why: 'Vitess\'s formats are MySQL\'s' })

/** Several gzip members, as pargzip writes them; the blocks are no multiple of anything. */
function inMembers(content: Buffer): Buffer {
  const members: Buffer[] = []
  for (let at = 0; at === 0 || at < content.length; at += BLOCK) members.push(gzipSync(content.subarray(at, at + BLOCK), { level: 1 }))
  return Buffer.concat(members)
}

/** What Vitess's builtin engine takes of a stopped server (reference 2.2). */
async function coldCopy({ dataDir }: ThrowawayMysqld): Promise<readonly ColdFile[]> {
  const found: ColdFile[] = []
  const take = async (Base: ColdFile['Base'], Name: string): Promise<void> => {
    found.push({ Base, Name, content: await readFile(join(dataDir, Name)) })
  }
  await take('InnoDBData', 'ibdata1')
  for (const name of await readdir(join(dataDir, '#innodb_redo'))) await take('InnoDBLog', `#innodb_redo/${name}`)
  for (const entry of await readdir(dataDir, { withFileTypes: true })) {
    if (/^(?:mysql\.ibd|undo_\d+)$/.test(entry.name)) await take('Data', entry.name)
    if (!entry.isDirectory() || entry.name.startsWith('#') || entry.name.startsWith('.')) continue
    for (const name of await readdir(join(dataDir, entry.name))) await take('Data', `${entry.name}/${name}`)
  }
  return found
}

async function storeBackup({ place }: TestShard, name: string, { objects, manifest }: StoredBackup): Promise<void> {
  const folder = join(place.storage, place.keyspace, place.shard, name)
  await mkdir(folder, { recursive: true })
  for (const [object, bytes] of objects) await writeFile(join(folder, object), bytes)
  await writeFile(join(folder, 'MANIFEST'), JSON.stringify(manifest))
}
