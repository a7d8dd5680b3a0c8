/** Disks that take no writes: the decision, and a write that really hangs. */
import { spawnSync } from 'node:child_process'
import { constants } from 'node:fs'
import { open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { silentLogger } from '../../src/base/logger.ts'
import { DiskWatch, PROBE_FILE, diskBlockers, type DiskFacts } from '../../src/health/disk-watch.ts'
import { canMount, smallFileSystem } from '../support/small-file-system.ts'
import { tempDir } from '../support/temp-dir.ts'
import { waitFor } from '../support/wait-for.ts'

const DISK: DiskFacts = { dir: '/data', writingSinceMs: undefined, tookMs: undefined, broken: undefined }
const ROWS: readonly (readonly [title: string, disks: readonly Partial<DiskFacts>[], message: RegExp | undefined])[] = [
  ['nothing is watched', [], undefined],
  ['no write is under way', [{}], undefined],
  ['a write takes its time', [{ writingSinceMs: 70_000 }], undefined],
  ['a write takes too long', [{ writingSinceMs: 69_999 }], /^a write in \/data has not ended for 30 s, more than disk-write-timeout 30s$/],
  ['the last write took too long', [{ tookMs: 45_000 }], /^the last write in \/data took 45 s, more than disk-write-timeout 30s$/],
  ['the last write took too long, and another one has begun', [{ tookMs: 45_000, writingSinceMs: 99_000 }], /^the last write in \/data took 45 s/],
  ['the disk refuses writes', [{ broken: 'EIO: i/o error' }], /^nothing can be written in \/data: EIO/],
  ['one disk of two', [{}, { dir: '/tablet', writingSinceMs: 0 }], /^a write in \/tablet has not ended for 100 s/],
  ['both disks', [{ writingSinceMs: 0 }, { dir: '/tablet', broken: 'EROFS' }], /\/data .*; nothing can be written in \/tablet/],
]
for (const [title, disks, message] of ROWS) {
  t.test(`${title}: ${message === undefined ? 'no reason' : 'disk-stalled'}`, async (t) => {
    const found = diskBlockers(disks.map((more) => ({ ...DISK, ...more })), { nowMs: 100_000, timeoutMs: 30_000 })
    t.match(found, message === undefined ? [] : [{ name: 'disk-stalled', message }])
    t.equal(found.length, message === undefined ? 0 : 1)
  })
}

interface Watching extends AsyncDisposable { readonly watch: DiskWatch }

function watching(dir: string, timeoutMs: number, paused: () => boolean = () => false): Watching {
  const stop = new AbortController()
  const watch = new DiskWatch({ dirs: [dir], everyMs: 5, timeoutMs, paused })
  const ended = watch.run({ signal: stop.signal, log: silentLogger() })
  return { watch, [Symbol.asyncDispose]: async () => { stop.abort(new Error('enough')); await ended } }
}

t.test('a write that hangs is seen while it hangs, and forgotten when the disk writes again', async (t) => {
  await using dir = await tempDir()
  const pipe = join(dir.path, PROBE_FILE)
  t.equal(spawnSync('mkfifo', [pipe]).status, 0)   // opened for writing it hangs until somebody reads
  await using on = watching(dir.path, 100)
  await waitFor('it is seen', () => on.watch.blockers().some(({ name }) => name === 'disk-stalled'))
  const reader = await open(pipe, constants.O_RDONLY | constants.O_NONBLOCK)
  await waitFor('it is forgotten', () => on.watch.blockers().length === 0)
  await reader.close()
  t.pass('without a start of its own')
})

t.test('a write that ended late is a reason until one ends in time', async (t) => {
  await using dir = await tempDir()
  const pipe = join(dir.path, PROBE_FILE)
  t.equal(spawnSync('mkfifo', [pipe]).status, 0)
  let paused = false
  await using on = watching(dir.path, 1000, () => paused)
  await waitFor('it hangs', () => on.watch.blockers().length === 1)
  paused = true
  const reader = await open(pipe, constants.O_RDONLY | constants.O_NONBLOCK)
  const tries = on.watch.tries
  await waitFor('it has ended', () => on.watch.tries > tries)
  t.match(on.watch.blockers(), [{ name: 'disk-stalled', message: /^the last write in .* took/ }])
  paused = false
  await waitFor('one ended in time', () => on.watch.blockers().length === 0)
  await reader.close()
})

t.test('the watch ends though a write hangs', async (t) => {
  await using dir = await tempDir()
  const pipe = join(dir.path, PROBE_FILE)
  t.equal(spawnSync('mkfifo', [pipe]).status, 0)
  {
    await using on = watching(dir.path, 100)
    await waitFor('it hangs', () => on.watch.blockers().length === 1)
  }
  const reader = await open(pipe, constants.O_RDONLY | constants.O_NONBLOCK)   // the thread that hangs is let go
  await waitFor('it is let go', async () => !(await readdir(dir.path)).includes(PROBE_FILE))
  await reader.close()
})

const skip = await canMount() ? false : 'this process may not mount'

t.test('a disk that is full, or a directory that is gone, is not stalled', { skip }, async (t) => {
  await using dir = await tempDir()
  await using small = await smallFileSystem(join(dir.path, 'small'), '16k')
  const filler = await open(join(small.path, 'filler'), 'w')
  await t.rejects(filler.writeFile(Buffer.alloc(1 << 20)), { code: 'ENOSPC' })
  await using full = watching(small.path, 5000)
  await using gone = watching(join(dir.path, 'gone'), 5000)
  await waitFor('both were tried', () => full.watch.tries > 2 && gone.watch.tries > 2)
  t.same([...full.watch.blockers(), ...gone.watch.blockers()], [])
  await filler.close()
  await waitFor('no write is in the way', () => small.remount('ro').then(() => true, () => undefined))
  await waitFor('one that became read-only is', () => full.watch.blockers().some(({ message }) => message.includes('EROFS')))
})

t.test('nothing is written while it is paused', async (t) => {
  await using dir = await tempDir()
  await using on = watching(dir.path, 0, () => true)
  await waitFor('it was tried', () => on.watch.tries > 2)
  t.same(await readdir(dir.path), [])
  t.same(on.watch.blockers(), [])
})
