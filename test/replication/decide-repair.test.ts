import t from 'tap'
import { CONNECTING_LIMIT_MS, decideRepair, type Repair, type RepairFacts } from '../../src/replication/decide-repair.ts'
import { PRIMARY_ADDRESS, UUID_A, UUID_B, follower, mariadbSet, mysqlSet, source, status } from './builders.ts'

const facts = (more: Partial<RepairFacts> = {}): RepairFacts => ({
  source: PRIMARY_ADDRESS, ours: follower(), replication: status(), look: { kind: 'not-looked' },
  drained: false, stoppedByOperator: false, connectingForMs: 0, ...more,
})
const seen = (more: Parameters<typeof source>[0] = {}): RepairFacts['look'] => ({ kind: 'seen', facts: source(more) })
const unreachable: RepairFacts['look'] = { kind: 'unreachable', why: 'connection refused' }
const stopped = { io: 'stopped', sql: 'stopped' } as const
const elsewhere = status({ source: { host: '10.0.0.9', port: 3306 } })
const errant = mysqlSet(`${UUID_A}:1-5,${UUID_B}:1`)
const PURGED_MYSQL = "Cannot replicate because the source purged required binary logs. The GTID set sent by the replica is ''"
const PURGED_MARIADB = 'Could not find GTID state requested by slave in any binlog files. Probably the slave state is too old and required binlog files have been purged.'

/** What is decided: the act, and the blocker with its code where there is one. */
const summary = (repair: Repair): string =>
  'blocker' in repair ? `${repair.do} ${repair.blocker.name}${repair.blocker.code === undefined ? '' : ` ${repair.blocker.code}`}` : repair.do

