/** How a tablet's data came to be: marks beside the data, and what a missing or damaged one means. */
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { Origin } from '../../src/daemon/origin.ts'
import { tempDir } from '../support/temp-dir.ts'

t.test('data without a mark were there before tabletd, and are marked so once', async (t) => {
  await using dir = await tempDir()
  const origin = await Origin.open(dir.path)
  t.same([origin.made, origin.newestTermBefore], ['found', 0])
  t.same([origin.closed, origin.drained, origin.hasServed], [false, false, false])
  await origin.markFound()
  const since = origin.found
  await origin.markFound()
  t.same(origin.found, since)
  t.match((await Origin.open(dir.path)).found, { kind: 'mark', mark: { made: 'found', since: /^\d{4}-/ } })
})

t.test('data that were restored say from what, and which term was the newest before', async (t) => {
  await using dir = await tempDir()
  const origin = await Origin.open(dir.path)
  await origin.markMade({ made: 'restore', backup: 'b1', position: 'MySQL56/', newestTermBefore: 4, closed: true })
  await origin.markFound()
  for (const seen of [origin, await Origin.open(dir.path)]) {
    t.same(seen.facts, { origin: 'restore', restoredFrom: 'b1', restoredPosition: 'MySQL56/', newestTermBefore: 4 })
    t.equal(seen.closed, true)
  }
})

t.test('the first term read is filled in where none could be read when the data were made, and only there', async (t) => {
  await using dir = await tempDir()
  const origin = await Origin.open(dir.path)
  await origin.fillNewestTerm(3)
  t.equal(origin.found.kind, 'none', 'nothing was made yet')
  await origin.markMade({ made: 'bootstrap', newestTermBefore: undefined })
  t.equal(origin.newestTermBefore, undefined)
  await origin.fillNewestTerm(undefined)
  t.equal(origin.newestTermBefore, undefined, 'still unread')
  await origin.fillNewestTerm(3)
  await origin.fillNewestTerm(9)
  t.equal(origin.newestTermBefore, 3)
  t.equal((await Origin.open(dir.path)).newestTermBefore, 3)
})

t.test('a shard without a record counts as term 0, which stays', async (t) => {
  await using dir = await tempDir()
  const origin = await Origin.open(dir.path)
  await origin.markMade({ made: 'bootstrap', newestTermBefore: 0 })
  await origin.fillNewestTerm(5)
  t.equal(origin.newestTermBefore, 0)
})

t.test('marks of found data are never of a term', async (t) => {
  await using dir = await tempDir()
  const origin = await Origin.open(dir.path)
  await origin.markFound()
  await origin.fillNewestTerm(5)
  t.equal(origin.newestTermBefore, 0)
})

t.test('having served, closed and drained are kept beside each other', async (t) => {
  await using dir = await tempDir()
  const origin = await Origin.open(dir.path)
  await origin.markMade({ made: 'bootstrap', newestTermBefore: 0, closed: true })
  const changes = [origin.markServed({ attached: true }), origin.setClosed(false), origin.setDrained(true)]
  await Promise.all([...changes, origin.markServed({ promoted: true })])
  for (const seen of [origin, await Origin.open(dir.path)]) {
    t.same([seen.hasServed, seen.closed, seen.drained, seen.made], [true, false, true, 'bootstrap'])
  }
  t.match(origin.found, { mark: { everAttached: true, everPromoted: true } })
  await origin.setDrained(false)
  t.equal((await Origin.open(dir.path)).drained, false)
})

t.test('a mark that is known already is not written again', async (t) => {
  await using dir = await tempDir()
  const origin = await Origin.open(dir.path)
  await origin.markMade({ made: 'bootstrap', newestTermBefore: 0 })
  await origin.markServed({ attached: true })
  await rm(join(dir.path, '.tabletd.json'))
  await origin.markServed({ attached: true })
  await origin.setDrained(false)
  await origin.markServed({})
  t.equal((await Origin.open(dir.path)).found.kind, 'none')
})

t.test('a mark that cannot be understood is data of ours of unknown age, and is left as it is', async (t) => {
  await using dir = await tempDir()
  await writeFile(join(dir.path, '.tabletd.json'), '{"made":')
  const origin = await Origin.open(dir.path)
  t.match({ made: origin.made, newestTermBefore: origin.newestTermBefore }, { made: 'restore', newestTermBefore: undefined })
  await origin.markFound()
  await origin.fillNewestTerm(3)
  await origin.setDrained(true)
  t.equal((await Origin.open(dir.path)).found.kind, 'unreadable')
  t.equal(origin.newestTermBefore, undefined, 'so no record makes it primary')
})

t.test('what another made is read anew', async (t) => {
  await using dir = await tempDir()
  const origin = await Origin.open(dir.path)
  await (await Origin.open(dir.path)).markMade({ made: 'bootstrap', newestTermBefore: 2 })
  t.equal(origin.made, 'found')
  await origin.reload()
  t.equal(origin.made, 'bootstrap')
})
