/** A wrong password is no reason to end: the daemon says so, harms nothing, and goes on when the file is corrected. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { startDonor } from '../support/donor.ts'
import { leavesNothingBehind } from '../support/leftovers.ts'
import { forEachServer } from '../support/servers.ts'
import { DBA, REPL } from '../support/shard-place.ts'

forEachServer(t, 'with a wrong password the daemon stays up, names the code, and recovers without a restart', async (t, server) => {
  await using shard = await startDonor(server, { tablets: 2 })
  const replica = shard.tablet(1)
  const own = (name: string): string => join(shard.place.dir, name)
  const write = (name: string, text: string): void => { writeFileSync(own(name), `${text}\n`, { mode: 0o600 }) }
  await replica.becomes('REPLICA', { healthy: true })
  const pid = replica.pidOfMysqld()
  await replica.killDaemon('SIGTERM')

  write('own-dba', 'not it')
  write('own-repl', REPL.password)
  await replica.startDaemon(`--db-dba-password-file=${own('own-dba')}`, `--db-repl-password-file=${own('own-repl')}`)
  const seen = await replica.waitFor('the code is a blocker', async () => {
    const snapshot = await replica.snapshot()
    return snapshot.blockers.some(({ code }) => code === 'MYSQLD_ACCESS_DENIED') ? snapshot : undefined
  })
  t.match(seen, { type: 'SPARE', mysqld: { running: true, answers: false }, blockers: [{ name: 'mysqld-silent', message: /Access denied/i }] })
  const probe = await replica.http('GET', '/healthz')
  t.match(probe, { status: 503, body: { blockers: [{ code: 'MYSQLD_ACCESS_DENIED' }] } })
  t.equal((await replica.http('GET', '/livez')).status, 200, 'the daemon itself is well')
  t.equal(replica.pidOfMysqld(), pid, 'mysqld was left alone')
  t.notMatch(replica.log().map((line) => JSON.stringify(line)).join('\n'), /not it/, 'the password is in no line of the log')

  write('own-dba', DBA.password)
  await replica.becomes('REPLICA', { healthy: true, deadlineMs: 120_000 })
  t.equal(replica.pidOfMysqld(), pid)

  await t.test('a file that cannot be read now takes nothing away', async (t) => {
    writeFileSync(own('own-dba'), '')
    await replica.untilLog('it noticed', ({ msg }) => msg?.includes('the passwords read before stay in use') === true)
    t.equal((await replica.http('GET', '/replica')).status, 200)
  })
})

leavesNothingBehind(t)
