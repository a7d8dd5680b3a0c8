import { open, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { runsOfData, writeContent } from '../../src/engine/write-content.ts'
import { tempDir } from '../support/temp-dir.ts'
import { content } from './bytes.ts'

const PAGE = 4096
/** `d` a page of data, `0` a page of zeros, `.` a zero page with one byte at its end. */
const pages = (pattern: string): Buffer => Buffer.concat([...pattern].map((kind) => {
  const page = Buffer.alloc(PAGE, kind === 'd' ? 0x61 : 0)
  if (kind === '.') page[PAGE - 1] = 1
  return page
}))

t.test('runs of data end where pages of zeros begin', async (t) => {
  const cases: readonly (readonly [string, readonly (readonly [number, number])[]])[] = [
    ['', []], ['0', []], ['000', []], ['d', [[0, 1]]], ['ddd', [[0, 3]]], ['d0d', [[0, 1], [2, 3]]], ['00dd00', [[2, 4]]], ['0.0', [[1, 2]]], ['d00.0', [[0, 1], [3, 4]]],
  ]
  for (const [pattern, expected] of cases) {
    const runs = [...runsOfData(pages(pattern), 0)]
    t.same(runs.map(({ start, end }) => [start / PAGE, end / PAGE]), expected, JSON.stringify(pattern))
  }
})

t.test('pages are those of the file, wherever the content begins', async (t) => {
  const bytes = Buffer.concat([Buffer.alloc(96), Buffer.alloc(PAGE), Buffer.from('x'), Buffer.alloc(PAGE - 1), Buffer.alloc(50)])
  t.same([...runsOfData(bytes, 10 * PAGE - 96)], [{ start: 96 + PAGE, end: 96 + 2 * PAGE }])
  t.same([...runsOfData(bytes, 0)], [{ start: PAGE, end: 2 * PAGE }], 'the same bytes elsewhere share other pages')
})

t.test('what is left out reads as zeros and takes no space; without holes everything is written', async (t) => {
  await using dir = await tempDir()
  const bytes = Buffer.concat([pages('d0'), Buffer.alloc(3 << 20), content(700_000), Buffer.alloc(1 << 20)])
  for (const holes of [true, false]) {
    const path = join(dir.path, `holes-${holes}`)
    const handle = await open(path, 'w')
    await handle.truncate(bytes.length)
    const written = await writeContent(bytes, { handle, position: 0, holes })
    await handle.sync()
    await handle.close()
    t.ok((await readFile(path)).equals(bytes), 'the same bytes')
    const allocated = (await stat(path)).blocks * 512
    t.ok(holes ? allocated < 1_000_000 : allocated >= bytes.length, `${allocated} bytes allocated`)
    t.ok(holes ? written < 720_000 : written === bytes.length, `${written} bytes written`)
  }
})
