/** Attaching on real servers: what is verified, and what is left when it is refused. */
import t from 'tap'
import { attach, followerFacts } from '../../src/replication/attach.ts'
import { decideRepair, type Repair, type RepairFacts } from '../../src/replication/decide-repair.ts'
import { doRepair } from '../../src/replication/repair.ts'
import { leavesNothingBehind } from '../support/leftovers.ts'
import { forEachServer } from '../support/servers.ts'
import { waitFor } from '../support/wait-for.ts'
import { ctx } from './builders.ts'
import { failingAt, follow, lookAtSource, startServer, type Server } from './rig.ts'

const rowsOf = async (server: Server): Promise<unknown[]> => (await server.real.rows('SELECT id FROM app.ledger ORDER BY id')).map(({ id }) => id)
/** What the keeper decides for `replica` now, having looked at `primary`. */
async function decideFor(replica: Server, primary: Server, more: Partial<RepairFacts> = {}): Promise<Repair> {
  const seen = await replica.mysqld.observe(ctx)
  return decideRepair({
    source: primary.source.address, ours: followerFacts(seen), replication: seen.replication, drained: false,
    stoppedByOperator: false, connectingForMs: 0, look: { kind: 'seen', facts: await lookAtSource(primary.source.address, ctx) }, ...more,
  })
}

/** Leaves the newest binary log; one that a replica just leaving still reads is kept by the server, so again. */
async function purgeLogs({ real }: Server): Promise<void> {
  await waitFor('one binary log is left', async () => {
    const logs = await real.rows('SHOW BINARY LOGS')
    await real.run(`PURGE BINARY LOGS TO '${String(logs.at(-1)?.['Log_name'])}'`)
    return logs.length === 1
  })
}

const LEDGER = 'CREATE DATABASE app; CREATE TABLE app.ledger (id INT PRIMARY KEY); INSERT INTO app.ledger VALUES (1)'

forEachServer(t, 'an empty server attaches to a whole history, read-only and really connected, and again after a crash at any step', async (t, server) => {
  await using primary = await startServer(server)
  await using replica = await startServer(server)
  await primary.real.run(LEDGER)
  const steps = { count: 0 }
  for (let n = 1; ; n++) {
    steps.count = n
    const deps = { mysqld: failingAt(n, replica.mysqld), lookAtSource }
    const outcome = await attach(follow(primary), deps, ctx).catch((error: unknown) => error)
    if (outcome === 'connected') break
    t.match(outcome, { message: /was lost/ }, `call ${n} was lost`)
    t.equal(await attach(follow(primary), { mysqld: replica.mysqld, lookAtSource }, ctx), 'connected', 'done again, it is connected')
  }
  t.ok(steps.count > 5, `${steps.count - 1} steps were lost in turn`)
  await primary.real.run('INSERT INTO app.ledger VALUES (2)')
  await waitFor('the row arrives', async () => (await rowsOf(replica)).length === 2)
  const facts = await replica.mysqld.observe(ctx)
  t.match(facts, { readOnly: true, superReadOnly: true, replication: { io: 'running', sql: 'running', source: primary.source.address, autoPosition: true } })
})

forEachServer(t, 'nothing is attached to a source that may not be followed, and nothing is changed', async (t, server) => {
  await using primary = await startServer(server)
  await using replica = await startServer(server)
  const refused = async (code: string, message: RegExp): Promise<void> => {
    await t.rejects(attach(follow(primary), { mysqld: replica.mysqld, lookAtSource }, ctx), { code, message })
    const facts = await replica.mysqld.observe(ctx)
    t.equal(facts.replication, undefined, `${code}: no channel was made`)
    t.equal(facts.readOnly, false, `${code}: read_only is as it was`)
  }
  await primary.real.run(LEDGER)
  await primary.mysqld.setReadOnly('on', ctx)
  await refused('SOURCE_UNVERIFIED', /read-only/)
  await primary.mysqld.setReadOnly('off', ctx)
  const itself = { code: server.name === 'mysql' ? 'SOURCE_UNVERIFIED' : 'SERVER_ID_CLASH' }
  await t.rejects(attach(follow(replica), { mysqld: replica.mysqld, lookAtSource }, ctx), itself, 'not to itself')
  await primary.real.run('FLUSH BINARY LOGS; INSERT INTO app.ledger VALUES (2); FLUSH BINARY LOGS')
  await purgeLogs(primary)
  await refused('NEEDS_BACKUP', /./)
  await replica.real.run('CREATE DATABASE errant')
  await refused('ERRANT_TRANSACTIONS', /never had/)
  await primary.real.kill('SIGKILL')
  await refused('SOURCE_UNVERIFIED', /./)
})

