/** Large objects that are fetched in segments: sound ones, damaged ones, and stores that mishandle ranges. */
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { TabletError } from '../../src/base/errors.ts'
import { builtinRestoreEngine } from '../../src/engine/builtin-restore.ts'
import { SEGMENT_BYTES } from '../../src/engine/find-segments.ts'
import { encodeSeekTable, seekTableBytes } from '../../src/engine/seek-table.ts'
import type { BackupManifest, FileEntry } from '../../src/model/manifest.ts'
import { StageCounters } from '../../src/model/stage.ts'
import { leavesNothingBehind } from '../support/leftovers.ts'
import type { Range, StorageFaults } from '../support/faulty-storage.ts'
import { content as bytesOf } from './bytes.ts'
import { NAME, SHARD, manifestWith, rig, type Rig } from './builtin-rig.ts'
import { directoriesIn } from './fake-server.ts'
import { entryOf, framesOf, hashOf, objectOf, seekable, storeObjects } from './seekable.ts'

const CONTENT = bytesOf(45_000_001)
const FRAMES = framesOf(CONTENT)
const OBJECT = objectOf(FRAMES)
const END = OBJECT.length
const TABLE_BYTES = seekTableBytes(FRAMES.frames.length)

interface Setup extends AsyncDisposable {
  readonly it: Rig
  readonly manifest: BackupManifest
  /** What was asked of storage for the large object, in order of its bytes. */
  ranges(): readonly Range[]
}

/** A rig whose backup holds one large object, restored as `a/t.ibd`. */
async function setup(object: Buffer, faults: StorageFaults = {}, more: Partial<FileEntry> = {}): Promise<Setup> {
  const it = await rig(faults)
  await storeObjects(it, [object])
  return {
    it,
    manifest: manifestWith({ FileEntries: [entryOf(object, CONTENT.length, more)] }),
    ranges: () => it.storage.ranges.toSorted((a, b) => (a.start ?? -1) - (b.start ?? -1)),
    [Symbol.asyncDispose]: () => it[Symbol.asyncDispose](),
  }
}

const restoredFile = async ({ it }: Setup): Promise<Buffer> => Buffer.from((await it.restored())['data/a/t.ibd'] ?? '', 'latin1')

t.ok(OBJECT.length > 2 * SEGMENT_BYTES, 'the object is large enough to be fetched in segments')

t.test('a large object is fetched in segments, every byte once, and its file is whole', async (t) => {
  await using large = await setup(OBJECT)
  await large.it.verify(large.manifest)
  await large.it.restore(large.manifest, 4)
  t.ok((await restoredFile(large)).equals(CONTENT), 'the same bytes')
  t.match(large.it.progress.at(-1), { doneBytes: CONTENT.length, totalBytes: CONTENT.length })
  const ranges = large.ranges()
  t.ok(ranges.length > 3, `${ranges.length} requests`)
  let at = 0
  let twice = 0
  for (const { start = 0, end = OBJECT.length } of ranges) {
    twice += Math.max(0, at - start)
    t.ok(start <= at, `nothing is left out before ${start}`)
    at = Math.max(at, end)
  }
  t.equal(at, OBJECT.length, 'up to the end')
  t.equal(twice, 0, 'no byte of it twice')
})

t.test('what is decompressed and written is counted, byte by byte', async (t) => {
  await using large = await setup(OBJECT)
  const stages = new StageCounters()
  const from = large.it.storage.openBackup(SHARD, NAME)
  await builtinRestoreEngine().executeRestore({
    from, manifest: large.manifest, to: directoriesIn(large.it.target), concurrency: 4, onProgress: () => undefined, onStage: stages.add,
  }, large.it.ctx)
  const { decompress, write } = stages.times()
  t.equal(decompress?.bytes, CONTENT.length)
  t.equal(write?.bytes, CONTENT.length)
  t.ok((decompress?.seconds ?? 0) > 0 && (write?.seconds ?? 0) > 0)
})

t.test('frames smaller than usual make a table that comes in a second request', async (t) => {
  const object = seekable(CONTENT, 300_001)
  await using large = await setup(object)
  await large.it.restore(large.manifest, 4)
  t.ok((await restoredFile(large)).equals(CONTENT))
  t.ok(large.ranges().length > 4, 'in segments')
})

