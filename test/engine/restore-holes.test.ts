/** Files with holes: what a backup notes of them, and which get them back. */
import { open, stat } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import type { FileEntry } from '../../src/model/manifest.ts'
import { leavesNothingBehind } from '../support/leftovers.ts'
import { content } from './bytes.ts'
import { ZSTD, manifestWith, rig, type Rig } from './builtin-rig.ts'
import { entryOf, seekable, storeObjects } from './seekable.ts'

const MIB = 1 << 20
const DATA = content(100_000)

const allocated = async (it: Rig, name: string): Promise<number> => (await stat(join(it.target, name))).blocks * 512

/** A file of `size` bytes with data at the beginning and in the middle, and holes elsewhere. */
async function punch(path: string, size: number): Promise<Buffer> {
  const handle = await open(path, 'w')
  await handle.truncate(size)
  const bytes = Buffer.alloc(size)
  for (const at of [0, size >> 1]) {
    DATA.copy(bytes, at)
    await handle.write(DATA, 0, DATA.length, at)
  }
  await handle.sync()
  await handle.close()
  return bytes
}

t.test('a table with holes comes back with holes and the same bytes, and one without comes back without', async (t) => {
  await using it = await rig({}, {
    'data/mysql.ibd': 'x', 'innodb/ibdata1': 'y', 'data/a/full.ibd': Buffer.alloc(8 * MIB), 'data/a/t.ibd': '', 'data/undo_001': '',
    'log/#innodb_redo/#ib_redo9': '',
  })
  const bytes = await punch(join(it.source, 'data/a/t.ibd'), 64 * MIB + 17)
  for (const name of ['data/undo_001', 'log/#innodb_redo/#ib_redo9', 'innodb/ibdata1']) await punch(join(it.source, name), 4 * MIB)
  const { manifest } = await it.backup(ZSTD, 4)
  const entry = (name: string): FileEntry | undefined => manifest.FileEntries?.find(({ Name }) => Name === name)
  t.ok((entry('a/t.ibd')?.Allocated ?? Infinity) < MIB, 'what was allocated is noted')
  t.equal(entry('a/full.ibd')?.Allocated, undefined, 'but only of files with holes')
  const estimate = await it.verify(manifestWith(manifest)) as { readonly bytes: number, readonly fullBytes: number }
  t.ok(estimate.bytes < 24 * MIB, `${estimate.bytes} bytes are needed, not the size of all files`)
  t.ok(estimate.fullBytes > 84 * MIB, 'and so much may they become')
  await it.restore(manifestWith(manifest), 4)
  const files = await it.restored()
  t.ok(Buffer.from(files['data/a/t.ibd'] ?? '', 'latin1').equals(bytes), 'the same bytes')
  t.ok(await allocated(it, 'data/a/t.ibd') < MIB, 'the holes are there again')
  t.ok(await allocated(it, 'data/a/full.ibd') >= 8 * MIB, 'zeros that were written hold their space')
  for (const name of ['data/undo_001', 'log/#innodb_redo/#ib_redo9', 'innodb/ibdata1']) {
    t.ok(await allocated(it, name) >= 4 * MIB, `${name} takes all of its size: a full disk under it would end the server`)
  }
  t.match(it.progress.at(-1), { doneBytes: it.progress.at(-1)?.totalBytes }, 'holes count as done')
})

t.test('nothing of a failed attempt shows through the holes of the next', async (t) => {
  const bytes = Buffer.alloc(4 * MIB)
  DATA.copy(bytes, 2 * MIB)
  const [object, other] = [seekable(bytes), seekable(content(3 * MIB + 5))]
  await using it = await rig({ read: (_, count) => count === 1 ? other : undefined })
  await storeObjects(it, [object])
  await it.restore(manifestWith({ FileEntries: [entryOf(object, bytes.length, { Allocated: MIB })] }), 4)
  t.ok(Buffer.from((await it.restored())['data/a/t.ibd'] ?? '', 'latin1').equals(bytes))
  t.ok(await allocated(it, 'data/a/t.ibd') < MIB)
  t.equal(it.storage.reads.length, 2)
})

t.test('backups that do not tell are written in full', async (t) => {
  const bytes = Buffer.alloc(4 * MIB)
  const object = seekable(bytes)
  for (const more of [{}, { Allocated: bytes.length }]) {
    await using it = await rig()
    await storeObjects(it, [object])
    await it.restore(manifestWith({ FileEntries: [entryOf(object, bytes.length, more)] }), 2)
    t.ok(await allocated(it, 'data/a/t.ibd') >= bytes.length, JSON.stringify(more))
  }
  await using it = await rig()
  await storeObjects(it, [object])
  const hostile = manifestWith({ FileEntries: [entryOf(object, bytes.length, { Allocated: -1 })] })
  await t.rejects(it.restore(hostile), { code: 'MANIFEST_INVALID' }, 'a size that is none')
})

leavesNothingBehind(t)
