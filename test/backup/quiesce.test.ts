/** The order in which a server is made ready for a cold copy, and the position read then. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { TabletError } from '../../src/base/errors.ts'
import { quiesce, type QuiesceOptions } from '../../src/backup/quiesce.ts'
import type { MysqldProcess } from '../../src/mysqld/mysqld-process.ts'
import { fakeProcess, serverIdentity } from '../daemon/builders.ts'
import { factsOf } from '../engine/fake-server.ts'
import { UUID_A, ctx, mariadbSet, mysqlSet, status } from '../replication/builders.ts'
import { tempDir } from '../support/temp-dir.ts'
import { fakeMysqld } from './fakes.ts'

/** A MySQL replica with innodb_fast_shutdown=1. */
const REPLICA = {
  identity: serverIdentity(), copyFacts: factsOf('/srv'), replicationStatus: status(), executedGtids: mysqlSet(`${UUID_A}:1-5`),
  purgedGtids: mysqlSet(`${UUID_A}:1-2`), binlogState: undefined, fastShutdown: 1,
}

/** What `quiesce` did, in order, with `answers` instead of the replica's. */
async function steps(answers: Readonly<Record<string, unknown>> = {}, more: Partial<QuiesceOptions> = {}, stop?: MysqldProcess['stop']) {
  const asked: string[] = []
  const note = (what: string) => (): Promise<void> => {
    asked.push(what)
    return Promise.resolve()
  }
  const process: MysqldProcess = { ...fakeProcess(), stop: stop ?? note('stop') }
  const quiesced = await quiesce({
    upgradeSafe: false, stopDeadlineMs: 60_000, check: note('check'), beforeStop: note('before stop'),
    beforeFastShutdown: (was) => note(`journal ${was}`)(), ...more,
  }, { mysqld: fakeMysqld({ ...REPLICA, ...answers }, asked), process }, ctx).catch((error: unknown) => error as Error)
  return { asked, quiesced }
}

const QUIETED = ['identity', 'setReadOnly(on)', 'replicationStatus']
const READ = ['copyFacts', 'check', 'executedGtids', 'purgedGtids', 'binlogState', 'fastShutdown']
const STOPPED = ['before stop', 'stop']

t.test('a replica is made read-only, its replication stopped, its position read, then it is stopped', async (t) => {
  const { asked, quiesced } = await steps()
  t.same(asked, [...QUIETED, 'stopReplication', ...READ, ...STOPPED])
  const { identity, copyFacts: copy, executedGtids: position, purgedGtids: purged } = REPLICA
  t.match(quiesced, { identity, copy, position, purged, binlogState: undefined })
})

t.test('a primary has no replication to stop', async (t) => {
  t.same((await steps({ replicationStatus: undefined })).asked, [...QUIETED, ...READ, ...STOPPED])
})

/** innodb_fast_shutdown as it was, upgrade-safe or not, and what is done about it: journaled before it is changed. */
const SHUTDOWNS: readonly (readonly [was: number, upgradeSafe: boolean, done: readonly string[]])[] = [
  [0, false, []], [1, false, []], [2, false, ['journal 2', 'setFastShutdown(1)']],
  [0, true, []], [1, true, ['journal 1', 'setFastShutdown(0)']], [2, true, ['journal 2', 'setFastShutdown(0)']],
]

for (const [was, upgradeSafe, done] of SHUTDOWNS) {
  const does = done.length === 0 ? 'leaves it' : `makes it ${upgradeSafe ? 0 : 1}`
  t.test(`${upgradeSafe ? 'an upgrade-safe backup' : 'a backup'} of a server with innodb_fast_shutdown=${was} ${does}`, async (t) => {
    const { asked } = await steps({ fastShutdown: was }, { upgradeSafe })
    t.same(asked.slice(asked.indexOf('fastShutdown')), ['fastShutdown', ...done, ...STOPPED])
  })
}