const rows: readonly (readonly [string, Partial<RepairFacts>, string])[] = [
  ['a replica that runs is left alone', {}, 'nothing'],
  ['a replica that runs is left alone when its source was seen to be fine', { look: seen() }, 'nothing'],
  ['a replica that runs is left alone while its source cannot be seen', { look: unreachable }, 'nothing'],
  ['a replica that runs is left alone while its source is read-only', { look: seen({ readOnly: true }) }, 'nothing'],

  // no channel
  ['before a channel is made, the source is looked at', { replication: undefined }, 'look'],
  ['a channel is made to a source that was seen', { replication: undefined, look: seen() }, 'attach'],
  ['no channel is made to a source that does not answer', { replication: undefined, look: unreachable }, 'wait source-unverified SOURCE_UNVERIFIED'],
  ['no channel is made to a source that is read-only', { replication: undefined, look: seen({ readOnly: true }) }, 'wait source-unverified SOURCE_UNVERIFIED'],
  ['no channel is made to oneself', { replication: undefined, look: seen({ serverUuid: UUID_B }) }, 'wait source-unverified SOURCE_UNVERIFIED'],
  ['no channel is made to a server of the other flavour', { replication: undefined, look: seen({ flavor: 'mariadb', executed: mariadbSet(''), purged: mariadbSet('') }) }, 'wait source-unverified SOURCE_UNVERIFIED'],
  ['no channel is made to a server with our server_id', { replication: undefined, look: seen({ serverId: 2 }) }, 'wait source-unverified SERVER_ID_CLASH'],
  ['no channel is made while the topology gives no address', { replication: undefined, source: undefined }, 'wait source-unverified SOURCE_UNVERIFIED'],
  ['a drained tablet gets no channel', { replication: undefined, drained: true, look: seen() }, 'nothing'],
  ['a mark that an operator stopped replication does not outlive the channel', { replication: undefined, stoppedByOperator: true, look: seen() }, 'attach'],

  // history
  ['a tablet that lacks what the source purged needs a backup', { replication: undefined, look: seen({ purged: mysqlSet(`${UUID_A}:1-6`) }) }, 'wait needs-backup NEEDS_BACKUP'],
  ['a tablet that holds what the source purged does not', { replication: undefined, look: seen({ purged: mysqlSet(`${UUID_A}:1-5`) }) }, 'attach'],
  ['an empty tablet attaches to a whole history', { replication: undefined, ours: follower({ executed: mysqlSet(''), userSchemas: [] }), look: seen() }, 'attach'],
  ['an empty tablet needs a backup where the history is not whole', { replication: undefined, ours: follower({ executed: mysqlSet(''), userSchemas: [] }), look: seen({ historyWhole: false }) }, 'wait needs-backup NEEDS_BACKUP'],
  ['an empty tablet waits where nobody may see the history', { replication: undefined, ours: follower({ executed: mysqlSet(''), userSchemas: [] }), look: seen({ historyWhole: undefined }) }, 'wait source-unverified SOURCE_UNVERIFIED'],
  ['a restored tablet has a position, so a history that is not whole suffices', { replication: undefined, look: seen({ historyWhole: false }) }, 'attach'],
  ['data without any position is not replayed over', { replication: undefined, ours: follower({ executed: mysqlSet(''), hasChannel: false }), look: seen() }, 'wait needs-backup NEEDS_BACKUP'],
  ['a first schema that arrives just after the position was read is no such data', { replication: elsewhere, ours: follower({ executed: mysqlSet('') }), look: seen() }, 'repoint'],

  // errant transactions
  ['errant transactions forbid a channel', { replication: undefined, ours: follower({ executed: errant }), look: seen() }, 'wait errant-transactions ERRANT_TRANSACTIONS'],
  ['errant transactions stop a channel that runs', { ours: follower({ executed: errant }), look: seen() }, 'stop errant-transactions ERRANT_TRANSACTIONS'],
  ['errant transactions stop a channel that connects', { ours: follower({ executed: errant }), replication: status({ io: 'connecting' }), look: seen() }, 'stop errant-transactions ERRANT_TRANSACTIONS'],
  ['errant transactions stop the applier left running', { ours: follower({ executed: errant }), replication: status({ io: 'stopped' }), look: seen() }, 'stop errant-transactions ERRANT_TRANSACTIONS'],
  ['errant transactions keep a stopped channel stopped', { ours: follower({ executed: errant }), replication: status(stopped), look: seen() }, 'wait errant-transactions ERRANT_TRANSACTIONS'],
  ['errant transactions are told before an operator\'s stop', { ours: follower({ executed: errant }), replication: status(stopped), stoppedByOperator: true, look: seen() }, 'wait errant-transactions ERRANT_TRANSACTIONS'],
  ['a source that lost transactions is not followed', { replication: undefined, look: seen({ executed: mysqlSet(`${UUID_A}:1-4`) }) }, 'wait errant-transactions ERRANT_TRANSACTIONS'],
  ['MariaDB: what the source holds under our own server_id, and we lack, would be dropped', {
    replication: undefined,
    ours: follower({ flavor: 'mariadb', serverUuid: '', executed: mariadbSet('0-1-5'), binlogState: '0-1-5' }),
    look: seen({ flavor: 'mariadb', serverUuid: '', executed: mariadbSet('0-1-9'), purged: mariadbSet(''), binlogState: '0-2-8,0-1-9' }),
  }, 'wait source-unverified SERVER_ID_CLASH'],
  ['MariaDB: what we wrote ourselves and still hold is no clash', {
    replication: undefined,
    ours: follower({ flavor: 'mariadb', serverUuid: '', executed: mariadbSet('0-2-8'), binlogState: '0-2-8' }),
    look: seen({ flavor: 'mariadb', serverUuid: '', executed: mariadbSet('0-1-9'), purged: mariadbSet(''), binlogState: '0-2-8,0-1-9' }),
  }, 'attach'],
  ['MariaDB: the same sequence written by another server is errant', {
    replication: undefined,
    ours: follower({ flavor: 'mariadb', serverUuid: '', executed: mariadbSet('0-1-8'), binlogState: '0-2-7,0-1-8' }),
    look: seen({ flavor: 'mariadb', serverUuid: '', executed: mariadbSet('0-1-9'), purged: mariadbSet(''), binlogState: '0-1-9' }),
  }, 'wait errant-transactions ERRANT_TRANSACTIONS'],
  ['MariaDB: a shared history of several servers is not', {
    replication: undefined,
    ours: follower({ flavor: 'mariadb', serverUuid: '', executed: mariadbSet('0-1-8'), binlogState: '0-2-7,0-1-8' }),
    look: seen({ flavor: 'mariadb', serverUuid: '', executed: mariadbSet('0-1-9'), purged: mariadbSet(''), binlogState: '0-2-7,0-1-9' }),
  }, 'attach'],

  // another source
  ['before a channel is repointed, the new source is looked at', { replication: elsewhere }, 'look'],
  ['a channel follows a primary that moved', { replication: elsewhere, look: seen() }, 'repoint'],
  ['a channel stays where it is while the new source cannot be seen', { replication: elsewhere, look: unreachable }, 'wait source-unverified SOURCE_UNVERIFIED'],
  ['a drained tablet\'s channel follows too', { replication: elsewhere, drained: true, look: seen() }, 'repoint'],
  ['a channel that an operator stopped is not repointed under him', { replication: { ...elsewhere, ...stopped }, stoppedByOperator: true, look: seen() }, 'wait replication-stopped-by-operator'],
  ['a channel without auto-position is set again', { replication: status({ autoPosition: false }), look: seen() }, 'repoint'],
  ['an error of the old source does not keep a channel from the new one', { replication: { ...elsewhere, ...stopped, ioErrorNumber: 1236, ioError: 'gone' }, look: seen() }, 'repoint'],

  // stopped
  ['before replication is started, the source is looked at', { replication: status(stopped) }, 'look'],
  ['replication stopped without an error is started', { replication: status(stopped), look: seen() }, 'start'],
  ['an applier stopped alone is started', { replication: status({ sql: 'stopped' }), look: seen() }, 'start'],
  ['a receiver stopped alone is started', { replication: status({ io: 'stopped' }), look: seen() }, 'start'],
  ['a drained tablet\'s channel is started too', { replication: status(stopped), drained: true, look: seen() }, 'start'],
  ['replication is not started while the source cannot be seen', { replication: status(stopped), look: unreachable }, 'wait source-unverified SOURCE_UNVERIFIED'],
  ['what an operator stopped stays stopped', { replication: status(stopped), stoppedByOperator: true, look: seen() }, 'wait replication-stopped-by-operator'],
  ['a stale mark of an operator does not touch what runs', { stoppedByOperator: true }, 'nothing'],

  // errors
  ['an error of the applier is shown and never skipped', { replication: status({ sql: 'stopped', sqlErrorNumber: 1062, sqlError: 'Duplicate entry' }), look: seen() }, 'wait replication-error REPLICATION_BROKEN'],
  ['an error of the receiver is shown', { replication: status({ io: 'stopped', ioErrorNumber: 1593, ioError: 'equal server ids' }), look: seen() }, 'wait replication-error REPLICATION_BROKEN'],
  ['purged logs mean a backup is needed (MySQL)', { replication: status({ io: 'stopped', ioErrorNumber: 13114, ioError: PURGED_MYSQL }), look: seen() }, 'wait needs-backup NEEDS_BACKUP'],
  ['purged logs mean a backup is needed (MariaDB)', { replication: status({ io: 'stopped', ioErrorNumber: 1236, ioError: PURGED_MARIADB }), look: seen() }, 'wait needs-backup NEEDS_BACKUP'],
  ['a receiver that gave up connecting is started again', { replication: status({ io: 'stopped', ioErrorNumber: 2003, ioError: 'error connecting' }), look: seen() }, 'start'],
  ['one that gave up stays stopped while the source is away', { replication: status({ io: 'stopped', ioErrorNumber: 2003, ioError: 'error connecting' }), look: unreachable }, 'wait source-unverified SOURCE_UNVERIFIED'],
  ['one that gave up on a password gets it again', { replication: status({ io: 'stopped', ioErrorNumber: 1045, ioError: 'Access denied' }), look: seen() }, 'repoint'],

  // connecting
  ['connecting is shown at once', { replication: status({ io: 'connecting' }) }, 'wait replication-connecting'],
  ['connecting for long is looked into', { replication: status({ io: 'connecting' }), connectingForMs: CONNECTING_LIMIT_MS }, 'look'],
  ['connecting to a source that is away goes on', { replication: status({ io: 'connecting' }), connectingForMs: CONNECTING_LIMIT_MS, look: unreachable }, 'wait replication-connecting'],
  ['connecting to a source that answers us goes on', { replication: status({ io: 'connecting' }), connectingForMs: CONNECTING_LIMIT_MS, look: seen() }, 'wait replication-connecting'],
  ['a channel whose password is refused gets ours', { replication: status({ io: 'connecting', ioErrorNumber: 1045, ioError: 'Access denied' }), connectingForMs: CONNECTING_LIMIT_MS, look: seen() }, 'repoint'],
  ['without an address what runs goes on', { source: undefined }, 'nothing'],
  ['without an address what is stopped waits', { source: undefined, replication: status(stopped) }, 'wait source-unverified SOURCE_UNVERIFIED'],
]

for (const [title, given, expected] of rows) {
  t.test(title, async (t) => {
    const repair = decideRepair(facts(given))
    t.equal(summary(repair), expected)
    t.match(repair.sentence, /^\S.*\S$/, 'one sentence says it')
  })
}

t.test('K2: whatever is not looked at is neither attached, repointed nor started', async (t) => {
  for (const [title, given] of rows) {
    const { do: act } = decideRepair(facts({ ...given, look: { kind: 'not-looked' } }))
    t.notOk(['attach', 'repoint', 'start'].includes(act), title)
  }
})
