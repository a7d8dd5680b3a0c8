import { mkdir, readFile, readdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { readIfPresent, removeDurably, syncDirectory, writeDurably, writeJsonDurably } from '../../src/base/durable-file.ts'

t.test('a file is replaced whole, with the mode given, and nothing is left beside it', async (t) => {
  const directory = t.testdir({ notes: 'old' })
  await writeDurably(join(directory, 'notes'), 'new', 0o600)
  t.equal(await readFile(join(directory, 'notes'), 'utf8'), 'new')
  t.equal((await stat(join(directory, 'notes'))).mode & 0o777, 0o600)
  await writeDurably(join(directory, 'bytes'), Buffer.from([0, 255]))
  t.same(await readFile(join(directory, 'bytes')), Buffer.from([0, 255]))
  t.equal((await stat(join(directory, 'bytes'))).mode & 0o007, 0, 'nothing for the world')
  await writeJsonDurably(join(directory, 'json'), { term: 3 })
  t.same(JSON.parse(await readFile(join(directory, 'json'), 'utf8')), { term: 3 })
  t.same((await readdir(directory)).sort(), ['bytes', 'json', 'notes'])
})

t.test('when it fails the old file is there and no temporary one', async (t) => {
  const directory = t.testdir({ taken: { inside: 'x' } })
  await t.rejects(writeDurably(join(directory, 'taken'), 'new'), 'a directory cannot be replaced by a file')
  t.same(await readdir(directory), ['taken'])
  await t.rejects(writeDurably(join(directory, 'missing', 'notes'), 'new'), { code: 'ENOENT' })
  t.same(await readdir(directory), ['taken'])
})

t.test('readers see one of the writers\' contents, never a mixture', async (t) => {
  const path = join(t.testdir({}), 'notes')
  const contents = Array.from({ length: 8 }, (_, i) => String(i).repeat(50_000))
  await writeDurably(path, contents[0] ?? '')
  const seen: string[] = []
  await Promise.all(contents.map(async (content) => {
    await writeDurably(path, content)
    seen.push(await readFile(path, 'utf8'))
  }))
  t.equal(seen.length, 8)
  t.ok(seen.every((content) => contents.includes(content)))
})

t.test('no file is an answer, an unreadable one is an error', async (t) => {
  const directory = t.testdir({ notes: 'text' })
  t.equal(await readIfPresent(join(directory, 'notes')), 'text')
  t.equal(await readIfPresent(join(directory, 'absent')), undefined)
  await mkdir(join(directory, 'folder'))
  await t.rejects(readIfPresent(join(directory, 'folder')), { code: 'EISDIR' })
})

t.test('removing is done once and asked as often as wanted', async (t) => {
  const directory = t.testdir({})
  await writeFile(join(directory, 'sentinel'), '')
  await removeDurably(join(directory, 'sentinel'))
  await removeDurably(join(directory, 'sentinel'))
  await removeDurably(join(directory, 'missing', 'sentinel'))
  t.same(await readdir(directory), [])
  await syncDirectory(directory)
  await t.rejects(syncDirectory(join(directory, 'missing')), { code: 'ENOENT' })
})
