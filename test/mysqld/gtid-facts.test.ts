import t from 'tap'
import { parseGtidSet } from '../../src/model/position.ts'
import { binlogStateFor, gtidFactsOf, isHistoryWhole, standsAt } from '../../src/mysqld/gtid-facts.ts'
import type { Row } from '../../src/mysqld/sql-types.ts'

const UUID = '10f1d25e-e54f-11f1-983e-02fc00000001'
const mariadbRow = (values: Row = {}): Row => ({ binlog_pos: '0-2-7', slave_pos: '0-1-8', binlog_state: '0-1-5,0-2-7', ...values })
const event = (Event_type: string, Info: string): Row => ({ Event_type, Info })
const EMPTY_LIST = [event('Format_desc', 'Server ver: 10.11.19'), event('Gtid_list', '[]'), event('Binlog_checkpoint', 'binlog.000001')]

t.test('MariaDB\'s position is what a replica applied, and what a primary logged', (t) => {
  t.equal(gtidFactsOf('mariadb', mariadbRow(), true).executed.toString(), '0-1-8')
  t.equal(gtidFactsOf('mariadb', mariadbRow(), false).executed.toString(), '0-2-7')
  t.equal(gtidFactsOf('mariadb', mariadbRow(), false).binlogState, '0-1-5,0-2-7')
  t.equal(gtidFactsOf('mysql', { executed: `${UUID}:1-5,\n${UUID}:9`, purged: '' }, true).executed.toString(), `${UUID}:1-5:9`)
  t.end()
})

const wholeness: readonly [string, Parameters<typeof isHistoryWhole>[0], boolean][] = [
  ['MySQL with nothing purged', { flavor: 'mysql', gtids: { purged: '' }, hasBinaryLog: true, oldestEvents: [] }, true],
  ['MySQL with something purged', { flavor: 'mysql', gtids: { purged: `${UUID}:1-3` }, hasBinaryLog: true, oldestEvents: [] }, false],
  ['MySQL without a binary log', { flavor: 'mysql', gtids: { purged: '' }, hasBinaryLog: false, oldestEvents: [] }, false],
  ['MariaDB that never wrote', { flavor: 'mariadb', gtids: mariadbRow({ binlog_state: '', slave_pos: '' }), hasBinaryLog: true, oldestEvents: EMPTY_LIST }, true],
  ['MariaDB from its first transaction on',
    { flavor: 'mariadb', gtids: mariadbRow({ slave_pos: '' }), hasBinaryLog: true, oldestEvents: [...EMPTY_LIST, event('Gtid', 'GTID 0-1-1')] }, true],
  ['MariaDB, first transaction in one event group',
    { flavor: 'mariadb', gtids: mariadbRow({ slave_pos: '' }), hasBinaryLog: true, oldestEvents: [...EMPTY_LIST, event('Gtid', 'BEGIN GTID 0-1-1')] }, true],
  ['MariaDB whose log begins later', { flavor: 'mariadb', gtids: mariadbRow({ slave_pos: '' }), hasBinaryLog: true, oldestEvents: [event('Gtid_list', '[0-1-3]')] }, false],
  ['MariaDB whose first transaction has a higher number',
    { flavor: 'mariadb', gtids: mariadbRow({ slave_pos: '' }), hasBinaryLog: true, oldestEvents: [...EMPTY_LIST, event('Gtid', 'GTID 0-1-11')] }, false],
  ['MariaDB restored without its binlog state',
    { flavor: 'mariadb', gtids: mariadbRow({ binlog_state: '', slave_pos: '0-1-8' }), hasBinaryLog: true, oldestEvents: EMPTY_LIST }, false],
  ['MariaDB whose first events cannot be read', { flavor: 'mariadb', gtids: mariadbRow(), hasBinaryLog: true, oldestEvents: [] }, false],
  ['MariaDB without a binary log', { flavor: 'mariadb', gtids: mariadbRow(), hasBinaryLog: false, oldestEvents: EMPTY_LIST }, false],
]
for (const [name, facts, whole] of wholeness) {
  t.test(`the history is ${whole ? '' : 'not '}whole: ${name}`, (t) => {
    t.equal(isHistoryWhole(facts), whole)
    t.end()
  })
}

const states: readonly [string, string, string | undefined, string][] = [
  ['without a donor\'s state it is the position', '0-1-8', undefined, '0-1-8'],
  ['the last of each domain is named last', '0-1-8', '0-1-8,0-2-7', '0-2-7,0-1-8'],
  ['a domain that the state lacks is added', '0-1-8,1-3-4', '0-2-7', '0-2-7,0-1-8,1-3-4'],
  ['an empty position has an empty state', '', undefined, ''],
]
for (const [name, executed, donor, wanted] of states) {
  t.test(`the binlog state to set: ${name}`, (t) => {
    t.equal(binlogStateFor(parseGtidSet('mariadb', executed), donor), wanted)
    t.end()
  })
}

t.test('a position stands only when every variable says it', (t) => {
  const wanted = { executed: parseGtidSet('mariadb', '0-1-8'), binlogState: '0-2-7,0-1-8' }
  const row = { binlog_pos: '0-1-8', slave_pos: '0-1-8', binlog_state: '0-1-8,0-2-7' }
  t.equal(standsAt('mariadb', row, wanted), true)
  for (const wrong of [{ binlog_pos: '0-2-7' }, { slave_pos: '' }, { binlog_state: '0-1-8' }]) {
    t.equal(standsAt('mariadb', { ...row, ...wrong }, wanted), false, JSON.stringify(wrong))
  }
  const mysql = { executed: parseGtidSet('mysql', `${UUID}:1-5`), binlogState: '' }
  t.equal(standsAt('mysql', { executed: `${UUID}:1-5`, purged: `${UUID}:1-5` }, mysql), true)
  t.equal(standsAt('mysql', { executed: `${UUID}:1-6`, purged: `${UUID}:1-5` }, mysql), false)
  t.equal(standsAt('mysql', { executed: `${UUID}:1-5`, purged: '' }, mysql), false)
  t.end()
})
