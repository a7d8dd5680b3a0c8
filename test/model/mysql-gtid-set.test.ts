import t from 'tap'
import { emptyGtidSet } from '../../src/model/position.ts'
import { parseMysqlGtidSet as parse } from '../../src/model/mysql-gtid-set.ts'
import { parseMariadbGtidSet } from '../../src/model/mariadb-gtid-set.ts'
import type { GtidSet } from '../../src/model/gtid-set.ts'

const A = '145e508e-ae54-11e9-8ce6-46824dd1815e'
const B = '1e51f8be-ae54-11e9-a7c6-4280a041109b'

t.test('text is canonical, as the server prints it', (t) => {
  const table: readonly (readonly [text: string, canonical: string])[] = [
    ['', ''],
    [' ,\n, ', ''],
    [`${A}:1-3`, `${A}:1-3`],
    [`${A}:1-1`, `${A}:1`],
    [`${B}:1,\n${A}:2`, `${A}:2,${B}:1`],
    [A.toUpperCase() + ':1-3', `${A}:1-3`],
    [A.replaceAll('-', '') + ':1', `${A}:1`],
    [`${A}:1-3,${B}:1,${A}:7`, `${A}:1-3:7,${B}:1`],
    [`${A}:4-6:1-3`, `${A}:1-6`],
    [`${A}:1-10:3-4:12`, `${A}:1-10:12`],
    [`${A}:1 - 3 : 5`, `${A}:1-3:5`],
    [`${A}:9-2`, ''],
    [`${A}:9-2:4`, `${A}:4`],
    [A, ''],
    // tried on MySQL 9.7.4: SELECT GTID_SUBTRACT('…', '')
    [`${A}:Tag:1-3:tag2:4:9,${A}:1:5-7:6-9, ,\n 045e508e-ae54-11e9-8ce6-46824dd1815e:b:2:a:1 : 7-3`,
      `045e508e-ae54-11e9-8ce6-46824dd1815e:a:1:b:2,${A}:1:5-9:tag:1-3:tag2:4:9`],
    [`${A}:t:1:1:2-3:t:2:5-6,${A}:4`, `${A}:4:t:1-3:5-6`],
    [`${A}:tag`, ''],
    [`${A}:9223372036854775806`, `${A}:9223372036854775806`],
    [`${A}:9007199254740993:9007199254740995`, `${A}:9007199254740993:9007199254740995`],
  ]
  for (const [text, canonical] of table) {
    t.equal(parse(text).toString(), canonical, JSON.stringify(text))
    t.equal(parse(canonical).toString(), canonical, 'and reads back')
    t.equal(parse(text).isEmpty(), canonical === '')
  }
  t.end()
})

t.test('what no server takes is refused with the place', (t) => {
  for (const text of [
    'x', 'x:1', `${A}:0`, `${A}:0-4`, `${A}:-1`, `${A}:1-2-3`, `${A}:1tag:1`, `${A}:9223372036854775807`, `${A}:1-9223372036854775807`,
    `${A}:${'9'.repeat(400)}`, `${A}:${'t'.repeat(33)}:1`, `${A.slice(1)}:1`, `${A}1:1`, `${A.replace('-', '')}:1`, `${A}:1.5`, '0-1-8',
  ]) t.throws(() => parse(text), { code: 'BAD_REQUEST' }, text.slice(0, 60))
  t.throws(() => parse(`${A}:0`), { message: `cannot read GTID set at "${A}:0": "0" is out of range` })
  t.end()
})

t.test('containment, union and difference of sets', (t) => {
  const table: readonly (readonly [a: string, b: string, contains: boolean, union: string, difference: string])[] = [
    ['', '', true, '', ''],
    [`${A}:1-5`, '', true, `${A}:1-5`, `${A}:1-5`],
    ['', `${A}:1-5`, false, `${A}:1-5`, ''],
    [`${A}:1-5`, `${A}:2-4`, true, `${A}:1-5`, `${A}:1:5`],
    [`${A}:1-5`, `${A}:4-8`, false, `${A}:1-8`, `${A}:1-3`],
    [`${A}:1-5:7-9`, `${A}:5-7`, false, `${A}:1-9`, `${A}:1-4:8-9`],
    [`${A}:1-100`, `${A}:1:3:5:99-100`, true, `${A}:1-100`, `${A}:2:4:6-98`],
    [`${A}:1-5`, `${B}:1-5`, false, `${A}:1-5,${B}:1-5`, `${A}:1-5`],
    [`${A}:1-5,${B}:1`, `${B}:1`, true, `${A}:1-5,${B}:1`, `${A}:1-5`],
    [`${A}:1-5`, `${A}:t:1-5`, false, `${A}:1-5:t:1-5`, `${A}:1-5`],
    [`${A}:1-5:t:1-5`, `${A}:t:2`, true, `${A}:1-5:t:1-5`, `${A}:1-5:t:1:3-5`],
    [`${A}:1-9007199254740993`, `${A}:9007199254740993`, true, `${A}:1-9007199254740993`, `${A}:1-9007199254740992`],
  ]
  for (const [a, b, contains, union, difference] of table) {
    const [x, y] = [parse(a), parse(b)]
    t.equal(x.contains(y), contains, `"${a}" contains "${b}"`)
    t.equal(x.union(y).toString(), union)
    t.equal(y.union(x).toString(), union)
    t.equal(x.subtract(y).toString(), difference, `"${a}" without "${b}"`)
    t.equal(x.equals(y), a === b)
  }
  t.end()
})

t.test('sets agree with sets of single numbers, whatever the numbers', (t) => {
  let seed = 20_260_819
  const random = (below: number): number => { seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31; return Math.floor(seed / 2 ** 31 * below) }
  const someNumbers = (): Set<string> => new Set(Array.from({ length: random(14) }, () => `${random(2) === 0 ? A : `${B}:tag`}:${1 + random(16)}`))
  const asSet = (numbers: Iterable<string>): GtidSet => parse([...numbers].join(','))
  for (let round = 0; round < 2000; round++) {
    const [a, b] = [someNumbers(), someNumbers()]
    const [x, y] = [asSet(a), asSet(b)]
    const right = x.contains(y) === b.isSubsetOf(a)
      && x.union(y).equals(asSet(a.union(b)))
      && x.subtract(y).equals(asSet(a.difference(b)))
      && x.equals(y) === (a.isSubsetOf(b) && b.isSubsetOf(a))
    if (!right) t.fail('sets disagree', { a: [...a], b: [...b] })
  }
  t.pass('2000 pairs')
  t.end()
})

t.test('ten thousand intervals take no time worth mentioning', (t) => {
  const odd = parse(Array.from({ length: 10_000 }, (_, i) => `${A}:${2 * i + 1}`).join(','))
  const even = parse(`${A}:${Array.from({ length: 10_000 }, (_, i) => 2 * i + 2).join(':')}`)
  t.equal(odd.union(even).toString(), `${A}:1-20000`)
  t.ok(odd.subtract(even).equals(odd))
  t.notOk(odd.contains(even))
  t.end()
})

t.test('sets of two flavours are never compared', (t) => {
  const other = parseMariadbGtidSet('0-1-8')
  for (const compare of [
    (s: GtidSet) => s.contains(other), (s: GtidSet) => s.union(other), (s: GtidSet) => s.subtract(other), (s: GtidSet) => s.equals(other),
  ]) t.throws(() => compare(emptyGtidSet('mysql')), { code: 'INTERNAL' })
  t.end()
})
