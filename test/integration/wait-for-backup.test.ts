/** wait-for-backup-interval: tablets without data wait for a first backup, or for the word that there will be none. */
import t from 'tap'
import { readdirSync } from 'node:fs'
import { tableChecksums } from '../support/checksum.ts'
import { leavesNothingBehind } from '../support/leftovers.ts'
import { forEachServer } from '../support/servers.ts'
import { startShard } from '../support/shard.ts'
import type { TestTablet } from '../support/tablet.ts'

const DEADLINE_MS = 120_000
const HEALTHY = { healthy: true, deadlineMs: DEADLINE_MS }

forEachServer(t, 'tablets wait for a first backup', async (t, server) => {
  await using shard = await startShard({ server, tablets: 2, flags: ['--wait-for-backup-interval=1s'] })
  const [primary, replica] = [shard.tablet(0), shard.tablet(1)]

  await t.test('they wait without data, and say until when', async (t) => {
    for (const tablet of shard.tablets) {
      await looksAgain(tablet)
      t.strictSame(dataOf(tablet), [], 'no server was made')
      for (const [path, status] of [['/restore', 200], ['/healthz', 503], ['/spare', 503], ['/livez', 200]] as const) {
        t.equal((await tablet.http('GET', path)).status, status, path)
      }
    }
  })

  await t.test('init-shard-primary ends the wait: the named one starts empty, is SPARE, then PRIMARY; the other one starts empty too', async (t) => {
    await shard.initPrimary(primary)
    t.strictSame(changesOf(primary), ['restore', 'spare', 'primary'])
    t.equal((await primary.freshSnapshot()).data.origin, 'bootstrap')
    await primary.rows('create database commerce; create table commerce.t (id int primary key); insert into commerce.t values (1)')
    await replica.becomes('REPLICA', HEALTHY)
    t.equal(changesOf(replica).slice(0, 2).join(' '), 'restore spare')
    t.strictSame(await tableChecksums((sql) => replica.rows(sql)), await tableChecksums((sql) => primary.rows(sql)))
  })

  await t.test('one that comes later goes on waiting, also over a restart, and restores the backup that appears', async (t) => {
    const late = await shard.addTablet()
    await looksAgain(late)
    await late.killDaemon('SIGKILL')
    await late.startDaemon()
    await looksAgain(late)
    t.strictSame(dataOf(late), [], 'it did not start empty')
    const name = await shard.backup(replica)
    const seen = await late.becomes('REPLICA', HEALTHY)
    t.match(seen.data, { origin: 'restore', restoredFrom: name })
    await replica.becomes('REPLICA', HEALTHY)
    t.strictSame(await tableChecksums((sql) => late.rows(sql)), await tableChecksums((sql) => primary.rows(sql)))
  })
})

/** Waits until it has looked in vain twice more: each look gives the time of the next one. */
async function looksAgain(tablet: TestTablet): Promise<void> {
  const nextTries = new Set<string>()
  await tablet.waitFor('it waits for a backup and has looked three times', async () => {
    const { type, blockers } = await tablet.snapshot()
    const [waiting] = blockers.filter(({ name }) => name === 'waiting-for-backup')
    if (type !== 'RESTORE' || waiting?.code !== 'NO_BACKUP') throw new Error(`it is ${type}, blocked by ${blockers.map(({ name }) => name).join(', ')}`)
    if (waiting.nextTry !== undefined) nextTries.add(waiting.nextTry)
    return nextTries.size >= 3
  }, DEADLINE_MS)
}

/** Names in the data directory that are not tabletd's own. */
const dataOf = (tablet: TestTablet): readonly string[] => readdirSync(tablet.dataDir).filter((name) => !name.startsWith('.'))

/** The states it went through, from its log. */
const changesOf = (tablet: TestTablet): readonly unknown[] => tablet.log().flatMap((line) => line['event'] === undefined ? [] : [line['to']])

leavesNothingBehind(t)
