/** May a tablet serve? Every reason against it, by name. */
import t from 'tap'
import type { ServerFacts } from '../../src/mysqld/mysqld.ts'
import { CONNECTING_SERVES_MS, primaryBlockers, replicaBlockers, type HealthLimits, type ReplicaFacts } from '../../src/health/verdict.ts'
import { serverFacts } from '../daemon/builders.ts'
import { status } from '../replication/builders.ts'

const LIMITS: HealthLimits = { unhealthyLagMs: 30_000, recoveryLagMs: 30_000, requiredSchema: undefined }

interface Row {
  readonly server?: Partial<ServerFacts>
  readonly facts?: Partial<Omit<ReplicaFacts, 'server'>>
  readonly limits?: Partial<HealthLimits>
}

/** A replica that runs, is read-only, has a database and no lag. */
const blockers = ({ server = {}, facts = {}, limits = {} }: Row) => replicaBlockers(
  {
    server: serverFacts({ replication: status(), ...server }), lagSeconds: 0, lagSigns: {}, stoppedByOperator: false, served: false,
    connectingForMs: 0, sourceIsPrimary: true, ...facts,
  },
  { ...LIMITS, ...limits },
)

const channel = (more: Parameters<typeof status>[0]): Row => ({ server: { replication: status(more) } })
const ROWS: readonly (readonly [title: string, row: Row, names: readonly string[], message?: RegExp])[] = [
  ['a replica that replicates, with a database and no lag, is healthy', {}, []],
  ['a primary that is not known is no reason against a replica', { facts: { sourceIsPrimary: undefined } }, []],

  ['no channel', { server: { replication: undefined } }, ['replication-not-running'], /no source/],
  ['stopped threads', channel({ io: 'stopped', sql: 'stopped' }), ['replication-not-running']],
  ['a stopped receiver alone', channel({ io: 'stopped' }), ['replication-not-running']],
  ['a stopped applier alone', channel({ sql: 'stopped' }), ['replication-not-running']],
  ['stopped by an operator', { ...channel({ io: 'stopped', sql: 'stopped' }), facts: { stoppedByOperator: true } }, ['replication-stopped-by-operator']],
  ['a receiver that connects is not connected', channel({ io: 'connecting' }), ['replication-connecting'], /10\.0\.0\.1:3306/],
  ['a receiver that connects in vain says why', channel({ io: 'connecting', ioErrorNumber: 2003, ioError: 'refused' }), ['replication-connecting'], /2003: refused/],
  ['what has served stays while its source is away for a moment', { ...channel({ io: 'connecting' }), facts: { served: true, connectingForMs: CONNECTING_SERVES_MS - 1 } }, []],
  ['what has served does not stay for longer', { ...channel({ io: 'connecting' }), facts: { served: true, connectingForMs: CONNECTING_SERVES_MS } }, ['replication-connecting']],
  ['what has served and connects is judged by its lag', { ...channel({ io: 'connecting' }), facts: { served: true, lagSeconds: 31 } }, ['lag-too-high']],
  ['what has served and connects with a lag nobody knows', { ...channel({ io: 'connecting' }), facts: { served: true, lagSeconds: undefined } }, ['lag-unknown']],
  ['what connects and does not apply is no short outage', { ...channel({ io: 'connecting', sql: 'stopped' }), facts: { served: true } }, ['replication-connecting']],
  ['an error of the applier', channel({ sql: 'stopped', sqlErrorNumber: 1062, sqlError: 'Duplicate entry' }), ['replication-error'], /1062: Duplicate entry/],
  ['an error of the applier counts also while an operator has stopped it',
    { ...channel({ io: 'stopped', sql: 'stopped', sqlErrorNumber: 1062, sqlError: 'dup' }), facts: { stoppedByOperator: true } }, ['replication-error']],
  ['an error of the receiver', channel({ io: 'stopped', ioErrorNumber: 13_114, ioError: 'purged' }), ['replication-error'], /13114: purged/],
  ['a source that is not the primary', { facts: { sourceIsPrimary: false } }, ['source-unverified']],

  ['lag that is not known is no lag of zero', { facts: { lagSeconds: undefined } }, ['lag-unknown']],
  ['lag at the threshold', { facts: { lagSeconds: 30 } }, []],
  ['lag above the threshold', { facts: { lagSeconds: 31 } }, ['lag-too-high'], /lags 31 s, more than unhealthy-threshold 30s/],
  ['lag above the threshold says what it was measured by', { facts: { lagSeconds: 31, lagSigns: { heartbeatSeconds: 31.2, statusSeconds: 0 } } },
    ['lag-too-high'], /lags 31 s \(heartbeat 31\.2 s, status 0 s\), more/],
  ['clocks that differ are said where they may be the reason', { facts: { lagSeconds: 31, lagSigns: { heartbeatSeconds: 31, clockAheadSeconds: -29 } } },
    ['lag-too-high'], /heartbeat 31 s, the primary's clock is 29 s behind/],
  ['what does not serve begins below the threshold', { facts: { lagSeconds: 20 }, limits: { recoveryLagMs: 20_000 } }, []],
  ['what does not serve waits between the two thresholds', { facts: { lagSeconds: 21 }, limits: { recoveryLagMs: 20_000 } },
    ['lag-too-high'], /lags 21 s, more than recovery-threshold 20s/],
  ['what serves goes on between the two thresholds', { facts: { lagSeconds: 30, served: true }, limits: { recoveryLagMs: 20_000 } }, []],
  ['lag that is no number', { facts: { lagSeconds: Number.NaN } }, ['lag-too-high']],
  ['lag of a replica that does not run is not judged', { ...channel({ io: 'stopped' }), facts: { lagSeconds: 9999 } }, ['replication-not-running']],

  ['a replica that clients could write to', { server: { superReadOnly: false } }, ['not-read-only']],
  ['no database at all', { server: { userSchemas: [] } }, ['no-database']],
  ['another database than the one required', { limits: { requiredSchema: 'shop' } }, ['no-database'], /shop/],
  ['the database that is required', { limits: { requiredSchema: 'app' } }, []],
  ['every reason is told', { server: { replication: undefined, superReadOnly: false, userSchemas: [] } },
    ['replication-not-running', 'not-read-only', 'no-database']],
]

for (const [title, row, names, message] of ROWS) {
  t.test(title, (t) => {
    const found = blockers(row)
    t.same(found.map(({ name }) => name), names)
    if (message !== undefined) t.match(found[0]?.message, message)
    t.end()
  })
}

t.test('replication that broke has the code of its own', (t) => {
  t.match(blockers(channel({ sql: 'stopped', sqlErrorNumber: 1062, sqlError: 'x' })), [{ code: 'REPLICATION_BROKEN' }])
  t.match(blockers(channel({ io: 'stopped', ioErrorNumber: 1236, ioError: 'x' })), [{ code: 'REPLICATION_BROKEN' }])
  t.end()
})

t.test('a primary serves while it is writable, with or without a database', (t) => {
  t.same(primaryBlockers({ readOnly: false }), [])
  t.match(primaryBlockers({ readOnly: true }), [{ name: 'not-writable' }])
  t.end()
})
