import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { ERRORS } from '../../src/base/error-catalogue.ts'
import { TabletError } from '../../src/base/errors.ts'
import { blocker } from '../../src/model/blocker.ts'
import { context } from '../http/fake-control.ts'
import { tabletctl, testShard } from './run-tabletctl.ts'

t.setTimeout(240_000)   // each run of tabletctl is a process of its own

const SHARD = { keyspace: 'commerce', shard: '0' }

t.test('tablets are listed with what their daemons say, the silent and the dead too', async (t) => {
  await using shard = await testShard()
  await shard.add(102, { type: 'SPARE', blockers: [blocker('no-database'), blocker('lag-unknown')] })
  await shard.publish({ alias: 'zone1-0000000103' })
  await shard.publish({ alias: 'zone1-0000000104' })
  await shard.topology.withdrawTablet('zone1-0000000104', SHARD, context())
  const { code, stdout } = await tabletctl(['list-tablets', ...shard.flags])
  t.equal(code, 0)
  t.match(stdout, /zone1-0000000101 +commerce\/0 +REPLICA +0\.0 s +127\.0\.0\.1:3306 .* healthy\n/)
  t.match(stdout, /zone1-0000000102 .* no-database, lag-unknown\n/)
  t.match(stdout, /zone1-0000000103 .* its daemon does not answer\n/)
  t.match(stdout, /zone1-0000000104 .* its daemon is dead\n/)
  const json = JSON.parse((await tabletctl(['list-tablets', 'commerce/0', '-j', ...shard.flags])).stdout) as { tablets: readonly { live: boolean, snapshot?: object }[] }
  const seen = json.tablets.map(({ live, snapshot }) => [live, snapshot !== undefined])
  t.same(seen, [[true, true], [true, true], [true, false], [false, false]])
})

t.test('a tablet is shown, also when only its record is left', async (t) => {
  await using shard = await testShard()
  await shard.publish({ alias: 'zone1-0000000103' })
  t.match(await tabletctl(['GetTablet', 'zone1-101', ...shard.flags]), { code: 0, stdout: /^alias +zone1-0000000101\n[\s\S]*replication +from db1:3306/ })
  t.match(await tabletctl(['get-tablet', 'zone1-103', ...shard.flags]), { code: 0, stdout: /httpPort +1\n[\s\S]*cannot ask zone1-0000000103/ })
  t.match(await tabletctl(['get-tablet', 'zone1-999', ...shard.flags]), { code: 65, stderr: /TABLET_NOT_FOUND/ })
})

t.test('a tablet is drained and returned', async (t) => {
  await using shard = await testShard()
  t.match(await tabletctl(['ChangeTabletType', 'zone1-101', 'DRAINED', ...shard.flags]), { code: 0, stdout: /is DRAINED/ })
  t.match(await tabletctl(['change-tablet-type', 'zone1-101', 'replica', ...shard.flags]), { code: 0, stdout: /is REPLICA/ })
  t.match(await tabletctl(['change-tablet-type', 'zone1-101', 'primary', ...shard.flags]), { code: 64, stderr: /BAD_REQUEST/ })
  t.same(shard.first.control.asked, ['setType drained', 'setType target'])
})

t.test('the admin socket is taken where it is here, without a token; over TCP nothing changes without one', async (t) => {
  await using shard = await testShard()
  const drain = ['change-tablet-type', 'zone1-101', 'drained']
  t.match(await tabletctl([...drain, '--topo-root', shard.root]), { code: 77, stderr: /UNAUTHORIZED/ })
  t.match(await tabletctl([...drain, '--tablet-dir', shard.first.dir]), { code: 0 }, 'needs no topology')
  t.match(await tabletctl(drain, { TABLETD_TABLET_DIR: shard.first.dir, TABLETD_TABLET_PATH: 'zone1-101' }), { code: 0 })
  await shard.add(102)
  const other = ['change-tablet-type', 'zone1-102', 'drained', '--tablet-dir', shard.first.dir, '--topo-root', shard.root]
  t.match(await tabletctl(other), { code: 77, stderr: /UNAUTHORIZED/ }, 'the socket of another tablet is not used')
  const tagged = await shard.add(103)
  await shard.publish({ alias: 'zone1-0000000103', httpPort: tagged.port, tags: { 'admin-socket': tagged.socket } })
  t.match(await tabletctl(['change-tablet-type', 'zone1-103', 'drained', '--topo-root', shard.root]), { code: 0 }, 'as the topology tells its path')
})

t.test('a port that another tablet has taken over carries nothing out', async (t) => {
  await using shard = await testShard()
  await shard.publish({ alias: 'zone1-0000000105', httpPort: shard.first.port })
  t.match(await tabletctl(['change-tablet-type', 'zone1-105', 'drained', ...shard.flags]), { code: 65, stderr: /this is zone1-0000000101 \(TABLET_NOT_FOUND\)/ })
  t.same(shard.first.control.asked, [])
})

