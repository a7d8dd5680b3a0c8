import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmod, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { TabletError } from '../../src/base/errors.ts'
import { openFileTopology } from '../../src/topology/file-topology.ts'
import { networkFileSystem } from '../../src/topology/local-file-system.ts'
import { mayStillRun, thisPublisher } from '../../src/topology/publisher.ts'
import type { Topology } from '../../src/topology/topology.ts'
import { readNewestVersion, writeAfter } from '../../src/topology/versioned-file.ts'
import { shard, shardRecord, tabletRecord, testContext, topologyContract } from '../contract/topology.ts'
import { tempDir } from '../support/temp-dir.ts'
import { waitFor } from '../support/wait-for.ts'

const ctx = testContext()

async function newRoot(test: Test): Promise<string> {
  const directory = await tempDir()
  test.teardown(() => directory[Symbol.asyncDispose]())
  return join(directory.path, 'topology')
}

const open = (root: string, nowMs?: () => number): Promise<Topology> =>
  openFileTopology({ root, create: true, pollMs: 50, ...nowMs !== undefined && { nowMs } }, ctx)

topologyContract('file', async (test) => {
  const root = await newRoot(test)
  return () => open(root)
})

function racer(test: Test, ...args: readonly string[]): ChildProcess {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'racer.ts'), ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  test.teardown(() => child.kill('SIGKILL'))
  return child
}

async function readyRacer(test: Test, ...args: readonly string[]): Promise<ChildProcess> {
  const child = racer(test, ...args)
  if (child.stdout !== null) await once(child.stdout, 'data')
  return child
}

t.test('T1: two processes that race 100 times each lose no write', async (t) => {
  const root = await newRoot(t)
  await using topology = await open(root)
  const exits = await Promise.all(['zone1-0000000001', 'zone1-0000000002'].map((name) => once(racer(t, 'race', root, name, '100'), 'exit')))
  t.same(exits.map(([code]) => code as unknown), [0, 0])
  t.equal((await topology.readShardRecord(shard, ctx))?.record.term, 200)
  const files = await readdir(join(root, 'commerce', '-80'))
  t.ok(files.length <= 10, `old versions are pruned (${files.length} files)`)
  t.notOk(files.some((name) => name.endsWith('.tmp')), 'no temporary file is left')
})

t.test('T1: a writer that slept while its number was used and pruned has lost', async (t) => {
  const root = await newRoot(t)
  await using topology = await open(root)
  const directory = join(root, 'commerce', '-80')
  let version = (await topology.writeShardRecord(shardRecord(1), undefined, ctx)).version
  const seenBySleeper = await readNewestVersion(directory)
  for (let term = 2; term <= 20; term++) version = (await topology.writeShardRecord(shardRecord(term), version, ctx)).version
  t.notOk((await readdir(directory)).includes('record.00000002.json'), 'the number after the one it saw is free again')
  await t.rejects(writeAfter(directory, seenBySleeper, shardRecord(99)), { code: 'TOPOLOGY_CONFLICT' })
  t.match(await topology.readShardRecord(shard, ctx), { record: { term: 20 }, version })
  t.notOk((await readdir(directory)).includes('record.00000002.json'), 'what it wrote is gone')
})

t.test('T1: a writer that was overtaken only after its link has won all the same', async (t) => {
  const root = await newRoot(t)
  await using topology = await open(root)
  const directory = join(root, 'commerce', '-80')
  await topology.writeShardRecord(shardRecord(1), undefined, ctx)
  const first = await readNewestVersion(directory)
  const second = await writeAfter(directory, first, shardRecord(2))
  t.same((await readNewestVersion(directory))?.version, second.version)
  await t.rejects(writeAfter(directory, first, shardRecord(3)), { code: 'TOPOLOGY_CONFLICT' }, 'and only that one')
})

t.test('a lock is freed by kill -9 of its holder', async (t) => {
  const root = await newRoot(t)
  await using topology = await open(root)
  const holder = await readyRacer(t, 'lock', root)
  await t.rejects(topology.lockShard(shard, 'mine', ctx), { code: 'SHARD_LOCKED', message: /a command that will be killed/ })
  holder.kill('SIGKILL')
  await once(holder, 'exit')
  await using lock = await topology.lockShard(shard, 'mine', ctx)
  t.notOk(lock.lost.aborted)
})

