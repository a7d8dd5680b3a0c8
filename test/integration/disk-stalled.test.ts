/** A disk that hangs takes a tablet out of service, also a primary: its server answers, and no commit would end. */
import { spawnSync } from 'node:child_process'
import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { PROBE_FILE } from '../../src/health/disk-watch.ts'
import { leavesNothingBehind } from '../support/leftovers.ts'
import { forEachServer } from '../support/servers.ts'
import { startShard } from '../support/shard.ts'

forEachServer(t, 'a primary whose disk hangs does not serve until the disk writes again', async (t, server) => {
  await using shard = await startShard({ server, tablets: 1, flags: ['--disk-write-interval=100ms', '--disk-write-timeout=5s'] })
  const primary = shard.tablet(0)
  await shard.initPrimary(primary)
  await primary.becomes('PRIMARY', { healthy: true })

  // a pipe hangs whoever opens it for writing, until somebody reads: the probe cannot tell it from a disk
  const pipe = join(primary.dataDir, PROBE_FILE)
  await primary.waitFor('no probe is under way', () => spawnSync('mkfifo', [pipe]).status === 0)
  const answer = await primary.waitFor('it does not serve', async () => {
    const seen = await primary.http('GET', '/primary')
    return seen.status === 503 ? seen : undefined
  })
  t.match(answer.body, { blockers: [{ name: 'disk-stalled', message: /\/data has not ended for \d+ s, more than disk-write-timeout 5s/ }] })
  t.equal((await primary.http('GET', '/livez')).status, 200, 'nobody is to kill it')
  t.equal((await primary.snapshot()).type, 'PRIMARY', 'and the record decides who is primary')

  const reader = await open(pipe, constants.O_RDONLY | constants.O_NONBLOCK)
  await primary.becomes('PRIMARY', { healthy: true })
  await reader.close()
  t.equal((await primary.http('GET', '/primary')).status, 200)
})

leavesNothingBehind(t)