t.test('a primary is named for an empty shard once its tablets follow', async (t) => {
  await using shard = await testShard()
  const { control } = shard.first
  const { replication: _none, ...unattached } = { ...control.snapshot }
  const empty = { ...unattached, type: 'SPARE', position: 'MySQL56/', data: { hasUserData: false }, shardRecord: { read: 'none' } } as NonNullable<typeof control.snapshot>
  control.snapshot = empty
  control.wake = () => {
    void shard.topology.readShardRecord(SHARD, context()).then((found) => {
      if (found === undefined) return
      control.snapshot = { ...empty, type: 'PRIMARY', mysqld: { ...empty.mysqld, writable: true }, shardRecord: { read: 'record', record: found.record } }
    })
  }
  t.match(await tabletctl(['InitShardMaster', 'commerce/0', 'zone1-101', ...shard.flags]), { code: 0, stdout: 'zone1-0000000101 is the primary of commerce/0, term 1\n', stderr: '' })
  t.match(await tabletctl(['init-shard-primary', 'commerce/0', 'zone1-101', ...shard.flags]), { code: 65, stderr: /SHARD_HAS_PRIMARY/ })
  t.match(await tabletctl(['planned-reparent-shard', 'commerce/0', 'zone1-101', ...shard.flags]), { code: 0, stdout: /is the primary of commerce\/0 already, term 1/ })
  t.match(await tabletctl(['planned-reparent-shard', 'commerce/0', ...shard.flags]), { code: 65, stderr: /CANDIDATE_UNFIT/ })
  t.match(await tabletctl(['PlannedReparentShard', '-avoid_primary', 'zone1-999', 'commerce/0', ...shard.flags]), { code: 0, stdout: /nothing to do/ })
  t.match(await tabletctl(['init-shard-primary', 'commerce/0', 'zone1-101', '--wait-replicas-timeout', 'soon', ...shard.flags]), { code: 64, stderr: /BAD_REQUEST/ })
})

t.test('errors are one line with code and hint, or JSON where JSON was asked for', async (t) => {
  await using shard = await testShard()
  shard.first.control.failure = new TabletError('OPERATION_RUNNING', 'cannot begin a backup: op-7 runs', { details: { operation: 'op-7' } })
  const plain = await tabletctl(['backup', 'zone1-101', ...shard.flags])
  t.same(plain, { code: 75, stdout: '', stderr: `tabletctl: cannot begin a backup: op-7 runs (OPERATION_RUNNING). ${ERRORS.OPERATION_RUNNING.hint}\n` })
  const json = await tabletctl(['backup', 'zone1-101', '--json', ...shard.flags])
  t.match(JSON.parse(json.stderr), { error: { code: 'OPERATION_RUNNING', details: { operation: 'op-7' }, retryable: true } })
  t.equal(json.code, 75)
})

t.test('bad input is refused in one line with its code', async (t) => {
  await using shard = await testShard()
  const table: readonly (readonly [readonly string[], number, RegExp])[] = [
    [[], 64, /BAD_REQUEST/], [['backup'], 64, /missing required argument/], [['backup', 'zone1'], 64, /zone1/], [['backup', 'zone1-101'], 78, /topo-root/],
    [['backup', 'zone1-101', '--topo-root', '/nonexistent'], 69, /TOPOLOGY_UNREACHABLE/], [['backup', 'zone1-101', '--concurrency', '0', ...shard.flags], 64, /concurrency/],
    [['list-backups', '../etc', ...shard.flags], 64, /BAD_REQUEST/], [['list-backups', 'commerce/0', '-l', 'x', ...shard.flags], 64, /limit/],
    [['backup', 'zone1-101', '--topo-rot', '/x'], 64, /topo-rot/], [['backup', 'zone1-101', '--config', '/nonexistent.yaml'], 78, /SETTINGS_INVALID/],
    [['backup', 'zone1-101', '--topo-root', shard.root, '--api-token-file', '/nonexistent'], 78, /SETTINGS_INVALID/],
  ]
  for (const [args, code, message] of table) {
    const ran = await tabletctl(args)
    t.equal(ran.code, code, args.join(' '))
    t.match(ran.stderr, message)
    t.equal(ran.stderr.trimEnd().split('\n').length, 1, ran.stderr)
  }
})

t.test('settings come from the file, the environment and the command line alike', async (t) => {
  await using shard = await testShard()
  const file = join(shard.first.dir, 'tabletd.yaml')
  await writeFile(file, `topo-root: ${shard.root}\napi-token-file: ${shard.first.tokenFile}\n`)
  t.match(await tabletctl(['list-tablets', '--config', file]), { code: 0, stdout: /zone1-0000000101/ })
  t.match(await tabletctl(['list-tablets', '-topo_global_root', shard.root]), { code: 0, stdout: /zone1-0000000101/ })
  t.match(await tabletctl(['list-tablets'], { TABLETD_TOPO_ROOT: shard.root }), { code: 0, stdout: /zone1-0000000101/ })
})

t.test('the token never shows, whatever fails', async (t) => {
  await using shard = await testShard()
  await writeFile(shard.first.tokenFile, 'another-token-entirely')
  const wrong = join(shard.first.dir, 'wrong')
  await writeFile(wrong, 'my-secret-token', { mode: 0o600 })
  const ran = await tabletctl(['change-tablet-type', 'zone1-101', 'drained', '--topo-root', shard.root, '--api-token-file', wrong])
  t.match(ran, { code: 77, stderr: /UNAUTHORIZED/ })
  t.notMatch(ran.stdout + ran.stderr, /my-secret-token|another-token/)
})