t.test('a lock whose file was removed is lost', async (t) => {
  const root = await newRoot(t)
  await using topology = await open(root)
  await using lock = await topology.lockShard(shard, 'mine', ctx)
  await rm(root, { recursive: true })
  await waitFor('the lock is known to be lost', () => lock.lost.aborted)
  t.match(lock.lost.reason, { code: 'SHARD_LOCK_LOST' })
})

t.test('a tablet is live as long as its daemon runs and vouches for it, whatever the wall clock says', async (t) => {
  const root = await newRoot(t)
  let nowMs = 1_000_000
  await using topology = await open(root, () => nowMs)
  await topology.publishTablet(tabletRecord(101), 10_000, ctx)
  const live = async (): Promise<boolean | undefined> => (await topology.findTablet('zone1-0000000101', ctx))?.live
  nowMs += 9_999
  t.equal(await live(), true)
  nowMs += 1
  t.equal(await live(), false)
})

t.test('a tablet whose daemon was killed is not live at once', async (t) => {
  const root = await newRoot(t)
  await using topology = await open(root)
  const daemon = await readyRacer(t, 'publish', root)
  t.match(await topology.listTablets(shard, ctx), [{ live: true }])
  daemon.kill('SIGKILL')
  await once(daemon, 'exit')
  t.match(await topology.listTablets(shard, ctx), [{ live: false }])
})

t.test('a process is judged only where it can be told', async (t) => {
  const self = await thisPublisher()
  const rows = [
    ['this process', self, true],
    ['another boot', { ...self, bootId: 'other' }, false],
    ['the same pid, started at another time', { ...self, startTicks: '1' }, false],
    ['a pid that nobody has', { ...self, pid: 0x3fffffff }, false],
    ['a pid of another namespace, which says nothing here', { ...self, pid: 0x3fffffff, pidNamespace: 'pid:[1]' }, true],
  ] as const
  for (const [title, publisher, expected] of rows) t.equal(await mayStillRun(publisher, self), expected, title)
})

t.test('T3: a root that is missing is unreachable, never without records', async (t) => {
  const root = await newRoot(t)
  await t.rejects(openFileTopology({ root, create: false }, ctx), { code: 'TOPOLOGY_UNREACHABLE' })
  await t.rejects(open(join(root, 'deeper')), { code: 'TOPOLOGY_UNREACHABLE' }, 'a root is made only in a directory that is there')
  await using topology = await open(root)
  await topology.writeShardRecord(shardRecord(1), undefined, ctx)
  await rm(root, { recursive: true })
  await t.rejects(topology.readShardRecord(shard, ctx), { code: 'TOPOLOGY_UNREACHABLE' })
  await t.rejects(topology.listTablets(shard, ctx), { code: 'TOPOLOGY_UNREACHABLE' })
  await t.rejects(topology.listShards(ctx), { code: 'TOPOLOGY_UNREACHABLE' })
  await t.rejects(topology.writeShardRecord(shardRecord(2), undefined, ctx), { code: 'TOPOLOGY_UNREACHABLE' })
  await t.rejects(topology.lockShard(shard, 'mine', ctx), { code: 'TOPOLOGY_UNREACHABLE' })
  await topology.publishTablet(tabletRecord(101), 60_000, ctx)
  t.equal(await topology.readShardRecord(shard, ctx), undefined, 'a daemon made it again: now the store answers that there is no record')
})

t.test('T3: a directory that cannot be read is unreachable', { skip: process.getuid?.() === 0 && 'root reads everything' }, async (t) => {
  const root = await newRoot(t)
  await using topology = await open(root)
  await topology.writeShardRecord(shardRecord(1), undefined, ctx)
  await chmod(join(root, 'commerce', '-80'), 0)
  await t.rejects(topology.readShardRecord(shard, ctx), { code: 'TOPOLOGY_UNREACHABLE' })
  await chmod(join(root, 'commerce', '-80'), 0o750)
})

t.test('T3: a file where a directory should be is unreachable', async (t) => {
  const root = await newRoot(t)
  await using topology = await open(root)
  await writeFile(join(root, 'commerce'), 'not a directory')
  await t.rejects(topology.readShardRecord(shard, ctx), { code: 'TOPOLOGY_UNREACHABLE' })
  t.same(await topology.listShards(ctx), [])
})

