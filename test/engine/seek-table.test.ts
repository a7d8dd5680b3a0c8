import t from 'tap'
import { announcedTableBytes, encodeSeekTable, readSegments, seekTableBytes, type SeekTableRow } from '../../src/engine/seek-table.ts'

const ROWS: readonly SeekTableRow[] = [
  { stored: 100, content: 1000 }, { stored: 50, content: 1000 }, { stored: 9, content: 0 }, { stored: 70, content: 1000 },
  { stored: 30, content: 17 },
]
const TABLE = encodeSeekTable(ROWS)
const OBJECT = { storedSize: 259 + TABLE.length, size: 3017 }

t.test('frames are grouped into segments of about the bytes wanted, in order and without gaps', async (t) => {
  const cases: readonly (readonly [number, readonly (readonly [number, number, number, number])[]])[] = [
    [1, [[0, 100, 0, 1000], [100, 150, 1000, 1000], [150, 159, 2000, 0], [159, 229, 2000, 1000], [229, 259, 3000, 17]]],
    [120, [[0, 150, 0, 2000], [150, 259, 2000, 1017]]],
    [100, [[0, 100, 0, 1000], [100, 229, 1000, 2000], [229, 259, 3000, 17]]],
    [1_000_000, [[0, 259, 0, 3017]]],
  ]
  for (const [segmentBytes, expected] of cases) {
    const segments = readSegments(TABLE, OBJECT, segmentBytes)
    t.same(segments?.map(({ start, end, offset, bytes }) => [start, end, offset, bytes]), expected, `${segmentBytes} bytes`)
  }
})

t.test('the length of a table is read from its footer, whatever comes before it', async (t) => {
  t.equal(announcedTableBytes(TABLE), TABLE.length)
  t.equal(announcedTableBytes(Buffer.concat([Buffer.alloc(100, 7), TABLE])), TABLE.length)
  t.equal(announcedTableBytes(TABLE.subarray(20)), TABLE.length, 'also when only its end is there')
  t.equal(TABLE.length, seekTableBytes(ROWS.length))
  for (const none of [Buffer.alloc(0), TABLE.subarray(0, 16), Buffer.alloc(100), TABLE.subarray(0, TABLE.length - 1)]) {
    t.equal(announcedTableBytes(none), undefined, `${none.length} bytes that are none`)
  }
})

t.test('a table that claims more than memory should hold is none', async (t) => {
  const huge = Buffer.from(TABLE)
  for (const frames of [5_000_000, 0x7fff_ffff, 0xffff_ffff]) {
    huge.writeUInt32LE(frames, huge.length - 9)
    t.equal(announcedTableBytes(huge), undefined, `${frames} frames`)
  }
})

t.test('a table with any byte changed is no table of this object', async (t) => {
  for (let at = 0; at < TABLE.length; at++) {
    for (const bit of [0x01, 0x80]) {
      const damaged = Buffer.from(TABLE)
      damaged[at] = (damaged[at] ?? 0) ^ bit
      t.equal(readSegments(damaged, OBJECT, 100), undefined, `bit ${bit} of byte ${at}`)
    }
  }
})

t.test('a table must account for every byte of its object, stored and decoded', async (t) => {
  const withRows = (rows: readonly SeekTableRow[]): Buffer => encodeSeekTable(rows)
  t.equal(readSegments(TABLE, { ...OBJECT, storedSize: OBJECT.storedSize + 1 }, 100), undefined, 'a byte more stored')
  t.equal(readSegments(TABLE, { ...OBJECT, storedSize: OBJECT.storedSize - 1 }, 100), undefined, 'a byte less stored')
  t.equal(readSegments(TABLE, { ...OBJECT, size: OBJECT.size + 1 }, 100), undefined, 'a byte more decoded')
  t.equal(readSegments(withRows([]), { storedSize: seekTableBytes(0), size: 1 }, 100), undefined, 'no frames for content')
  const ghost = [...ROWS.slice(0, -1), { stored: 30, content: 10 }, { stored: 0, content: 7 }]
  t.equal(readSegments(withRows(ghost), { ...OBJECT, storedSize: OBJECT.storedSize + 8 }, 100), undefined, 'content in a frame without bytes')
  const wide = [{ stored: 0xffff_ffff, content: 0xffff_ffff }, ...ROWS]
  t.equal(readSegments(withRows(wide), { ...OBJECT, storedSize: OBJECT.storedSize + 8 }, 100), undefined, 'a frame of 4 GiB that is not there')
})
