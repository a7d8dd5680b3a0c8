/** What a cancel undoes, and that a client that goes away undoes nothing. Scenario 8 of Vitess's own backup tests, its backup half. */
import t from 'tap'
import type { Test } from 'tap'
import { existsSync } from 'node:fs'
import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Operation } from '../../src/model/operation.ts'
import { beginToServe } from '../support/app.ts'
import { askForBackup, endOf, listBackups, post } from '../support/backups.ts'
import { leavesNothingBehind } from '../support/leftovers.ts'
import { forEachServer } from '../support/servers.ts'
import { startShard } from '../support/shard.ts'
import type { TestShard } from '../support/shard.ts'
import type { TestTablet } from '../support/tablet.ts'
import { startTabletctl } from '../support/tabletctl.ts'

forEachServer(t, 'a cancelled backup is undone, and a client that goes away changes nothing', async (t, server) => {
  // one file at a time, so that copying is not over before it can be cancelled
  await using shard = await startShard({ server, tablets: 2, flags: ['--concurrency=1'] })
  await beginToServe(shard)
  const replica = shard.tablet(1)
  await replica.becomes('REPLICA', { healthy: true })

  await t.test('cancelled while load balancers are told, mysqld is not even stopped', async (t) => {
    await replica.killDaemon('SIGTERM')
    await replica.startDaemon('--serving-state-grace-period=2m')
    await replica.becomes('REPLICA', { healthy: true })
    const pid = replica.pidOfMysqld()
    await cancelAt(t, shard, 'before stop')
    t.equal(replica.pidOfMysqld(), pid)
    await replica.killDaemon('SIGTERM')
    await replica.startDaemon()
    await replica.becomes('REPLICA', { healthy: true })
  })
  await t.test('cancelled while mysqld stops, its clean stop is awaited', (t) => cancelTheStop(t, shard))
  await t.test('cancelled while files are copied', (t) => cancelAt(t, shard, 'copying'))
  await t.test('a killed tabletctl changes nothing', (t) => hangUp(t, shard))
  await t.test('an operation that has ended is not cancelled', async (t) => {
    const location = await askForBackup(replica)
    const ended = await endOf(replica, location)
    t.equal(ended.state, 'succeeded')
    t.match(await post(replica, `${location}/cancel`), { status: 202, body: { state: 'succeeded' } })
    t.equal((await listBackups(replica)).length, 2)
    await isBack(t, replica)
  })
})

async function cancelTheStop(t: Test, shard: TestShard): Promise<void> {
  const replica = shard.tablet(1)
  const pid = replica.pidOfMysqld()
  const before = (await readFile(replica.place.errorLog, 'utf8')).length
  const said = async (): Promise<string> => (await readFile(replica.place.errorLog, 'utf8')).slice(before)
  await cancelAt(t, shard, 'stopping', () => replica.waitFor('mysqld shuts down', async () => /Received SHUTDOWN|Normal shutdown|initiated by/i.test(await said())))
  t.not(replica.pidOfMysqld(), pid, 'mysqld was stopped and started')
  t.match(await said(), /Shutdown complete/i, 'it ended its shutdown')
  t.notMatch(await said(), /crash recovery/i, 'and had nothing to recover')
}

async function cancelAt(t: Test, shard: TestShard, step: string, ready?: () => Promise<unknown>): Promise<void> {
  const replica = shard.tablet(1)
  const until = replica.logFromNow()
  const location = await askForBackup(replica)
  await until(`step ${step}`, (line) => line['step'] === step)
  await ready?.()
  const cancelled = await post(replica, `${location}/cancel`)
  t.equal(cancelled.status, 202)
  const ended = await endOf(replica, location)
  t.equal(await replica.value('select 1'), 1, 'it ends with a mysqld that answers')
  t.match(ended, { state: 'cancelled', error: { code: 'OPERATION_CANCELLED' } })
  // from the end of the work on: giving the tablet back is the loop's, and needs a mysqld that starts
  const gaveUp = replica.log().findLast((line) => line['step'] === 'starting')
  t.ok(gaveUp, 'the tablet was given back')
  const asked = Date.parse(String(replica.log().findLast((line) => line['step'] === step)?.['time']))
  const tookMs = Date.parse(String(gaveUp?.['time'])) - asked
  t.comment(`undone ${tookMs} ms after the step began`)
  if (step !== 'stopping') t.ok(tookMs < 10_000, 'within 10 s')
  await isBack(t, replica)
  t.same(await listBackups(replica), [], 'no backup is listed')
  t.same(await stored(shard), [], 'and nothing of one is left')
  t.notOk(existsSync(join(replica.tabletDir, 'journal.json')), 'the journal is closed')
}

async function hangUp(t: Test, shard: TestShard): Promise<void> {
  const replica = shard.tablet(1)
  const until = replica.logFromNow()
  const client = startTabletctl(shard, 'backup', replica.alias)
  await until('copying', (line) => line['step'] === 'copying')
  client.kill('SIGKILL')
  await client.ended
  const { operations } = (await replica.http('GET', '/v1/operations')).body as { readonly operations: readonly Operation[] }
  const ended = await endOf(replica, `/v1/operations/${operations.at(-1)?.id}`)
  t.match(ended, { state: 'succeeded' })
  t.match(await listBackups(replica), [{ name: ended.backup, status: 'complete' }], 'its backup is complete')
  await isBack(t, replica)
}

async function isBack(t: Test, replica: TestTablet): Promise<void> {
  const seen = await replica.becomes('REPLICA', { healthy: true })
  t.match(seen.replication, { io: 'running', sql: 'running' })
  t.equal(await replica.value('select @@global.read_only'), 1)
}

async function stored(shard: TestShard): Promise<readonly string[]> {
  const folder = join(shard.place.storage, shard.place.keyspace, shard.place.shard)
  return existsSync(folder) ? await readdir(folder, { recursive: true }) : []
}

leavesNothingBehind(t)
