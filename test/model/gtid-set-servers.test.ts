/** Our sets against the servers' own: the same text in, the same text and the same answers out. */
import t from 'tap'
import { parseBinlogState, parseMariadbGtidSet } from '../../src/model/mariadb-gtid-set.ts'
import { parseMysqlGtidSet } from '../../src/model/mysql-gtid-set.ts'
import { parseVersion } from '../../src/model/version-rules.ts'
import { forEachServer } from '../support/servers.ts'
import { startMysqld } from '../support/throwaway-mysqld.ts'

const A = '145e508e-ae54-11e9-8ce6-46824dd1815e'
const B = '1e51f8be-ae54-11e9-a7c6-4280a041109b'
const SETS = [
  '', `${A}:1`, `${A}:1-3:5`, `${B}:1-9,${A}:2-4`, `${A}:4:1-3:9-7`, `${A}:1-10:3-4:12,${A.toUpperCase()}:11`, `${A.replaceAll('-', '')}:2,\n${B}:5`,
  `${B}:b:2:a:1 : 7-3,${A}:Tag:1-3:tag2:4:9`, `${A}:tag:2-3:_x:1,${A}:4`, `${A}:9223372036854775806`, `${A}:1-9223372036854775806`,
]

forEachServer(t, 'MySQL and we agree on text, difference and containment of GTID sets', async (t, server) => {
  await using mysqld = await startMysqld({ server })
  for (const a of SETS) {
    for (const b of SETS) {
      const [row] = await mysqld.rows('SELECT GTID_SUBTRACT(?, ?) AS difference, GTID_SUBSET(?, ?) AS inside, GTID_SUBTRACT(?, \'\') AS text', [a, b, b, a, a])
      const [x, y] = [parseMysqlGtidSet(a), parseMysqlGtidSet(b)]
      const theirs = [row?.['difference'], row?.['text']].map((text) => String(text).replaceAll('\n', ''))
      t.same([x.subtract(y).toString(), x.toString()], theirs, `"${a}" and "${b}"`)
      t.equal(x.contains(y), row?.['inside'] === 1)
    }
  }
}, { server: 'mysql', why: 'MariaDB has no functions of GTID sets' })

forEachServer(t, 'MariaDB prints what we read of positions and binary log states', async (t, server) => {
  await using mysqld = await startMysqld({ server })
  await mysqld.run('RESET MASTER')
  await mysqld.run('SET GLOBAL gtid_binlog_state = \'1-7-3,0-2-5,0-1-8\'')
  const [row] = await mysqld.rows('SELECT @@gtid_binlog_state AS state, @@gtid_binlog_pos AS position')
  t.equal(parseMariadbGtidSet(String(row?.['state'])).toString(), parseMariadbGtidSet(String(row?.['position'])).toString())
  t.equal(parseMariadbGtidSet(String(row?.['position'])).toString(), '0-1-8,1-7-3')
  t.equal(parseBinlogState(String(row?.['state'])).length, 3)
}, { server: 'mariadb', why: 'MySQL has no binary log state' })

forEachServer(t, 'the version that a server tells is read', async (t, server) => {
  await using mysqld = await startMysqld({ server })
  const [row] = await mysqld.rows('SELECT @@version AS version, @@version_comment AS comment')
  const version = parseVersion(String(row?.['version']), String(row?.['comment']))
  t.equal(`${version?.major}.${version?.minor}.${version?.patch}`, server.version)
  t.equal(version?.product, server.name === 'mysql' ? 'MySQL' : 'MariaDB')
})