t.test('a single request at once reads it as one stream', async (t) => {
  await using large = await setup(OBJECT)
  await large.it.restore(large.manifest, 1)
  t.ok((await restoredFile(large)).equals(CONTENT))
  t.same(large.ranges(), [{}])
})

t.test('no more requests are open at once than the restore may have, over all files', async (t) => {
  let [open, most] = [0, 0]
  await using it = await rig()
  await storeObjects(it, [OBJECT, OBJECT, seekable(CONTENT.subarray(0, 100_000))])
  const from = it.storage.openBackup
  it.storage.openBackup = (shard, name) => {
    const backup = from(shard, name)
    return { ...backup, async readFile(file, range, ctx) {
      open += 1
      most = Math.max(most, open)
      const stream = await backup.readFile(file, range, ctx)
      return stream.once('close', () => { open -= 1 })
    } }
  }
  const names = ['a/t.ibd', 'a/u.ibd']
  const large = names.map((Name) => entryOf(OBJECT, CONTENT.length, { Name }))
  await it.restore(manifestWith({ FileEntries: [...large, entryOf(seekable(CONTENT.subarray(0, 100_000)), 100_000, { Name: 'a/v.ibd' })] }), 3)
  t.ok(most >= 2 && most <= 3, `${most} at once`)
  const files = await it.restored()
  for (const name of names) t.ok(Buffer.from(files[`data/${name}`] ?? '', 'latin1').equals(CONTENT), name)
})

/** Where the parts of the object lie. */
const frame = (index: number): { readonly start: number, readonly end: number } => {
  const start = FRAMES.rows.slice(0, index).reduce((sum, { stored }) => sum + stored, 0)
  return { start, end: start + (FRAMES.rows[index]?.stored ?? 0) }
}
const REGIONS: Readonly<Record<string, number>> = {
  'the magic number of the first frame': 0,
  'the descriptor of a frame': frame(7).start + 4,
  'the content size of a frame': frame(7).start + 6,
  'a block header': frame(20).start + 10,
  'the body of a frame': frame(20).start + 300_000,
  'the checksum of a frame': frame(20).end - 1,
  'the last frame': frame(FRAMES.frames.length - 1).end - 5,
  'the magic number of the table': OBJECT.length - TABLE_BYTES,
  'the length of the table': OBJECT.length - TABLE_BYTES + 4,
  'a stored size in the table': OBJECT.length - TABLE_BYTES + 8 + 8 * 5,
  'a content size in the table': OBJECT.length - TABLE_BYTES + 8 + 8 * 5 + 4,
  'the number of frames': OBJECT.length - 9,
  'the descriptor of the table': OBJECT.length - 5,
  'the footer': OBJECT.length - 1,
}

t.test('a byte changed anywhere is caught before the restore counts as done', async (t) => {
  for (const [region, at] of Object.entries(REGIONS)) {
    const damaged = Buffer.from(OBJECT)
    damaged[at] = (damaged[at] ?? 0) ^ 0x04
    await using large = await setup(damaged, {}, { Hash: hashOf(OBJECT) })
    await t.rejects(large.it.restore(large.manifest, 4), { code: 'BACKUP_CORRUPT' }, region)
  }
})

t.test('a table that lies about its frames is corrupt or not used, and never believed', async (t) => {
  const rows = FRAMES.rows.map((row) => ({ ...row }))
  /** From the row 30 to the first. */
  const move = (index: number, bytes: number): number => index === 0 ? bytes : index === 30 ? -bytes : 0
  const moved = rows.map(({ stored, content }, index) => ({ stored, content: content + move(index, 16_384) }))
  const shifted = rows.map(({ stored, content }, index) => ({ stored: stored + move(index, 100), content }))
  const lies: Readonly<Record<string, Buffer>> = {
    'content moved between segments': encodeSeekTable(moved),
    'frames that begin elsewhere': encodeSeekTable(shifted),
    'one row for everything': encodeSeekTable([{ stored: OBJECT.length - TABLE_BYTES, content: CONTENT.length }]),
    'too much content': encodeSeekTable(rows.map((row, index) => index === 3 ? { ...row, content: 0xffff_ffff } : row)),
  }
  for (const [title, table] of Object.entries(lies)) {
    const object = Buffer.concat([...FRAMES.frames, table])
    await using large = await setup(object)   // with the hash of the lie: whoever wrote it wrote the MANIFEST too
    await large.it.restore(large.manifest, 4)
    t.ok((await restoredFile(large)).equals(CONTENT), `${title}: read as a stream, which needs no table`)
  }
})