t.test('T4: a record that cannot be believed is corrupt, and can be replaced under the version the error names', async (t) => {
  const good = shardRecord(3)
  const rows: readonly (readonly [string, string])[] = [
    ['an empty file', ''], ['no JSON', '{"term":'], ['an array', '[]'], ['null', 'null'], ['deep nesting', '['.repeat(200_000)],
    ['too long', ' '.repeat(300_000)], ['another shard', JSON.stringify({ ...good, shard: '80-' })],
    ['no term', JSON.stringify({ ...good, term: undefined })], ['a term below 1', JSON.stringify({ ...good, term: 0 })],
    ['a term that is no whole number', JSON.stringify({ ...good, term: 1.5 })], ['a term beyond 2^53', '{"term":1e300}'],
    ['a path as alias', JSON.stringify({ ...good, primary: '../../etc/passwd-1' })],
    ['an alias not in its canonical form', JSON.stringify({ ...good, primary: 'zone1-1' })],
    ['no position as start', JSON.stringify({ ...good, start: 'FilePos/binlog.1:4' })],
    ['no time', JSON.stringify({ ...good, since: 'yesterday' })], ['a claim that is no boolean', JSON.stringify({ ...good, claimed: 'yes' })],
  ]
  for (const [title, text] of rows) {
    const root = await newRoot(t)
    await using topology = await open(root)
    await topology.writeShardRecord(good, undefined, ctx)
    await writeFile(join(root, 'commerce', '-80', 'record.00000002.json'), text)
    const error = await topology.readShardRecord(shard, ctx).catch((error: unknown) => error)
    t.match(error, { code: 'TOPOLOGY_CORRUPT', message: /record\.00000002\.json/ }, title)
    const version = error instanceof TabletError ? String(error.details['version']) : ''
    await topology.writeShardRecord(shardRecord(4), version, ctx)
    t.equal((await topology.readShardRecord(shard, ctx))?.record.term, 4, `${title}: replaced`)
  }
})

t.test('T4: a tablet record that cannot be believed is corrupt until its daemon publishes again', async (t) => {
  const root = await newRoot(t)
  await using topology = await open(root)
  await topology.publishTablet(tabletRecord(101), 60_000, ctx)
  const path = join(root, 'commerce', '-80', 'tablets', 'zone1-0000000101.json')
  const stored = await readFile(path, 'utf8')
  const rows = ['', 'garbage', stored.replace('zone1-0000000101', 'zone1-0000000102'), stored.replace('"REPLICA"', '"EMPEROR"'),
    stored.replace('3306', '99999'), stored.replace('"tags": {}', '"tags": {"a": 1}'), stored.replace(/"pid": \d+/, '"pid": "x"')]
  for (const text of rows) {
    await writeFile(path, text)
    await t.rejects(topology.listTablets(shard, ctx), { code: 'TOPOLOGY_CORRUPT' }, text)
  }
  await writeFile(join(path, '..', 'README'), 'somebody else put this here')
  await topology.publishTablet(tabletRecord(101), 60_000, ctx)
  t.equal((await topology.listTablets(shard, ctx)).length, 1)
})

t.test('T5: network file systems are known by their number in statfs(2), also as a negative one', async (t) => {
  const rows = [[0x6969, 'NFS'], [0xff534d42, 'CIFS'], [0xff534d42 - 2 ** 32, 'CIFS'], [0x65735546, 'FUSE'], [0xef53, undefined],
    [0x58465342, undefined], [0x9123683e, undefined], [0x01021994, undefined], [0x794c7630, undefined]] as const
  for (const [type, name] of rows) t.equal(networkFileSystem(type), name, type.toString(16))
})

t.test('what the topology writes is readable by its owner and group only', async (t) => {
  const root = await newRoot(t)
  await using topology = await open(root)
  await topology.writeShardRecord(shardRecord(1), undefined, ctx)
  await topology.publishTablet(tabletRecord(101), 60_000, ctx)
  for (const name of ['', 'commerce', 'commerce/-80/record.00000001.json', 'commerce/-80/tablets/zone1-0000000101.json']) {
    t.equal((await stat(join(root, name))).mode & 0o007, 0, name)
  }
})
