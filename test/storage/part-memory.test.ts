/** How many bytes a write holds, whatever the size of the files: counted by a store that is slow, and by its sources. */
import t from 'tap'
import type { ActionContext } from '../../src/base/action.ts'
import { TabletError } from '../../src/base/errors.ts'
import { silentLogger } from '../../src/base/logger.ts'
import { ByteRoom } from '../../src/storage/byte-room.ts'
import { ROOM_BYTES } from '../../src/storage/object-storage.ts'
import type { ObjectStore, Part } from '../../src/storage/object-store.ts'
import { writeInParts } from '../../src/storage/part-writer.ts'
import { S3_PARTS } from '../../src/storage/s3-store.ts'
import { STEADY } from '../../src/storage/steady.ts'

const ctx: ActionContext = { signal: new AbortController().signal, log: silentLogger() }
const CHUNK = Buffer.alloc(1 << 20, 'abc')
const HINT = 10 * 2 ** 30

/** Bytes that were given and are not stored yet. */
class Held {
  now = 0
  most = 0
  add(bytes: number): void { this.now += bytes; this.most = Math.max(this.most, this.now) }
}

interface Watched {
  readonly store: ObjectStore
  readonly parts: number[]
}

/** Stores nothing, and lets every part wait for its turn; `fails` says which part is refused. */
function countingStore(held: Held, fails: (part: Part) => boolean = () => false): Watched {
  const parts: number[] = []
  const never = (): never => { throw new Error('not asked for here') }
  const stored = async (bytes: Uint8Array): Promise<void> => {
    await new Promise((resolve) => { setImmediate(resolve) })
    held.add(-bytes.length)
  }
  const store: ObjectStore = {
    limits: S3_PARTS, listPage: never, read: never, putIfAbsent: never, remove: never, endLeftUploads: never,
    put: async (_key, bytes) => { await stored(bytes) },
    startUpload: () => Promise.resolve({
      async putPart(part) {
        if (fails(part)) throw new TabletError('STORAGE_DENIED', 'no')
        parts.push(part.bytes.length)
        await stored(part.bytes)
      },
      complete: () => Promise.resolve(),
      abort: () => Promise.resolve(),
    }),
  }
  return { store, parts }
}

async function* source(megabytes: number, held: Held): AsyncGenerator<Uint8Array, void, undefined> {
  for (let count = 0; count < megabytes; count++) {
    await Promise.resolve()
    held.add(CHUNK.length)
    yield CHUNK
  }
}

t.test('four large files at once hold no more than the room, and a chunk each', async (t) => {
  const held = new Held()
  const room = new ByteRoom(ROOM_BYTES)
  const { store, parts } = countingStore(held)
  const written = await Promise.all([0, 1, 2, 3].map((index) =>
    writeInParts({ store, key: String(index), sizeHint: HINT, room, policy: STEADY }, source(200, held), ctx)))
  t.same(written, [200, 200, 200, 200].map((megabytes) => megabytes << 20))
  t.ok(held.most <= ROOM_BYTES + 4 * CHUNK.length, `${held.most} bytes at most`)
  t.ok(held.most >= ROOM_BYTES / 2, 'and the room is used')
  t.equal(room.taken, 0)
  t.same([...new Set(parts)], [5 << 20], 'the hint asks for parts of the smallest size')
})

t.test('a room that one part fills lets the files pass one after the other', async (t) => {
  const held = new Held()
  const room = new ByteRoom(5 << 20)
  const { store } = countingStore(held)
  await Promise.all([0, 1, 2, 3].map((index) =>
    writeInParts({ store, key: String(index), sizeHint: -1, room, policy: STEADY }, source(23, held), ctx)))
  t.ok(held.most <= (5 << 20) + 4 * CHUNK.length, `${held.most} bytes at most`)
  t.equal(room.taken, 0)
})

t.test('many small files take what they need of the room', async (t) => {
  const held = new Held()
  const room = new ByteRoom(10 << 20)
  const { store, parts } = countingStore(held)
  await Promise.all(Array.from({ length: 50 }, (_, index) =>
    writeInParts({ store, key: String(index), sizeHint: CHUNK.length, room, policy: STEADY }, source(1, held), ctx)))
  t.ok(held.most <= 11 << 20 && held.most > 5 << 20, `${held.most} bytes at most`)
  t.equal(room.taken, 0)
  t.same(parts, [], 'whole, not in parts')
})

t.test('a write that fails, of the store or of its source, gives its room back', async (t) => {
  const held = new Held()
  const room = new ByteRoom(ROOM_BYTES)
  const { store } = countingStore(held, ({ number }) => number === 3)
  await t.rejects(writeInParts({ store, key: '0', sizeHint: HINT, room, policy: STEADY }, source(100, held), ctx), { code: 'STORAGE_DENIED' })
  t.equal(room.taken, 0)
  const shrank = new TabletError('FILE_CHANGED', 'it shrank')
  const failing = async function* (): AsyncGenerator<Uint8Array> { yield* source(7, held); throw shrank }
  await t.rejects(writeInParts({ store, key: '1', sizeHint: HINT, room, policy: STEADY }, failing(), ctx), shrank)
  t.equal(room.taken, 0)
})
