import t from 'tap'
import { Histogram } from '../../src/base/histogram.ts'
import { METRICS, type MetricName, type MetricRow } from '../../src/http/metric-table.ts'
import { samplesOf, type MetricFacts } from '../../src/http/metric-samples.ts'
import { metricsText } from '../../src/http/metrics.ts'
import { blocker } from '../../src/model/blocker.ts'
import type { TabletSnapshot } from '../../src/model/snapshot.ts'
import { BACKUP, FakeControl, operation, snapshot } from './fake-control.ts'

const NOW = Date.parse('2026-01-02T00:00:00Z')
const RECORD = {
  keyspace: 'commerce', shard: '0', primary: 'zone1-0000000101', term: 4, since: '2026-01-01T00:00:00Z',
} as unknown as NonNullable<TabletSnapshot['shardRecord']['record']>

function knownReads(): Histogram {
  const reads = new Histogram([0.01, 0.1, 1])
  for (const seconds of [0.005, 0.05, 0.5, 5]) reads.observe(seconds)
  return reads
}

const FACTS: MetricFacts = {
  topologyReadAtMs: NOW - 90_000, topologyReads: knownReads().totals(), storageErrors: { STORAGE_DENIED: 3 },
  backups: { seenAtMs: NOW - 60_000, count: 12, newest: BACKUP },
}

/** A tablet of which everything is known. */
function knowing(changes: Partial<TabletSnapshot> = {}): FakeControl {
  const control = new FakeControl()
  control.turnMs = NOW - 500
  control.snapshot = snapshot({
    observedAtMs: NOW - 1_500, lagSeconds: 7, lagLimits: { degradedSeconds: 30, unhealthySeconds: 7200 },
    shardRecord: { read: 'record', record: RECORD }, data: { restoredFrom: BACKUP.name, restoredPosition: 'MySQL56/' }, ...changes,
  })
  control.operations = [
    operation({ id: 'a', state: 'failed', startedAt: '2026-01-01T00:00:00Z', endedAt: '2026-01-01T00:01:00Z', outOfServiceSeconds: 42 }),
    operation({ id: 'b', state: 'running' }),
  ]
  return control
}

const scrape = async (control: FakeControl, facts: MetricFacts = FACTS): Promise<readonly string[]> =>
  (await metricsText(control, { loopDelayMs: () => 250, facts: () => facts }, NOW)).text.split('\n')

const NAME = /^(tabletd_\w+?)(?:_bucket|_sum|_count)?(?:\{(.*)\})? \S+$/

