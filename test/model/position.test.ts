import t from 'tap'
import { emptyGtidSet, formatPosition, parseGtidSet, parsePosition } from '../../src/model/position.ts'

const A = '145e508e-ae54-11e9-8ce6-46824dd1815e'

t.test('a position carries the flavour of its set', (t) => {
  const table: readonly (readonly [text: string, flavor: string, canonical: string])[] = [
    [`MySQL56/${A.toUpperCase()}:1-3`, 'mysql', `MySQL56/${A}:1-3`],
    ['MySQL56/', 'mysql', 'MySQL56/'],
    ['MariaDB/0-1-8,1-2-5', 'mariadb', 'MariaDB/0-1-8,1-2-5'],
    ['MariaDB/', 'mariadb', 'MariaDB/'],
  ]
  for (const [text, flavor, canonical] of table) {
    const set = parsePosition(text)
    t.equal(set?.flavor, flavor, text)
    t.equal(set === undefined ? '' : formatPosition(set), canonical)
  }
  t.end()
})

t.test('no text is no position, which is not the empty one', (t) => {
  t.equal(parsePosition(''), undefined)
  t.equal(parsePosition('MySQL56/')?.isEmpty(), true)
  t.ok(emptyGtidSet('mysql').isEmpty())
  t.ok(emptyGtidSet('mariadb').isEmpty())
  t.equal(parseGtidSet('mariadb', '0-1-8').toString(), '0-1-8')
  t.end()
})

t.test('a position that names no transactions is not supported', (t) => {
  t.throws(() => parsePosition('FilePos/mysql-bin.000003:154'), { code: 'BACKUP_UNSUPPORTED' })
  t.end()
})

t.test('text that is no position is refused under the code of its origin', (t) => {
  for (const text of ['x', `${A}:1-3`, '0-1-8', 'MySQL57/', 'mysql56/', 'MySQL56/x', `MariaDB/${A}:1`, 'MySQL56/0-1-8', '/', '/x']) {
    t.throws(() => parsePosition(text), { code: 'MANIFEST_INVALID' }, text)
    t.throws(() => parsePosition(text, 'TOPOLOGY_CORRUPT'), { code: 'TOPOLOGY_CORRUPT' }, text)
  }
  t.end()
})
