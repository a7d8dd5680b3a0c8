import t from 'tap'
import { formatShardName, parseAlias, parseShardName, uidOf } from '../../src/model/tablet.ts'

t.test('an alias is a cell and a number of 32 bits, padded to ten digits', (t) => {
  for (const [text, alias, uid] of [
    ['zone1-101', 'zone1-0000000101', 101], ['zone1-0000000101', 'zone1-0000000101', 101], ['us-east-1-0', 'us-east-1-0000000000', 0],
    ['z-4294967295', 'z-4294967295', 4_294_967_295], ['a.b_c-00000000000000000007', 'a.b_c-0000000007', 7],
  ] as const) {
    t.equal(parseAlias(text), alias)
    t.equal(uidOf(alias), uid)
  }
  for (const text of ['', 'zone1', '-1', 'zone1-', 'zone1-x', 'z-4294967296', 'zone 1-1', 'z/1-1', '../z-1\n', 'zone1-1.5']) {
    t.throws(() => parseAlias(text), { code: 'BAD_REQUEST' }, JSON.stringify(text))
  }
  t.end()
})

t.test('a shard is two plain directory names', (t) => {
  for (const text of ['commerce/0', 'customer/-80', 'customer/80-', 'customer/40-80', '_vt/0']) {
    t.equal(formatShardName(parseShardName(text)), text)
  }
  for (const text of ['', 'commerce', 'commerce/', '/0', 'commerce/0/1', '../0', 'commerce/..', 'commerce/.', '-x/0', 'a b/0', 'a/b\n', 'a\\b/0']) {
    t.throws(() => parseShardName(text), { code: 'BAD_REQUEST' }, JSON.stringify(text))
  }
  t.end()
})
