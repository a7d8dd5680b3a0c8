/** What a tablet remembers over restarts: all of it, or an error. */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { LocalState } from '../../src/daemon/local-state.ts'
import { Journal } from '../../src/daemon/journal.ts'
import { record } from '../replication/builders.ts'
import { tempDir } from '../support/temp-dir.ts'

const IDENTITY = { pid: 7, startTicks: '99', bootId: 'b', executable: '/usr/sbin/mysqld' }

t.test('a tablet that remembers nothing is neither drained nor stopped', async (t) => {
  await using dir = await tempDir()
  t.same((await LocalState.open(dir.path)).memory, { drained: false, replicationStoppedByOperator: false, suspectBackups: {} })
})

t.test('what was remembered is there for the next daemon', async (t) => {
  await using dir = await tempDir()
  const state = await LocalState.open(dir.path)
  await state.remember({ drained: true })
  await state.remember({ shardRecord: record(), actedOn: { identity: IDENTITY, as: 'replica' } })
  await state.remember({ suspectBackups: { '2026-01-02.030405.zone1-0000000101': 'its hash differs' } })
  t.same((await LocalState.open(dir.path)).memory, {
    drained: true, replicationStoppedByOperator: false, shardRecord: record(), actedOn: { identity: IDENTITY, as: 'replica' },
    suspectBackups: { '2026-01-02.030405.zone1-0000000101': 'its hash differs' },
  })
})

t.test('changes made at the same time are all kept, in memory and on disk', async (t) => {
  await using dir = await tempDir()
  const state = await LocalState.open(dir.path)
  await Promise.all([
    state.remember({ drained: true }), state.remember({ shardRecord: record() }), state.remember({ replicationStoppedByOperator: true }),
  ])
  const all = { drained: true, replicationStoppedByOperator: true, shardRecord: record(), suspectBackups: {} }
  t.same(state.memory, all)
  t.same((await LocalState.open(dir.path)).memory, all)
})

t.test('a change that cannot be written is not remembered, and the next one can be', async (t) => {
  await using dir = await tempDir()
  const state = await LocalState.open(dir.path)
  await rm(dir.path, { recursive: true })
  await t.rejects(state.remember({ drained: true }), { code: 'ENOENT' })
  t.equal(state.memory.drained, false)
  await mkdir(dir.path)
  await state.remember({ replicationStoppedByOperator: true })
  t.match(state.memory, { drained: false, replicationStoppedByOperator: true })
})

t.test('what is known already is not written again', async (t) => {
  await using dir = await tempDir()
  const state = await LocalState.open(dir.path)
  await state.remember({ drained: true })
  await rm(join(dir.path, 'tablet.json'))
  await state.remember({ drained: true })
  await t.rejects(readFile(join(dir.path, 'tablet.json')), { code: 'ENOENT' })
})

const DAMAGED: Readonly<Record<string, string>> = {
  'an empty file': '', 'a torn file': '{"drained": tr', 'a list': '[]', 'nothing': 'null', 'a text': '"drained"',
  'a drain mark of another kind': '{"drained": "yes"}', 'a stop of another kind': '{"replicationStoppedByOperator": 1}',
  'suspects in a list': '{"suspectBackups": ["x"]}', 'a suspect without a reason': '{"suspectBackups": {"x": 1}}',
  'a record without a term': JSON.stringify({ shardRecord: { ...record(), term: undefined } }),
  'a record of term 0': JSON.stringify({ shardRecord: record({ term: 0 }) }),
  'a record without a primary': JSON.stringify({ shardRecord: { ...record(), primary: undefined } }),
  'a record that is none': '{"shardRecord": null}',
  'a process without an identity': '{"actedOn": {"as": "primary"}}',
  'a process of no role': JSON.stringify({ actedOn: { identity: IDENTITY, as: 'spare' } }),
}

for (const [what, text] of Object.entries(DAMAGED)) {
  t.test(`${what} in place of the memory is an error, never an empty memory`, async (t) => {
    await using dir = await tempDir()
    await writeFile(join(dir.path, 'tablet.json'), text)
    await t.rejects(LocalState.open(dir.path), { code: 'DIRECTORY_UNUSABLE', message: /tablet\.json/ })
    t.equal(await readFile(join(dir.path, 'tablet.json'), 'utf8'), text, 'and it is left for its operator')
  })
}

t.test('a memory that cannot be read is an error too', async (t) => {
  await using dir = await tempDir()
  await mkdir(join(dir.path, 'tablet.json'))
  await t.rejects(LocalState.open(dir.path), { code: 'DIRECTORY_UNUSABLE' })
})

t.test('a journal that ended in peace leaves nothing to read', async (t) => {
  await using dir = await tempDir()
  const journal = new Journal(dir.path)
  t.equal(await journal.read(), undefined)
  await journal.note({ step: 'copying' })
  t.equal(await journal.read(), undefined, 'a note without an operation is nobody\'s')
  await journal.begin({ operation: 'backup-1', kind: 'backup', startedAt: 'now', step: 'beginning', begunAsPrimary: true, termAtBegin: 3 })
  await journal.clear()
  t.equal(journal.entry, undefined)
  t.equal(await journal.read(), undefined)
  await journal.clear()
})

t.test('each note is durable with all that was noted before', async (t) => {
  await using dir = await tempDir()
  const journal = new Journal(dir.path)
  await journal.begin({ operation: 'backup-1', kind: 'backup', startedAt: 'now', step: 'beginning', begunAsPrimary: false })
  await journal.note({ fastShutdown: 2 })
  await journal.note({ step: 'copying', writing: 'b1' })
  const expected = { operation: 'backup-1', kind: 'backup', startedAt: 'now', step: 'copying', begunAsPrimary: false, fastShutdown: 2, writing: 'b1' }
  t.same(journal.entry, expected)
  t.same(await new Journal(dir.path).read(), expected)
})

for (const [what, text] of Object.entries({
  'an empty file': '', 'a torn file': '{"operation"', 'a list': '[]', 'nothing': 'null', 'an operation of no kind': '{"operation":"x","startedAt":"n","step":"s"}',
  'a backup that is no name': '{"operation":"x","kind":"backup","startedAt":"n","step":"s","writing":{}}',
})) {
  t.test(`${what} in place of a journal is an error`, async (t) => {
    await using dir = await tempDir()
    await writeFile(join(dir.path, 'journal.json'), text)
    await t.rejects(new Journal(dir.path).read(), { code: 'DIRECTORY_UNUSABLE', message: /journal\.json/ })
  })
}
