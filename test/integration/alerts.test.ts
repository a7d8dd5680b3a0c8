/** The shipped alerts against what tablets in trouble really say at /metrics: promtool decides what fires. */
import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import mysql from 'mysql2/promise'
import t, { type Test } from 'tap'
import { parse, stringify } from 'yaml'
import { findPromtool } from '../../scripts/lib/load-balancer.mjs'
import { APP, beginToServe } from '../support/app.ts'
import { leavesNothingBehind } from '../support/leftovers.ts'
import { makeUnreadable } from '../support/mishaps.ts'
import { runProgram } from '../support/run-program.ts'
import { forEachServer } from '../support/servers.ts'
import { ROOT } from '../support/shard-place.ts'
import { startShard } from '../support/shard.ts'
import type { TestTablet } from '../support/tablet.ts'
import { tempDir } from '../support/temp-dir.ts'

const MOST_MS = 120_000
const DAY_MS = 86_400_000

interface Expected { readonly alert: string, readonly labels: Readonly<Record<string, string>> }
interface Rules { readonly groups: readonly { readonly rules: readonly { readonly alert: string, readonly annotations?: object }[] }[] }

/** A clock goes on while nothing answers: of these a later scrape would show so much more. */
const GROWS = /^tabletd_(?:topology|newest_backup|backups)_age_seconds$/

const scrape = async (tablet: TestTablet): Promise<string> => (await tablet.http('GET', '/metrics')).text
const valueOf = (text: string, series: string): number => Number(text.split('\n').find((line) => line.startsWith(`${series} `))?.split(' ')[1])

/** Of these tablets, were each scraped as now for half an hour, exactly the expected of `among` fire. */
async function fire(t: Test, tablets: readonly TestTablet[], expected: readonly Expected[], among: readonly string[]): Promise<void> {
  await using dir = await tempDir()
  const rules = parse(await readFile(join(ROOT, 'config/prometheus-alerts.yml'), 'utf8')) as Rules
  const bare = rules.groups.map((group) => ({ ...group, rules: group.rules.map(({ annotations: _words, ...rule }) => rule) }))
  const series = (await Promise.all(tablets.map(async (tablet) => seriesOf(await scrape(tablet), tablet.alias)))).flat()
  const checks = among.map((alertname) => ({
    alertname, eval_time: '30m', exp_alerts: expected.filter(({ alert }) => alert === alertname).map(({ labels }) => ({ exp_labels: labels })),
  }))
  await writeFile(join(dir.path, 'rules.yml'), stringify({ groups: bare }))
  await writeFile(join(dir.path, 'tests.yml'), stringify({
    rule_files: ['rules.yml'], evaluation_interval: '30s', tests: [{ interval: '15s', input_series: series, alert_rule_test: checks }],
  }))
  const { code, stdout, stderr } = await runProgram(findPromtool() ?? '', ['test', 'rules', 'tests.yml'], { cwd: dir.path })
  t.equal(code, 0, `${expected.map(({ alert }) => alert).join(', ') || 'nothing'} of ${among.length} fires\n${code === 0 ? '' : stdout + stderr}`)
}

