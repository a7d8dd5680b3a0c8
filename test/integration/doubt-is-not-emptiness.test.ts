/** "No backup", "none complete" and "storage silent" are different answers, and only the first one starts a tablet empty. */
import t from 'tap'
import type { Test } from 'tap'
import { mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ErrorCode } from '../../src/base/error-catalogue.ts'
import { tableChecksums } from '../support/checksum.ts'
import { leavesNothingBehind } from '../support/leftovers.ts'
import { forEachServer } from '../support/servers.ts'
import { startShard } from '../support/shard.ts'
import type { TestTablet } from '../support/tablet.ts'

const DEADLINE_MS = 120_000
const HEALTHY = { healthy: true, deadlineMs: DEADLINE_MS }

forEachServer(t, 'a tablet may start empty, and does only when that is certain', async (t, server) => {
  await using shard = await startShard({ server, tablets: 0 })
  const { storage } = shard.place
  const unfinished = join(storage, 'commerce/0/2024-01-01.000000.zone1-0000000900')
  renameSync(storage, `${storage}.away`)
  const primary = await shard.addTablet()

  await t.test('a storage that is not there is waited for', async (t) => {
    await waitsWith(t, primary, 'STORAGE_UNREACHABLE')
  })

  await t.test('a backup without its MANIFEST keeps it waiting, as there ought to be data', async (t) => {
    mkdirSync(join(`${storage}.away`, 'commerce/0/2024-01-01.000000.zone1-0000000900'), { recursive: true })
    writeFileSync(join(`${storage}.away`, 'commerce/0/2024-01-01.000000.zone1-0000000900/0'), 'half a file')
    renameSync(`${storage}.away`, storage)
    await waitsWith(t, primary, 'NO_COMPLETE_BACKUP')
  })

  await t.test('a listing that succeeds and is empty starts it empty', async (t) => {
    rmSync(unfinished, { recursive: true })
    await primary.blockedBy('no-shard-primary')
    await shard.initPrimary(primary)
    await primary.rows('create database commerce; create table commerce.t (id int primary key); insert into commerce.t values (1)')
    t.strictSame((await primary.becomes('PRIMARY', HEALTHY)).blockers, [])
  })

  await t.test('empty beside a primary that purged its binary logs, it needs a backup, and says so again after a restart', async (t) => {
    await primary.rows('flush binary logs; insert into commerce.t values (2)')
    // MariaDB keeps a log, and says nothing, until its checkpoint has passed it
    await primary.waitFor('only the last log is left', async () => {
      const logs = await primary.rows('show binary logs')
      await primary.rows(`purge binary logs to '${String(logs.at(-1)?.['Log_name'])}'`)
      return logs.length === 1
    })
    const empty = await shard.addTablet()
    for (let start = 0; start < 2; start++) {
      const { type, blockers } = await empty.blockedBy('needs-backup')
      t.equal(type, 'SPARE')
      t.equal(blockers.find(({ name }) => name === 'needs-backup')?.code, 'NEEDS_BACKUP')
      t.equal((await empty.freshSnapshot()).replication, undefined, 'nothing was attached')
      if (start === 0) {
        await empty.killDaemon('SIGTERM')
        await empty.startDaemon()
      }
    }
  })

  await t.test('a backup that appears is restored by the empty one that needs it', async (t) => {
    const [, empty] = [shard.tablet(0), shard.tablet(1)]
    const name = await shard.backup(primary, '--allow-primary')
    await primary.becomes('PRIMARY', HEALTHY)
    const seen = await empty.becomes('REPLICA', HEALTHY)
    t.match(seen.data, { origin: 'restore', restoredFrom: name })
    t.strictSame(await tableChecksums((sql) => empty.rows(sql)), await tableChecksums((sql) => primary.rows(sql)))
  })

  await t.test('a new tablet waits for a storage that went away, and restores when it is back', async (t) => {
    renameSync(storage, `${storage}.away`)
    const late = await shard.addTablet()
    await waitsWith(t, late, 'STORAGE_UNREACHABLE')
    renameSync(`${storage}.away`, storage)
    await late.becomes('REPLICA', HEALTHY)
    t.strictSame(await tableChecksums((sql) => late.rows(sql)), await tableChecksums((sql) => primary.rows(sql)))
  })
})

/** In RESTORE with the code and the time of the next try, and nothing in the data directory. */
async function waitsWith(t: Test, tablet: TestTablet, code: ErrorCode): Promise<void> {
  const seen = await tablet.waitFor(`it waits with ${code}`, async () => {
    const { type, blockers } = await tablet.snapshot()
    const found = blockers.find((blocker) => blocker.code === code)
    if (type === 'RESTORE' && found !== undefined) return found
    throw new Error(`it is ${type}: ${blockers.map(({ name, message }) => `${name}: ${message}`).join('; ')}`)
  }, DEADLINE_MS)
  t.match(seen.nextTry, /^\d{4}-\d\d-\d\dT/, 'it says when it looks again')
  t.strictSame(readdirSync(tablet.dataDir).filter((name) => !name.startsWith('.')), [], 'no server was made')
  t.equal(tablet.pidOfMysqld(), undefined)
}

leavesNothingBehind(t)
