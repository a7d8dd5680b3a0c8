/**
 * What every BackupStorage promises, as one suite: `backupStorageContract(t, 'file', open)`.
 *
 * `open` gives an empty storage of its own for each test, and, where the store is reachable another way, how to
 * damage it behind its back.
 */
import { Readable } from 'node:stream'
import type { Test } from 'tap'
import type { ActionContext } from '../../src/base/action.ts'
import { TabletError } from '../../src/base/errors.ts'
import { silentLogger } from '../../src/base/logger.ts'
import { MANIFEST, type BackupStorage } from '../../src/storage/backup-storage.ts'

export interface StorageUnderTest extends AsyncDisposable {
  readonly storage: BackupStorage
}

const SHARD = { keyspace: 'commerce', shard: '-80' }
const NAME = '2026-08-19.101500.zone1-0000000102'
const HINT = { sizeHint: -1 }

const context = (signal: AbortSignal = new AbortController().signal): ActionContext => ({ signal, log: silentLogger() })
const from = (...chunks: readonly (string | Uint8Array)[]): AsyncIterable<Uint8Array> =>
  Readable.from(chunks.map((chunk) => Buffer.from(chunk)))
const text = async (stream: Readable): Promise<string> => Buffer.concat(await stream.toArray() as Buffer[]).toString()
const reason = (): TabletError => new TabletError('OPERATION_CANCELLED', 'cancelled by a test')