t.test('what the engine cannot copy is looked for when nobody writes, and refused before the stop', async (t) => {
  const { asked, quiesced } = await steps({}, { check: () => Promise.reject(new TabletError('TABLESPACE_OUTSIDE', 'it lies in /other')) })
  t.match(quiesced, { code: 'TABLESPACE_OUTSIDE' })
  t.same(asked, [...QUIETED, 'stopReplication', 'copyFacts'])
})

t.test('each failure ends it where it is: nothing later is done', async (t) => {
  for (const call of ['identity', 'setReadOnly', 'replicationStatus', 'stopReplication', 'copyFacts', 'executedGtids', 'fastShutdown']) {
    const { asked, quiesced } = await steps({ [call]: new TabletError('MYSQLD_UNREACHABLE', 'gone') })
    t.match(quiesced, { code: 'MYSQLD_UNREACHABLE' }, call)
    t.match(asked.at(-1), new RegExp(`^${call}`))
    t.notOk(asked.includes('stop'), call)
  }
})

t.test('innodb_fast_shutdown is not changed when its old value cannot be journaled', async (t) => {
  const { asked } = await steps({ fastShutdown: 2 }, { beforeFastShutdown: () => Promise.reject(new TabletError('LOCAL_IO_FAILED', 'disk')) })
  t.equal(asked.at(-1), 'fastShutdown')
})

t.test('a stop that takes too long, and one that was not clean, are no cold copy', async (t) => {
  const hang: MysqldProcess['stop'] = ({ signal }) => new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => { reject(signal.reason as Error) }, { once: true })
  })
  t.match((await steps({}, { stopDeadlineMs: 20 }, hang)).quiesced, { code: 'DEADLINE_EXCEEDED' })
  const unclean = (): Promise<never> => Promise.reject(new TabletError('MYSQLD_UNCLEAN_STOP', 'signal 9'))
  t.match((await steps({}, {}, unclean)).quiesced, { code: 'MYSQLD_UNCLEAN_STOP' })
})

/** MariaDB, stopped, with `state` beside its binary log. */
async function mariadb(path: string, state: string | undefined, answers: Readonly<Record<string, unknown>> = {}) {
  const base = join(path, 'binlog')
  if (state !== undefined) await writeFile(`${base}.state`, state)
  return await steps({
    identity: serverIdentity({ flavor: 'mariadb', paths: { ...factsOf(path).paths, binlogBase: base } }),
    replicationStatus: undefined, executedGtids: mariadbSet('0-1-5'), purgedGtids: mariadbSet(''), binlogState: '0-1-5', ...answers,
  })
}

t.test('MariaDB: a primary\'s position is the one its binary log ended at, not the one read before the stop', async (t) => {
  await using dir = await tempDir()
  const { quiesced } = await mariadb(dir.path, '0-2-4\n0-1-7\n1-1-3\n')
  t.match(quiesced, { binlogState: '0-2-4,0-1-7,1-1-3' })
  t.equal('position' in quiesced && quiesced.position.toString(), '0-1-7,1-1-3', 'the last writer of each domain')
})

t.test('MariaDB: a replica\'s position is gtid_slave_pos, its binary log\'s state is kept beside it', async (t) => {
  await using dir = await tempDir()
  const { quiesced } = await mariadb(dir.path, '0-1-5\n0-2-9\n', { replicationStatus: status() })
  t.match(quiesced, { binlogState: '0-1-5,0-2-9' })
  t.equal('position' in quiesced && quiesced.position.toString(), '0-1-5')
})

t.test('MariaDB: a stop that left no state was not clean', async (t) => {
  await using dir = await tempDir()
  t.match((await mariadb(dir.path, undefined)).quiesced, { code: 'MYSQLD_UNCLEAN_STOP' })
})

t.test('MariaDB: an empty state is a server that never wrote', async (t) => {
  await using dir = await tempDir()
  const { quiesced } = await mariadb(dir.path, '', { executedGtids: mariadbSet('') })
  t.equal('position' in quiesced && quiesced.position.isEmpty(), true)
})