t.test('a scrape has every documented metric with its kind and its labels, and no other', async (t) => {
  const lines = await scrape(knowing())
  for (const [name, { kind, help, labels = [] }] of Object.entries<MetricRow>(METRICS)) {
    t.ok(lines.includes(`# TYPE ${name} ${kind}`), `${name} is a ${kind}`)
    t.ok(lines.includes(`# HELP ${name} ${help}`), `${name} says what it is`)
    const samples = lines.flatMap((line) => line.startsWith(name) && NAME.exec(line)?.[1] === name ? [NAME.exec(line)?.[2] ?? ''] : [])
    t.ok(samples.length > 0, `${name} has a sample`)
    for (const inside of samples) {
      const found = [...inside.matchAll(/(\w+)="/g)].map(([, label]) => label)
      t.same(found.filter((label) => label !== 'le').sort(), [...labels].sort(), `${name}{${inside}}`)
    }
  }
  const names = new Set(lines.flatMap((line) => line.startsWith('#') || line === '' ? [] : [NAME.exec(line)?.[1] ?? line]))
  t.same([...names].filter((name) => !Object.hasOwn(METRICS, name)), [])
})

const VALUES: readonly string[] = [
  'tabletd_tablet_type{type="REPLICA"} 1', 'tabletd_target_type{type="PRIMARY"} 1', 'tabletd_target_type{type="REPLICA"} 0', 'tabletd_serving 1',
  'tabletd_blocker{name="lag-too-high"} 0', 'tabletd_replication_lag_seconds 7', 'tabletd_replication_lag_limit_seconds{limit="unhealthy"} 7200',
  'tabletd_shard_term 4', 'tabletd_topology_age_seconds 90', 'tabletd_newest_backup_age_seconds 86400', 'tabletd_newest_backup_bytes{of="stored"} 4096',
  'tabletd_newest_backup_duration_seconds 60', 'tabletd_backups 12', 'tabletd_backups_age_seconds 60',
  'tabletd_storage_errors_total{code="STORAGE_DENIED"} 3', 'tabletd_storage_errors_total{code="STORAGE_UNREACHABLE"} 0',
  'tabletd_restored_backup_timestamp_seconds 1767225600', 'tabletd_last_operation_succeeded{kind="backup"} 0',
  'tabletd_last_operation_duration_seconds{kind="backup"} 60',
  'tabletd_last_operation_out_of_service_seconds{kind="backup"} 42', 'tabletd_operation_running{kind="backup"} 1', 'tabletd_stage_bytes_total{stage="read"} 7',
  'tabletd_event_loop_delay_seconds 0.25', 'tabletd_control_loop_age_seconds 0.5', 'tabletd_snapshot_age_seconds 1.5',
  'tabletd_topology_read_seconds_bucket{le="0.1"} 2', 'tabletd_topology_read_seconds_bucket{le="+Inf"} 4', 'tabletd_topology_read_seconds_count 4',
]

t.test('values are seconds, bytes, and 0 or 1', async (t) => {
  const lines = await scrape(knowing())
  for (const line of VALUES) t.ok(lines.includes(line), line)
})

t.test('what is unknown has no sample, and nothing is NaN', async (t) => {
  const control = new FakeControl()
  control.snapshot = undefined
  const lines = await scrape(control, {})
  t.notOk(lines.some((line) => /NaN|undefined/.test(line)))
  t.notOk(lines.some((line) => /^tabletd_(?:target|tablet)_type/.test(line)), 'of no type, and wanted as none')
  for (const name of ['replication_lag_seconds', 'newest_backup_age_seconds', 'mysqld_writable', 'topology_age_seconds', 'shard_term']) {
    t.notOk(lines.some((line) => line.startsWith(`tabletd_${name} `)), name)
  }
  for (const line of ['tabletd_serving 0', 'tabletd_blocker{name="starting"} 1']) t.ok(lines.includes(line), line)
})

t.test('a tablet without a newest backup still says how many there are, and when the storage was heard', async (t) => {
  const samples = samplesOf({
    nowMs: NOW, snapshot: undefined, lastTurnMs: NOW, loopDelayMs: 0, residentBytes: 1, operations: [], stages: {},
    backups: { seenAtMs: NOW - 5_000, count: 0 },
  })
  const { tabletd_backups: count, tabletd_backups_age_seconds: heard, tabletd_newest_backup_age_seconds: age } = samples
  t.same([count, heard, age], [[{ value: 0 }], [{ value: 5 }], []])
})

const WRITABLE = { running: true, answers: true, writable: true }
const SERVING: readonly (readonly [string, Partial<TabletSnapshot>, 0 | 1])[] = [
  ['a healthy replica', {}, 1],
  ['a replica with a blocker', { type: 'SPARE', blockers: [blocker('lag-unknown')] }, 0],
  ['a primary with a blocker for people', { type: 'PRIMARY', mysqld: WRITABLE, blockers: [blocker('no-database')] }, 1],
  ['a snapshot that is too old', { observedAtMs: NOW - 60_000 }, 0],
]

for (const [what, changes, value] of SERVING) {
  t.test(`tabletd_serving is ${value} for ${what}, as /readyz`, async (t) => {
    t.ok((await scrape(knowing(changes))).includes(`tabletd_serving ${value}`))
  })
}

t.test('labels that are hostile stay labels', async (t) => {
  const lines = await scrape(knowing({ data: { restoredFrom: 'a"} 1\nevil 2', restoredPosition: '\\' } }))
  t.notOk(lines.some((line) => line.startsWith('evil')))
  t.ok(lines.some((line) => line.startsWith('tabletd_restore_info{') && line.includes('\\n')))
})

t.test('a histogram counts each value under every bound that it fits', (t) => {
  const buckets = [{ atMost: 0.01, count: 1 }, { atMost: 0.1, count: 2 }, { atMost: 1, count: 3 }]
  t.same(knownReads().totals(), { buckets, count: 4, sum: 5.555 })
  t.end()
})

t.test('names end in their unit, and counters in _total', (t) => {
  for (const [name, { kind }] of Object.entries<MetricRow>(METRICS) as [MetricName, MetricRow][]) {
    t.equal(name.endsWith('_total'), kind === 'counter', name)
    if (/_(?:age|lag|delay|duration|timestamp|service)(?:_|$)/.test(name)) t.match(name, /_seconds$/)
  }
  t.end()
})