export function backupStorageContract(t: Test, kind: string, open: () => Promise<StorageUnderTest>): void {
  const ctx = context()
  const promise = (title: string, work: (t: Test, storage: BackupStorage) => Promise<void>): void => {
    t.test(`${kind}: ${title}`, async (t) => {
      await using opened = await open()
      await work(t, opened.storage)
    })
  }

  promise('a shard without backups is an empty list, and so are the files of a backup that is not there', async (t, storage) => {
    t.same(await storage.listBackups(SHARD, ctx), [])
    t.same(await storage.openBackup(SHARD, NAME).listFiles(ctx), [])
  })

  promise('backups are listed in ascending order, unfinished ones too, each shard for itself', async (t, storage) => {
    const names = ['2026-01-02.000000.z-0000000001', '2025-12-31.235959.z-0000000001', '2026-01-01.000000.z-0000000002']
    for (const name of names) await storage.startBackup(SHARD, name, ctx)
    await storage.startBackup({ keyspace: 'commerce', shard: '80-' }, NAME, ctx)
    t.same(await storage.listBackups(SHARD, ctx), [...names].sort())
  })

  promise('a name is used once', async (t, storage) => {
    const backup = await storage.startBackup(SHARD, NAME, ctx)
    await backup.writeFile('0', from('abc'), HINT, ctx)
    await t.rejects(storage.startBackup(SHARD, NAME, ctx), { code: 'BACKUP_EXISTS' })
    t.equal(await text(await storage.openBackup(SHARD, NAME).readFile('0', {}, ctx)), 'abc', 'and the refusal changes nothing')
  })

  promise('of ten that start one name at once, one gets it', async (t, storage) => {
    const outcomes = await Promise.allSettled(Array.from({ length: 10 }, () => storage.startBackup(SHARD, NAME, ctx)))
    t.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1)
    for (const outcome of outcomes) if (outcome.status === 'rejected') t.match(outcome.reason, { code: 'BACKUP_EXISTS' })
  })

  promise('what is written is listed with its size and read back whole or in part', async (t, storage) => {
    const backup = await storage.startBackup(SHARD, NAME, ctx)
    t.same(await backup.writeFile('1', from('0123', '', '456789'), HINT, ctx), { file: '1', bytes: 10 })
    t.same(await backup.writeFile('0', from(), { sizeHint: 0 }, ctx), { file: '0', bytes: 0 })
    t.same(await backup.confirmFiles(ctx), [{ file: '0', bytes: 0 }, { file: '1', bytes: 10 }])
    const readable = storage.openBackup(SHARD, NAME)
    t.same(await readable.listFiles(ctx), [{ file: '0', bytes: 0 }, { file: '1', bytes: 10 }])
    t.equal(await text(await readable.readFile('1', {}, ctx)), '0123456789')
    t.equal(await text(await readable.readFile('1', { start: 3 }, ctx)), '3456789')
    t.equal(await text(await readable.readFile('1', { start: 3, end: 5 }, ctx)), '34')
    t.equal(await text(await readable.readFile('1', { start: 4, end: 4 }, ctx)), '')
    t.equal(await text(await readable.readFile('1', { end: 99 }, ctx)), '0123456789')
    t.equal(await text(await readable.readFile('0', {}, ctx)), '')
    t.equal(await text(await backup.asReadable().readFile('1', {}, ctx)), '0123456789', 'also through the backup being written')
  })

  promise('a large object comes back byte for byte', async (t, storage) => {
    const backup = await storage.startBackup(SHARD, NAME, ctx)
    const chunk = Buffer.alloc(1_000_003, 'tablet')
    const chunks = Array.from({ length: 12 }, () => chunk)
    t.equal((await backup.writeFile('0', from(...chunks), { sizeHint: 12 * chunk.length }, ctx)).bytes, 12 * chunk.length)
    const read = Buffer.concat(await (await backup.asReadable().readFile('0', {}, ctx)).toArray() as Buffer[])
    t.ok(read.equals(Buffer.concat(chunks)))
  })

  promise('ranges of one object are read many at once, and none gives a byte of another', async (t, storage) => {
    const backup = await storage.startBackup(SHARD, NAME, ctx)
    const content = Buffer.from(Uint32Array.from({ length: 1_000_003 }, (_, index) => index * 2_654_435_761).buffer)
    await backup.writeFile('0', from(content), { sizeHint: content.length }, ctx)
    const readable = storage.openBackup(SHARD, NAME)
    const edges = [0, 1, 4095, 65_536, 65_537, 1_048_576, 2_999_999, content.length - 1, content.length]
    const ranges = edges.flatMap((start) => edges.filter((end) => end >= start).map((end) => ({ start, end })))
    const read = await Promise.all(ranges.map(async (range) => Buffer.concat(await (await readable.readFile('0', range, ctx)).toArray() as Buffer[])))
    const wrong = ranges.filter(({ start, end }, index) => read[index]?.equals(content.subarray(start, end)) !== true)
    t.same(wrong, [])
  })

  promise('a range beyond the end gives what is there, and one behind it nothing', async (t, storage) => {
    const backup = await storage.startBackup(SHARD, NAME, ctx)
    await backup.writeFile('0', from('0123456789'), HINT, ctx)
    const read = async (start: number, end?: number): Promise<string> =>
      await text(await backup.asReadable().readFile('0', end === undefined ? { start } : { start, end }, ctx))
    t.equal(await read(8, 11), '89')
    t.equal(await read(8, 2 ** 40), '89')
    t.equal(await read(10), '')
    t.equal(await read(10, 20), '')
    t.equal(await read(2 ** 33), '')
    await t.rejects(backup.asReadable().readFile('1', { start: 3, end: 3 }, ctx), { code: 'BACKUP_CORRUPT' }, 'of nothing there is no range')
    await t.rejects(backup.asReadable().readFile('1', { start: 3, end: 5 }, ctx), { code: 'BACKUP_CORRUPT' })
  })

  promise('a stream that nobody reads to its end can be given up', async (t, storage) => {
    const backup = await storage.startBackup(SHARD, NAME, ctx)
    await backup.writeFile('0', from(Buffer.alloc(8_000_000, 'x')), HINT, ctx)
    for (let count = 0; count < 20; count++) {
      const stream = await backup.asReadable().readFile('0', { start: count }, ctx)
      for await (const chunk of stream) { t.equal((chunk as Buffer)[0], 120); break }
    }
    t.equal((await text(await backup.asReadable().readFile('0', { start: 7_999_990 }, ctx))), 'x'.repeat(10))
  })

  promise('a second attempt replaces the first', async (t, storage) => {
    const backup = await storage.startBackup(SHARD, NAME, ctx)
    await backup.writeFile('0', from('the first and longer one'), HINT, ctx)
    t.same(await backup.writeFile('0', from('second'), HINT, ctx), { file: '0', bytes: 6 })
    t.same(await backup.confirmFiles(ctx), [{ file: '0', bytes: 6 }])
    t.equal(await text(await backup.asReadable().readFile('0', {}, ctx)), 'second')
  })

  promise('many objects may be written at once', async (t, storage) => {
    const backup = await storage.startBackup(SHARD, NAME, ctx)
    const files = Array.from({ length: 40 }, (_, index) => String(index))
    await Promise.all(files.map((file) => backup.writeFile(file, from(`content of ${file}`), HINT, ctx)))
    t.equal((await backup.confirmFiles(ctx)).length, 40)
    for (const file of files) t.equal(await text(await backup.asReadable().readFile(file, {}, ctx)), `content of ${file}`)
  })

  promise('an object whose source fails is not there, and the source says why', async (t, storage) => {
    const backup = await storage.startBackup(SHARD, NAME, ctx)
    const failure = new TabletError('FILE_CHANGED', 'it shrank')
    const source = async function* (): AsyncGenerator<Uint8Array> { yield Buffer.from('half'); throw failure }
    await t.rejects(backup.writeFile('0', source(), HINT, ctx), failure)
    t.same(await backup.confirmFiles(ctx), [])
    await t.rejects(backup.asReadable().readFile('0', {}, ctx), { code: 'BACKUP_CORRUPT' })
  })

  promise('MANIFEST is read back as it was written, and is a file like the others', async (t, storage) => {
    const backup = await storage.startBackup(SHARD, NAME, ctx)
    await t.rejects(backup.asReadable().readSmallFile(MANIFEST, 1000, ctx), { code: 'BACKUP_NOT_FOUND' }, 'absent before')
    await backup.writeManifest('{"Position": "ä"}', ctx)
    t.equal(Buffer.from(await storage.openBackup(SHARD, NAME).readSmallFile(MANIFEST, 1000, ctx)).toString(), '{"Position": "ä"}')
    t.same(await backup.confirmFiles(ctx), [{ file: MANIFEST, bytes: 18 }])
    await t.rejects(backup.asReadable().readSmallFile(MANIFEST, 17, ctx), { code: 'MANIFEST_INVALID' }, 'larger than the limit')
    t.equal((await backup.asReadable().readSmallFile(MANIFEST, 18, ctx)).length, 18, 'as large as the limit')
  })

  promise('what is absent has its code', async (t, storage) => {
    const absent = storage.openBackup(SHARD, NAME)
    await t.rejects(absent.readSmallFile(MANIFEST, 10, ctx), { code: 'BACKUP_NOT_FOUND' })
    await t.rejects(absent.readFile('0', {}, ctx), { code: 'BACKUP_CORRUPT' })
  })

  promise('removing takes all of one backup and nothing of another, and may be repeated', async (t, storage) => {
    for (const name of [NAME, `${NAME}1`]) {
      const backup = await storage.startBackup(SHARD, name, ctx)
      await backup.writeFile('0', from(name), HINT, ctx)
      await backup.writeManifest('{}', ctx)
    }
    await storage.removeBackup(SHARD, NAME, ctx)
    t.same(await storage.listBackups(SHARD, ctx), [`${NAME}1`])
    t.equal((await storage.openBackup(SHARD, `${NAME}1`).listFiles(ctx)).length, 2)
    await storage.removeBackup(SHARD, NAME, ctx)
    await storage.removeBackup({ keyspace: 'never', shard: '0' }, NAME, ctx)
  })

  promise('a shard whose name begins like another is another shard', async (t, storage) => {
    const [short, long] = [{ keyspace: 'commerce', shard: '-8' }, { keyspace: 'commerce', shard: '-80' }]
    for (const shard of [short, long]) await (await storage.startBackup(shard, NAME, ctx)).writeManifest('{}', ctx)
    await storage.removeBackup(short, NAME, ctx)
    t.same(await storage.listBackups(short, ctx), [])
    t.same(await storage.listBackups(long, ctx), [NAME])
  })

  promise('an aborted backup leaves nothing', async (t, storage) => {
    const backup = await storage.startBackup(SHARD, NAME, ctx)
    await backup.writeFile('0', from('abc'), HINT, ctx)
    await backup.abort(ctx)
    t.same(await storage.listBackups(SHARD, ctx), [])
    await backup.abort(ctx)
  })

  promise('names that are no single plain name are refused everywhere', async (t, storage) => {
    const backup = await storage.startBackup(SHARD, NAME, ctx)
    for (const bad of ['', '.', '..', 'a/b', '/etc/passwd', '../x', '.hidden', 'a\0b', 'a\\b', 'a\nb', 'x'.repeat(256)]) {
      const title = JSON.stringify(bad).slice(0, 20)
      await t.rejects(async () => { await backup.writeFile(bad, from('x'), HINT, ctx) }, { code: 'PATH_ESCAPES' }, `writing ${title}`)
      await t.rejects(async () => { await backup.asReadable().readFile(bad, {}, ctx) }, { code: 'PATH_ESCAPES' }, `reading ${title}`)
      await t.rejects(async () => { await storage.openBackup(SHARD, bad).listFiles(ctx) }, { code: 'PATH_ESCAPES' }, `opening ${title}`)
      await t.rejects(async () => { await storage.startBackup(SHARD, bad, ctx) }, { code: 'PATH_ESCAPES' }, `starting ${title}`)
      await t.rejects(async () => { await storage.removeBackup(SHARD, bad, ctx) }, { code: 'PATH_ESCAPES' }, `removing ${title}`)
      await t.rejects(async () => { await storage.listBackups({ keyspace: bad, shard: '0' }, ctx) }, { code: 'PATH_ESCAPES' }, `keyspace ${title}`)
      await t.rejects(async () => { await storage.listBackups({ keyspace: 'k', shard: bad }, ctx) }, { code: 'PATH_ESCAPES' }, `shard ${title}`)
    }
  })

  promise('every call under an aborted signal rejects with its reason and touches nothing', async (t, storage) => {
    const why = reason()
    const backup = await storage.startBackup(SHARD, NAME, ctx)
    await backup.writeManifest('{}', ctx)
    const aborted = context(AbortSignal.abort(why))
    const readable = storage.openBackup(SHARD, NAME)
    await t.rejects(storage.listBackups(SHARD, aborted), why)
    await t.rejects(storage.startBackup(SHARD, 'another', aborted), why)
    await t.rejects(storage.removeBackup(SHARD, NAME, aborted), why)
    await t.rejects(backup.writeFile('0', from('x'), HINT, aborted), why)
    await t.rejects(backup.writeManifest('{"changed": 1}', aborted), why)
    await t.rejects(backup.confirmFiles(aborted), why)
    await t.rejects(backup.abort(aborted), why)
    await t.rejects(readable.listFiles(aborted), why)
    await t.rejects(readable.readSmallFile(MANIFEST, 100, aborted), why)
    await t.rejects(readable.readFile(MANIFEST, {}, aborted), why)
    t.same(await storage.listBackups(SHARD, ctx), [NAME])
    t.same(await readable.listFiles(ctx), [{ file: MANIFEST, bytes: 2 }])
  })

  promise('a write that is aborted in the middle rejects with the reason and leaves no object', async (t, storage) => {
    const backup = await storage.startBackup(SHARD, NAME, ctx)
    const stop = new AbortController()
    const why = reason()
    const source = async function* (): AsyncGenerator<Uint8Array> {
      yield Buffer.alloc(100_000)
      stop.abort(why)
      yield Buffer.alloc(100_000)
    }
    await t.rejects(backup.writeFile('0', source(), HINT, context(stop.signal)), why)
    t.same(await backup.confirmFiles(ctx), [])
  })

  promise('a stream that is aborted in the middle fails with the reason', async (t, storage) => {
    const backup = await storage.startBackup(SHARD, NAME, ctx)
    await backup.writeFile('0', from(Buffer.alloc(8_000_000)), HINT, ctx)
    const stop = new AbortController()
    const why = reason()
    const stream = await backup.asReadable().readFile('0', {}, context(stop.signal))
    await t.rejects(async () => {
      for await (const chunk of stream) if (chunk !== undefined) stop.abort(why)
    }, why)
  })
}
