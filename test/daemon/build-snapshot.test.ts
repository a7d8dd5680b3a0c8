/** The snapshot that readers see: what is known, and nothing in place of what is not. */
import t from 'tap'
import { buildSnapshot, type SeenFacts } from '../../src/daemon/build-snapshot.ts'
import { blocker } from '../../src/model/blocker.ts'
import type { TabletSnapshot } from '../../src/model/snapshot.ts'
import { UUID_A, UUID_B, alias, mysqlSet, record, status } from '../replication/builders.ts'
import { identity, serverFacts } from './builders.ts'

const MANAGER = { state: 'serving', type: 'REPLICA', targetType: 'REPLICA', history: [] } as const

/** A daemon that has just begun and has seen nothing yet. */
const NOTHING: SeenFacts = {
  nowMs: 42, httpPort: 15_100, mysqlPort: 3306, drained: false, mysqldRuns: false, pid: undefined, server: undefined, lagSeconds: undefined,
  lagSigns: {}, lagLimits: { degradedSeconds: 30, unhealthySeconds: 7200 },
  record: undefined, cached: undefined, data: {}, blockers: [blocker('starting')], sentence: 'starting', operation: undefined,
}
const snapshot = (more: Partial<SeenFacts> = {}): TabletSnapshot => buildSnapshot(identity(alias(102)), MANAGER, { ...NOTHING, ...more })

t.test('of what was not seen, nothing is said', (t) => {
  t.same(snapshot(), {
    ...identity(alias(102)), observedAtMs: 42, httpPort: 15_100, mysqlPort: 3306, state: 'serving', type: 'REPLICA', targetType: 'REPLICA', drained: false,
    blockers: [blocker('starting')], sentence: 'starting', mysqld: { running: false, answers: false }, shardRecord: { read: 'not-yet' }, data: {},
    lagLimits: { degradedSeconds: 30, unhealthySeconds: 7200 },
  })
  t.end()
})

t.test('the last change of type is told with its words', (t) => {
  const change = { from: 'serving', to: 'spare', why: 'replication lags 40 s', time: '2026-01-02T03:04:05.000Z' } as const
  const history = [{ ...change, why: 'another', event: 'unhealthy' }, { ...change, event: 'unhealthy' }] as const
  t.same(buildSnapshot(identity(alias(102)), { ...MANAGER, history }, NOTHING).lastChange, change)
  t.end()
})

t.test('a server that runs and does not answer is not one that was seen before', (t) => {
  const seen = snapshot({ mysqldRuns: true, pid: 7, lagSeconds: 7, lagSigns: { statusSeconds: 7 } })
  t.same(seen.mysqld, { running: true, answers: false, pid: 7 })
  t.notOk('position' in seen || 'replication' in seen || 'lagSeconds' in seen || 'lag' in seen || 'hasUserData' in seen.data)
  t.end()
})

t.test('a server that answers is told of with its version, identity and position', (t) => {
  const seen = snapshot({ mysqldRuns: true, pid: 7, server: serverFacts({ readOnly: false }), lagSeconds: 0 })
  t.same(seen.mysqld, { running: true, answers: true, pid: 7, writable: true, version: '9.1.0', flavor: 'mysql', serverUuid: UUID_B, serverId: 2 })
  t.equal(seen.position, `MySQL56/${UUID_A}:1-5`)
  t.equal(seen.lagSeconds, 0)
  t.notOk('replication' in seen, 'it has no channel')
  t.end()
})

t.test('data of users are schemas, or transactions of the server\'s own', (t) => {
  const rows = [[['app'], `${UUID_A}:1`, true], [['app'], '', true], [[], `${UUID_A}:1`, true], [[], '', false]] as const
  for (const [userSchemas, executed, expected] of rows) {
    t.equal(snapshot({ server: serverFacts({ userSchemas, executed: mysqlSet(executed) }) }).data.hasUserData, expected)
  }
  t.same(snapshot({ server: serverFacts(), data: { origin: 'restore', restoredFrom: 'b1' } }).data, { origin: 'restore', restoredFrom: 'b1', hasUserData: true })
  t.end()
})

t.test('replication is told of with its source and the error that counts', (t) => {
  const of = (more: Parameters<typeof status>[0]): unknown => snapshot({ server: serverFacts({ replication: status(more) }) }).replication
  t.same(of({}), { source: '10.0.0.1:3306', io: 'running', sql: 'running' })
  t.match(of({ ioError: 'refused', io: 'connecting' }), { io: 'connecting', error: 'refused' })
  t.match(of({ ioError: 'refused', sqlError: 'duplicate' }), { error: 'duplicate' }, 'the applier\'s, where both have one')
  const { semiSync } = serverFacts()
  const acknowledges = { ...semiSync, replicaEnabled: true, replicaActive: true }
  const acknowledging = snapshot({ server: serverFacts({ replication: status(), semiSync: acknowledges }) })
  t.equal(acknowledging.replication?.semiSync, true)
  t.end()
})

t.test('the record is told as it was read, beside the one remembered', (t) => {
  const old = record({ term: 2 })
  t.same(snapshot({ record: { kind: 'record', record: record() }, cached: old }).shardRecord, { read: 'record', record: record(), cached: old })
  t.same(snapshot({ record: { kind: 'none' }, cached: old }).shardRecord, { read: 'none', cached: old })
  t.same(snapshot({ record: { kind: 'unreadable', why: 'x' } }).shardRecord, { read: 'unreadable' })
  t.end()
})

t.test('it is plain values: what is written as JSON is what is read', (t) => {
  const operation = { id: 'backup-1', kind: 'backup', state: 'running', startedAt: 'now', progress: { step: 'copying', doneBytes: 1, totalBytes: 2 } } as const
  const seen = snapshot({ server: serverFacts({ replication: status() }), record: { kind: 'record', record: record() }, operation })
  t.same(JSON.parse(JSON.stringify(seen)), seen)
  t.equal(seen.operation, operation)
  t.end()
})
