import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { longestFirst, readSeconds, saveSeconds } from '../../scripts/lib/test-order.mjs'
import { tempDir } from './temp-dir.ts'

t.test('what took longest begins first; what never ran here stands where its folder suggests', async (t) => {
  const files = ['test/base/a.test.ts', 'test/model/slow.test.ts', 'test/faults/new.test.ts', 'test/faults/quick.test.ts', 'test/mysqld/new.test.ts']
  t.strictSame(longestFirst(files, { 'test/model/slow.test.ts': 100, 'test/faults/quick.test.ts': 3 }), [
    'test/model/slow.test.ts', 'test/faults/new.test.ts', 'test/mysqld/new.test.ts', 'test/faults/quick.test.ts', 'test/base/a.test.ts',
  ])
})

t.test('what files took is kept for the next run, and a record that cannot be read is none', async (t) => {
  await using dir = await tempDir()
  const path = join(dir.path, 'seconds.json')
  t.strictSame(readSeconds(path), {}, 'before the first run')
  saveSeconds(path, { 'test/a.test.ts': 1.5, 'test/b.test.ts': 2 })
  saveSeconds(path, { 'test/b.test.ts': 3 })
  t.strictSame(readSeconds(path), { 'test/a.test.ts': 1.5, 'test/b.test.ts': 3 })
  await writeFile(path, '{"test/a.test.ts": "long", "test/b')
  t.strictSame(readSeconds(path), {})
  await writeFile(path, '{"test/a.test.ts": "long", "test/b.test.ts": 4}')
  t.strictSame(readSeconds(path), { 'test/b.test.ts': 4 })
})