forEachServer(t, 'K3: a replica that gets an errant transaction is stopped', async (t, server) => {
  await using primary = await startServer(server)
  await using replica = await startServer(server)
  await primary.real.run(LEDGER)
  const deps = { mysqld: replica.mysqld, lookAtSource }
  await attach(follow(primary), deps, ctx)
  await waitFor('the row arrives', async () => (await rowsOf(replica)).length === 1)
  const decide = (): Promise<Repair> => decideFor(replica, primary)
  t.match(await decide(), { do: 'nothing' })
  await replica.mysqld.setReadOnly('off', ctx)
  await replica.real.run('INSERT INTO app.ledger VALUES (99)')
  const repair = await decide()
  t.match(repair, { do: 'stop', blocker: { name: 'errant-transactions' } })
  const { address: _address, ...account } = primary.source
  t.match(await doRepair(repair, { ...follow(primary), account }, deps, ctx), /errant|never had/)
  t.match(await replica.mysqld.replicationStatus(ctx), { io: 'stopped', sql: 'stopped' })
  t.match(await decide(), { do: 'wait', blocker: { name: 'errant-transactions' } }, 'and stays so')
})

forEachServer(t, 'replication stopped by hand is started, and purged logs call for a backup', async (t, server) => {
  await using primary = await startServer(server)
  await using replica = await startServer(server)
  await primary.real.run(LEDGER)
  const deps = { mysqld: replica.mysqld, lookAtSource }
  await attach(follow(primary), deps, ctx)
  await waitFor('the row arrives', async () => (await rowsOf(replica)).length === 1)
  await replica.mysqld.stopReplication(ctx)
  t.match(await decideFor(replica, primary), { do: 'start' })

  await primary.real.run('INSERT INTO app.ledger VALUES (2); FLUSH BINARY LOGS')
  await purgeLogs(primary)
  await replica.mysqld.startReplication(ctx)
  await waitFor('the receiver fails', async () => {
    const status = await replica.mysqld.replicationStatus(ctx)
    return status?.io === 'stopped' && status.ioErrorNumber !== 0
  }, { context: () => replica.real.errorLogTail() })
  t.match(await decideFor(replica, primary), { do: 'wait', blocker: { name: 'needs-backup', code: 'NEEDS_BACKUP' } })
})

forEachServer(t, 'a conflicting row stops replication with its error, which is shown and not skipped', async (t, server) => {
  await using primary = await startServer(server)
  await using replica = await startServer(server)
  await primary.real.run(LEDGER)
  await attach(follow(primary), { mysqld: replica.mysqld, lookAtSource }, ctx)
  await waitFor('the row arrives', async () => (await rowsOf(replica)).length === 1)
  await replica.mysqld.setReadOnly('off', ctx)
  await replica.real.run('SET SESSION sql_log_bin=0; INSERT INTO app.ledger VALUES (2)')
  await primary.real.run('INSERT INTO app.ledger VALUES (2)')
  await waitFor('the applier fails', async () => {
    const seen = await replica.mysqld.replicationStatus(ctx)
    return seen?.sqlErrorNumber === 1062 && seen.sql === 'stopped' && seen   // the error is there a moment before the stop
  })
  const repair = await decideFor(replica, primary)
  t.match(repair, { do: 'wait', blocker: { name: 'replication-error', code: 'REPLICATION_BROKEN', message: /1062/ } })
})

leavesNothingBehind(t)
