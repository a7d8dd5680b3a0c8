import t from 'tap'
import { readlinkSync } from 'node:fs'
import { leavesNothingBehind } from './leftovers.ts'
import { forEachServer } from './servers.ts'
import { startMysqld } from './throwaway-mysqld.ts'
import { processWith } from './processes.ts'

forEachServer(t, 'a throw-away mysqld answers, survives kill -9 with its rows, and goes without a trace', async (t, server) => {
  const started = Date.now()
  await using mysqld = await startMysqld({ server, cnf: ['max-connections=41'] })
  t.comment(`ready after ${Date.now() - started} ms`)
  const [seen] = await mysqld.rows('select @@version version, @@max_connections max_connections, @@port port')
  t.match(seen, { version: new RegExp(`^${server.version.replaceAll('.', '\\.')}`), max_connections: 41, port: mysqld.port }, 'the server and the options asked for')
  t.equal(readlinkSync(`/proc/${mysqld.pid}/exe`), server.mysqldPath, 'the pid is the server itself')

  await mysqld.run('create database d; create table d.t (id int primary key); insert into d.t values (1), (2)')
  const { pid } = mysqld
  await mysqld.kill('SIGKILL')
  t.equal(processWith(pid), undefined, 'gone at once')
  await mysqld.start()
  t.strictSame((await mysqld.rows('select id from d.t order by id')).map((row) => row['id']), [1, 2], 'committed rows are there')
  t.equal(await mysqld.stop(), 0, 'a clean stop')
})

forEachServer(t, 'two servers of one template are two servers', async (t, server) => {
  await using one = await startMysqld({ server })
  await using two = await startMysqld({ server })
  t.not(one.port, two.port, 'ports differ')
  const ids = await Promise.all([one, two].map((mysqld) => mysqld.rows(server.name === 'mysql' ? 'select @@server_uuid id' : 'select @@server_id id')))
  t.notSame(ids[0], ids[1], 'identities differ')
})

leavesNothingBehind(t)