function seriesOf(text: string, instance: string): readonly { readonly series: string, readonly values: string }[] {
  return text.split('\n').flatMap((line) => {
    const [, name = '', labels = '', value = ''] = /^(tabletd_\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? []
    if (name === '') return []
    const inside = [`job="tabletd"`, `instance="${instance}"`, ...labels === '' ? [] : [labels]].join(', ')
    return [{ series: `${name}{${inside}}`, values: GROWS.test(name) ? `${value}+15x200` : `${value}x200` }]
  })
}

const MAIN = ['TabletNotServing', 'ShardWithoutPrimary', 'ShardWithTwoWritableServers', 'ReplicationLag', 'BackupTooOld', 'BackupFailed',
  'TopologyStale', 'TabletdStuck', 'OperatorNeeded', 'ErrantTransactions'] as const

if (findPromtool() === undefined && process.env['CI'] === undefined) {
  t.test('alerts', { skip: 'promtool is not installed: run scripts/lib/install.mjs' }, () => undefined)
} else {
  forEachServer(t, 'tablets in trouble fire the alerts about it, and healthy ones none', async (t, server) => {
    await using shard = await startShard({ server, tablets: 2, flags: ['--degraded-threshold=1s', '--serving-state-grace-period=2s'] })
    await beginToServe(shard, MOST_MS)
    const [primary, replica] = [shard.tablet(0), shard.tablet(1)]
    const both = [primary, replica]
    const about = (tablet: TestTablet) => ({ job: 'tabletd', instance: tablet.alias, severity: 'warning' })
    const reaches = (tablet: TestTablet, series: string, is: (value: number) => boolean): Promise<true> =>
      tablet.waitFor(`${series} gets its value`, async () => {
        const value = valueOf(await scrape(tablet), series)
        if (!is(value)) throw new Error(`it is ${value}`)
        return true as const
      }, MOST_MS)

    await t.test('healthy tablets fire none', async (t) => {
      for (const tablet of both) await reaches(tablet, 'tabletd_backups_age_seconds', (age) => age >= 0)
      await reaches(replica, 'tabletd_replication_lag_seconds', (lag) => lag <= 1)
      await fire(t, both, [], MAIN.filter((alert) => alert !== 'TopologyStale'))   // its clock would not run on
    })

    await t.test('a replica whose applier is held fires ReplicationLag', async (t) => {
      await primary.rows(`create table ${APP.schema}.held (id int primary key)`)
      await replica.waitFor('the table is there', () => replica.value(`select count(*) from ${APP.schema}.held`).then(() => true), MOST_MS)
      const holder = await mysql.createConnection({ socketPath: replica.place.socket, user: APP.user, password: APP.password })
      holder.on('error', () => undefined)
      await holder.query(`lock tables ${APP.schema}.held read`)
      await primary.rows(`insert into ${APP.schema}.held values (1)`)
      await reaches(replica, 'tabletd_replication_lag_seconds', (lag) => lag > 2)
      await fire(t, both, [{ alert: 'ReplicationLag', labels: about(replica) }], ['ReplicationLag', 'TabletNotServing'])
      await holder.end().catch(() => undefined)
      await reaches(replica, 'tabletd_replication_lag_seconds', (lag) => lag <= 1)
    })

    await t.test('a backup that is days old, and one that failed, fire BackupTooOld and BackupFailed', async (t) => {
      const name = await shard.backup(replica)
      const folder = join(shard.place.storage, shard.place.keyspace, shard.place.shard)
      const old = new Date(Date.now() - 3 * DAY_MS).toISOString().replace(/T(..):(..):(..).*/, '.$1$2$3')
      await rename(join(folder, name), join(folder, name.replace(/^\d{4}-\d\d-\d\d\.\d{6}/, old)))
      await replica.becomes('REPLICA', { healthy: true, deadlineMs: MOST_MS })
      t.equal((await replica.admin('POST', '/v1/backups', {})).status, 202)
      await replica.becomes('BACKUP')
      await replica.killDaemon('SIGKILL')
      await replica.startDaemon()
      await primary.killDaemon('SIGTERM')   // a daemon looks for backups when it begins
      await primary.startDaemon()
      for (const tablet of both) await reaches(tablet, 'tabletd_newest_backup_age_seconds', (age) => age > 2 * DAY_MS / 1000)
      await reaches(replica, 'tabletd_last_operation_succeeded{kind="backup"}', (value) => value === 0)
      await replica.becomes('REPLICA', { healthy: true, deadlineMs: MOST_MS })
      await primary.becomes('PRIMARY', { healthy: true, deadlineMs: MOST_MS })
      const old1 = { alert: 'BackupTooOld', labels: { keyspace: shard.place.keyspace, shard: shard.place.shard, severity: 'warning' } }
      const failed = { alert: 'BackupFailed', labels: { ...about(replica), kind: 'backup' } }
      await fire(t, both, [old1, failed], MAIN.filter((alert) => alert !== 'TopologyStale'))
    })

    await t.test('a replica whose replication an operator stopped fires TabletNotServing', async (t) => {
      await replica.rows(server.name === 'mysql' ? 'stop replica' : 'stop slave')
      await reaches(replica, 'tabletd_serving', (value) => value === 0)
      await fire(t, both, [{ alert: 'TabletNotServing', labels: about(replica) }], ['TabletNotServing', 'ShardWithoutPrimary', 'TabletdStuck'])
    })

    await t.test('a topology that cannot be read fires TopologyStale on every tablet, and takes no primary out', async (t) => {
      const putBack = makeUnreadable(shard.place.topology)
      for (const tablet of both) await reaches(tablet, 'tabletd_topology_age_seconds', (age) => age > 3)
      await fire(t, both, both.map((tablet) => ({ alert: 'TopologyStale', labels: about(tablet) })), ['TopologyStale', 'ShardWithoutPrimary'])
      putBack()
      await reaches(primary, 'tabletd_topology_age_seconds', (age) => age < 3)
    })

    await t.test('a primary whose mysqld is gone fires ShardWithoutPrimary', async (t) => {
      const pid = primary.pidOfMysqld()
      if (pid === undefined) throw new Error('its mysqld does not run')
      process.kill(pid, 'SIGSTOP')
      await reaches(primary, 'tabletd_serving', (value) => value === 0)
      const labels = { keyspace: shard.place.keyspace, shard: shard.place.shard, severity: 'critical' }
      await fire(t, both, [{ alert: 'ShardWithoutPrimary', labels }], ['ShardWithoutPrimary', 'TabletdStuck'])
      process.kill(pid, 'SIGCONT')
    })
  }, { server: 'mariadb', why: 'the metrics are made above the dialects, and the rules see nothing else' })

  leavesNothingBehind(t)
}
