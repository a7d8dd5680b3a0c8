/** Semi-sync on real servers: who is counted, what takes effect when, and a primary that waits for nobody. */
import t from 'tap'
import { attach } from '../../src/replication/attach.ts'
import {
  actOnSemiSync, decideSemiSync, semiSyncBlocker, semiSyncProblem, watchCommits, type CommitWaits,
} from '../../src/replication/semi-sync.ts'
import { leavesNothingBehind } from '../support/leftovers.ts'
import { forEachServer } from '../support/servers.ts'
import { waitFor } from '../support/wait-for.ts'
import { ctx } from './builders.ts'
import { follow, lookAtSource, startServer, type Server } from './rig.ts'

const PLUGINS = ['plugin-load-add=semisync_source.so', 'plugin-load-add=semisync_replica.so']
const LONG_TIMEOUT = { mysql: 'rpl_semi_sync_source_timeout', mariadb: 'rpl_semi_sync_master_timeout' } as const

async function settlePrimary({ mysqld }: Server): Promise<void> {
  const { semiSync } = await mysqld.observe(ctx)
  await actOnSemiSync(decideSemiSync({ setting: 'on', role: 'primary', acknowledges: false }, semiSync), { mysqld, replicates: false }, ctx)
}

forEachServer(t, 'the primary waits only once a replica acknowledges, then blocks visibly when the last one is gone', async (t, server) => {
  const cnf = server.name === 'mysql' ? PLUGINS : []
  await using primary = await startServer(server, cnf)
  await using replica = await startServer(server, cnf)
  t.equal(semiSyncProblem('on', (await primary.mysqld.observe(ctx)).semiSync), undefined)
  await primary.real.run(`SET GLOBAL ${LONG_TIMEOUT[server.name]}=3600000`)
  await settlePrimary(primary)
  await primary.real.run('CREATE DATABASE app; CREATE TABLE app.ledger (n INT)')   // would wait an hour
  t.equal((await primary.mysqld.observe(ctx)).semiSync.sourceEnabled, false, 'nobody acknowledges yet')

  await attach(follow(primary, { semiSync: { setting: 'on', acknowledges: true } }), { mysqld: replica.mysqld, lookAtSource }, ctx)
  await waitFor('the replica is counted while the primary does not wait yet', async () =>
    (await primary.mysqld.observe(ctx)).semiSync.acknowledgingReplicas === 1)
  await settlePrimary(primary)
  t.equal((await primary.mysqld.observe(ctx)).semiSync.sourceEnabled, true)
  await primary.real.run('INSERT INTO app.ledger VALUES (1)')
  await waitFor('the replica says that it acknowledges', async () => (await replica.mysqld.observe(ctx)).semiSync.replicaActive)

  await replica.real.kill('SIGKILL')
  const commit = primary.real.run('INSERT INTO app.ledger VALUES (2)').catch((error: unknown) => error)
  let waits: CommitWaits | undefined
  const blocked = await waitFor('the primary is seen to be blocked', async () => {
    const seen = await primary.mysqld.observe(ctx)
    const nowMs = performance.now()
    waits = watchCommits(waits, seen, nowMs)
    return semiSyncBlocker('primary', seen.semiSync, nowMs - (waits?.sinceMs ?? nowMs))
  }, { everyMs: 200 })
  t.match(blocked, { name: 'blocked-on-semi-sync', message: /^1 commit/ })
  const { semiSync } = await primary.mysqld.observe(ctx)
  t.same(decideSemiSync({ setting: 'on', role: 'primary', acknowledges: false }, semiSync), [], 'never off by itself')
  await primary.real.run(`SET GLOBAL ${server.name === 'mysql' ? 'rpl_semi_sync_source_enabled' : 'rpl_semi_sync_master_enabled'}=OFF`)
  await commit
})

forEachServer(t, 'a replica whose part changes acknowledges or stops acknowledging at once', async (t, server) => {
  const cnf = server.name === 'mysql' ? PLUGINS : []
  await using primary = await startServer(server, cnf)
  await using replica = await startServer(server, cnf)
  await attach(follow(primary), { mysqld: replica.mysqld, lookAtSource }, ctx)
  const counted = async (): Promise<number> => (await primary.mysqld.observe(ctx)).semiSync.acknowledgingReplicas
  t.equal(await counted(), 0)
  for (const acknowledges of [true, false]) {
    const { semiSync } = await replica.mysqld.observe(ctx)
    const steps = decideSemiSync({ setting: 'on', role: 'follower', acknowledges }, semiSync)
    t.equal(await actOnSemiSync(steps, { mysqld: replica.mysqld, replicates: true }, ctx), true)
    await waitFor(`${acknowledges ? 'one' : 'none'} is counted`, async () => await counted() === (acknowledges ? 1 : 0))
  }
  t.match(await replica.mysqld.replicationStatus(ctx), { sql: 'running' })
})

leavesNothingBehind(t)