t.test('4 GiB announced and a few bytes there are corrupt, whoever announces', async (t) => {
  const small = seekable(CONTENT.subarray(0, 1024))
  const announced = 4 * 1024 ** 3
  await using it = await rig()
  await storeObjects(it, [small])
  const restoring = it.restore(manifestWith({ FileEntries: [entryOf(small, announced)] }), 4)
  await t.rejects(restoring, { code: 'BACKUP_CORRUPT' }, 'by the MANIFEST alone')
  // a single segment, 8 bytes of content size, a checksum
  const header = Buffer.concat([Buffer.from('28b52ffde4', 'hex'), Buffer.from('0000000001000000', 'hex')])
  const bomb = Buffer.concat([header, small.subarray(9)])
  await using other = await rig()
  await storeObjects(other, [bomb])
  await t.rejects(other.restore(manifestWith({ FileEntries: [entryOf(bomb, announced)] }), 4), { code: 'BACKUP_CORRUPT' }, 'by a frame as well')
  t.ok((await stat(join(other.target, 'data/a/t.ibd'))).blocks * 512 < 10_000_000, 'and nothing like it was written')
})

t.test('a store that mishandles ranges costs a second attempt, which reads one stream', async (t) => {
  const ways: Readonly<Record<string, (range: Range) => Buffer | undefined>> = {
    'ignores ranges': () => OBJECT,
    'ignores the end of a range': ({ start = 0 }) => OBJECT.subarray(start),
    'serves the beginning instead': ({ start = 0, end = END }) => OBJECT.subarray(0, end - start),
    'serves less': ({ start = 0, end }) => end === undefined ? undefined : OBJECT.subarray(start, end - 1),
    'serves nothing for a range': ({ end }) => end === undefined ? undefined : Buffer.alloc(0),
    'serves less, except for the table': ({ start = 0, end = END }) => end === END ? undefined : OBJECT.subarray(start, end - 1),
    'serves more, except for the table': ({ start = 0, end = END }) => end === END ? undefined : OBJECT.subarray(start, end + 1),
  }
  for (const [title, serve] of Object.entries(ways)) {
    await using large = await setup(OBJECT, { read: (_, __, range) => serve(range) })
    await large.it.restore(large.manifest, 4)
    t.ok((await restoredFile(large)).equals(CONTENT), title)
    t.match(large.it.progress.at(-1), { doneBytes: CONTENT.length }, 'failed attempts do not count')
  }
})

t.test('storage that fails in one segment fails the attempt, and the other segments end', async (t) => {
  let failures = 0
  const read = (_: string, __: number, { start = 0 }: Range): undefined => {
    if (start < SEGMENT_BYTES || start > OBJECT.length - SEGMENT_BYTES || failures > 0) return undefined
    failures += 1
    throw new TabletError('STORAGE_FAILED', 'the line was cut')
  }
  await using large = await setup(OBJECT, { read })
  await large.it.restore(large.manifest, 4)
  t.ok((await restoredFile(large)).equals(CONTENT), 'the second attempt has all of it')
  t.equal(failures, 1)
  await using gone = await setup(OBJECT, { read: (_, __, { start = 0 }) => {
    if (start > 0) throw new TabletError('STORAGE_UNREACHABLE', 'no answer')
    return undefined
  } })
  await t.rejects(gone.it.restore(gone.manifest, 4), { code: 'STORAGE_UNREACHABLE' }, 'one that stays away ends the restore')
})

t.test('a cancel ends all segments', async (t) => {
  const why = new TabletError('OPERATION_CANCELLED', 'enough')
  await using it = await rig({}, {}, ({ doneBytes }) => { if (doneBytes > 5_000_000) it.stop.abort(why) })
  await storeObjects(it, [OBJECT])
  await t.rejects(it.restore(manifestWith({ FileEntries: [entryOf(OBJECT, CONTENT.length)] }), 4), { code: 'OPERATION_CANCELLED' })
  t.ok((it.progress.at(-1)?.doneBytes ?? 0) < CONTENT.length)
})

leavesNothingBehind(t)
