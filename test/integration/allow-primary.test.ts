/** Backups of a primary: only by its explicit word, and it comes back as PRIMARY. Scenario 3 of Vitess's own backup tests. */
import t from 'tap'
import type { Test } from 'tap'
import { join } from 'node:path'
import { beginToServe } from '../support/app.ts'
import { listBackups, post } from '../support/backups.ts'
import { untilSameTables } from '../support/checksum.ts'
import { leavesNothingBehind } from '../support/leftovers.ts'
import { forEachServer } from '../support/servers.ts'
import type { TestServer } from '../support/servers.ts'
import { startShard } from '../support/shard.ts'
import type { TestShard } from '../support/shard.ts'
import type { TestTablet } from '../support/tablet.ts'

const COUNT = 'select count(*) from commerce.t'

forEachServer(t, 'a primary is backed up only by its explicit word, and comes back as PRIMARY', async (t, server) => {
  await using shard = await startShard({ server, tablets: 1 })
  const primary = shard.tablet(0)
  await beginToServe(shard)
  await primary.rows('create table commerce.t (id int primary key); insert into commerce.t values (1)')

  await t.test('without the word it is refused and nothing happens', (t) => refuse(t, shard))
  const first = await shard.backup(primary, '--allow-primary')
  await t.test('with it the backup is made and the primary is PRIMARY again', async (t) => {
    t.ok(first.endsWith(`.${primary.alias}`), `${first} names the tablet`)
    await isPrimaryAgain(t, primary)
  })
  await primary.rows('insert into commerce.t values (2)')
  await t.test('also when its daemon or its mysqld starts anew', (t) => startAnew(t, primary))
  const replica = await shard.addTablet()
  await t.test('a new replica restores the backup and catches up', async (t) => {
    const seen = await replica.becomes('REPLICA', { healthy: true, deadlineMs: 120_000 })
    t.equal(seen.data.restoredFrom, first)
    t.ok((await untilSameTables((sql) => primary.rows(sql), (sql) => replica.rows(sql)))['commerce.t'])
    t.equal(await replica.value(COUNT), 2)
  })
  await t.test('a second backup of the primary, with a replica attached', async (t) => {
    const second = await shard.backup(primary, '--allow-primary')
    t.same((await listBackups(primary)).map(({ name, status }) => [name, status]), [[first, 'complete'], [second, 'complete']])
    await isPrimaryAgain(t, primary)
    await replica.becomes('REPLICA', { healthy: true })
  })
  await t.test('the old primary of a shard that is gone is restored by the time of its first backup', (t) => goBack(t, { shard, first }, server))
})

async function refuse(t: Test, shard: TestShard): Promise<void> {
  const primary = shard.tablet(0)
  const pid = primary.pidOfMysqld()
  const literal = `type PRIMARY cannot take backup. if you really need to do this, rerun the backup command with --allow-primary`
  const refused = await shard.tabletctl('backup', primary.alias)
  t.equal(refused.code, 65)
  t.ok(refused.stderr.includes(literal), 'the message is the one that Vitess\'s users know')
  t.match(await post(primary, '/v1/backups'), { status: 412, body: { code: 'PRIMARY_NEEDS_ALLOW_PRIMARY' } })
  t.same(await listBackups(primary), [], 'there is no backup')
  t.equal(primary.pidOfMysqld(), pid, 'and mysqld was not stopped')
  await isPrimaryAgain(t, primary)
}

/** Under the same term: nobody named it again. */
async function isPrimaryAgain(t: Test, primary: TestTablet): Promise<void> {
  const seen = await primary.becomes('PRIMARY', { healthy: true })
  t.match(seen, { mysqld: { writable: true }, shardRecord: { record: { primary: primary.alias, term: 1 } } })
  t.equal((await primary.http('GET', '/primary')).status, 200)
}

async function startAnew(t: Test, primary: TestTablet): Promise<void> {
  const pid = primary.pidOfMysqld()
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    await primary.killDaemon(signal)
    await primary.startDaemon()
    await isPrimaryAgain(t, primary)
    t.equal(primary.pidOfMysqld(), pid, `the same mysqld after ${signal} of the daemon`)
  }
  if (pid !== undefined) process.kill(pid, 'SIGKILL')
  await primary.waitFor('mysqld was started again', async () => {
    const { mysqld } = await primary.snapshot()
    return mysqld.answers && mysqld.pid !== pid
  })
  await isPrimaryAgain(t, primary)
  t.equal(await primary.value(COUNT), 2, 'with every row')
}

async function goBack(t: Test, { shard, first }: { readonly shard: TestShard, readonly first: string }, server: TestServer): Promise<void> {
  const [old, replica] = [shard.tablet(0), shard.tablet(1)]
  // its lag counts from before the backup until it was seen to hold what the primary holds
  await replica.waitFor('it is known to have caught up', async () => (await replica.http('GET', '/replica?lag=2s')).status === 200)
  await shard.mustTabletctl('planned-reparent-shard', shard.name, replica.alias)
  await replica.becomes('PRIMARY', { healthy: true })
  await replica[Symbol.asyncDispose]()
  const time = first.split('.').slice(0, 2).join('.')
  const restore = ['restore-from-backup', `--backup-timestamp=${time}`, '--force', `--confirm=${old.alias}`, '--allow-last-replica', old.alias]
  await shard.mustTabletctl(...restore)
  await old.waitFor('its mysqld answers', async () => (await old.snapshot()).mysqld.answers)
  // MariaDB has no offline mode: closed to clients, it listens on a socket of its own
  const closed = server.name === 'mariadb' ? { socketPath: join(old.tabletDir, 'private.sock') } : {}
  t.same(await old.rows('select id from commerce.t', closed), [{ id: 1 }], 'it holds what that backup held')
  const seen = await old.snapshot()
  t.match(seen, { type: 'SPARE', mysqld: { writable: false }, data: { restoredFrom: first } }, 'and waits, read-only, for a primary')
}

leavesNothingBehind(t)
