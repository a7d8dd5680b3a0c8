import t from 'tap'
import type { GtidSet } from '../../src/model/gtid-set.ts'
import {
  errantIn, formatBinlogState, formatGtid, parseBinlogState, parseMariadbGtidSet as parse, positionOf,
} from '../../src/model/mariadb-gtid-set.ts'
import { parseMysqlGtidSet } from '../../src/model/mysql-gtid-set.ts'

t.test('positions are one transaction a domain, ordered by domain', (t) => {
  const table: readonly (readonly [text: string, canonical: string])[] = [
    ['', ''],
    ['0-1-8', '0-1-8'],
    ['1-2-5,0-1-8', '0-1-8,1-2-5'],
    [' 1-2-5 ,\n0-1-8,', '0-1-8,1-2-5'],
    ['10-1-1,9-1-1', '9-1-1,10-1-1'],
    ['0-1-8,0-2-9', '0-2-9'],
    ['0-2-9,0-1-8', '0-2-9'],
    ['4294967295-4294967295-18446744073709551615', '4294967295-4294967295-18446744073709551615'],
  ]
  for (const [text, canonical] of table) {
    t.equal(parse(text).toString(), canonical, JSON.stringify(text))
    t.equal(parse(text).isEmpty(), canonical === '')
  }
  t.end()
})

t.test('what no server prints is refused', (t) => {
  for (const text of ['0-1', '0-1-8-9', 'a-1-8', '0-1-x', '4294967296-1-1', '0-4294967296-1', '0-1-18446744073709551616', '145e508e-ae54-11e9-8ce6-46824dd1815e:1']) {
    t.throws(() => parse(text), { code: 'BAD_REQUEST' }, text)
  }
  t.end()
})

t.test('a position contains another when it is as far in every domain', (t) => {
  const table: readonly (readonly [a: string, b: string, contains: boolean, union: string, difference: string])[] = [
    ['', '', true, '', ''],
    ['0-1-8', '', true, '0-1-8', '0-1-8'],
    ['', '0-1-8', false, '0-1-8', ''],
    ['0-1-8', '0-1-7', true, '0-1-8', '0-1-8'],
    ['0-1-8', '0-1-9', false, '0-1-9', ''],
    ['0-1-8', '0-2-8', true, '0-1-8', ''],
    ['0-1-8', '1-1-1', false, '0-1-8,1-1-1', '0-1-8'],
    ['0-1-8,1-2-5', '0-3-7,1-2-6', false, '0-1-8,1-2-6', '0-1-8'],
    ['0-1-18446744073709551615', '0-1-18446744073709551614', true, '0-1-18446744073709551615', '0-1-18446744073709551615'],
  ]
  for (const [a, b, contains, union, difference] of table) {
    const [x, y] = [parse(a), parse(b)]
    t.equal(x.contains(y), contains, `"${a}" contains "${b}"`)
    t.equal(x.union(y).toString(), union)
    t.equal(x.subtract(y).toString(), difference, `"${a}" without "${b}"`)
    t.equal(x.equals(y), a === b)
  }
  t.end()
})

t.test('the same sequence from another server is another transaction', (t) => {
  t.notOk(parse('0-1-8').equals(parse('0-2-8')))
  t.ok(parse('1-1-1,0-1-8').equals(parse('0-1-8,1-1-1')))
  t.end()
})

t.test('a state of the binary log keeps every server and the order of the server', (t) => {
  const state = parseBinlogState('0-2-7,0-1-9,\n1-1-3')
  t.same(state, [{ domain: 0, server: 2, sequence: 7n }, { domain: 0, server: 1, sequence: 9n }, { domain: 1, server: 1, sequence: 3n }])
  t.equal(formatBinlogState(state), '0-2-7,0-1-9,1-1-3')
  t.equal(positionOf(state).toString(), '0-1-9,1-1-3')
  t.same(parseBinlogState(''), [])
  t.end()
})

t.test('errant is what a server wrote beyond what the other side knows of it', (t) => {
  const table: readonly (readonly [title: string, ours: string, theirs: string, errant: readonly string[]])[] = [
    ['both empty', '', '', []],
    ['we are behind', '0-1-5', '0-1-9', []],
    ['we are level', '0-1-9', '0-1-9', []],
    ['we are empty', '', '0-1-9', []],
    ['we wrote one ourselves', '0-1-8,0-2-9', '0-1-8', ['0-2-9']],
    ['and the primary went on beyond its sequence', '0-1-8,0-2-9', '0-1-20', ['0-2-9']],
    ['the primary knows an older one of ours, from when we were primary', '0-2-9,0-1-12', '0-2-7,0-1-12', ['0-2-9']],
    ['the primary knows all of ours, from when we were primary', '0-2-7,0-1-12', '0-2-7,0-1-15', []],
    ['the old primary committed one more before it died', '0-1-10', '0-1-9,0-2-10', ['0-1-10']],
    ['in another domain', '0-1-9,1-2-1', '0-1-9', ['1-2-1']],
    ['against an empty primary', '0-1-9', '', ['0-1-9']],
  ]
  for (const [title, ours, theirs, errant] of table) {
    t.same(errantIn(parseBinlogState(ours), parseBinlogState(theirs)).map(formatGtid), errant, title)
  }
  t.end()
})

t.test('sets of two flavours are never compared', (t) => {
  const other = parseMysqlGtidSet('')
  for (const compare of [
    (s: GtidSet) => s.contains(other), (s: GtidSet) => s.union(other), (s: GtidSet) => s.subtract(other), (s: GtidSet) => s.equals(other),
  ]) t.throws(() => compare(parse('0-1-8')), { code: 'INTERNAL' })
  t.end()
})
