/** Metrics for Prometheus, filled from the snapshot at each scrape: nothing is counted here, so nothing can drift. */
import { BLOCKERS } from '../model/blocker.ts'
import type { Operation } from '../model/operation.ts'
import { STAGES, type StageTime, type StageTimes } from '../model/stage.ts'
import type { TabletSnapshot } from '../model/snapshot.ts'
import { TABLET_TYPES } from '../model/tablet.ts'
import { answerProbe, DEFAULT_PROBE_LIMITS } from './answer-probe.ts'
import type { TabletControl } from './control.ts'

interface Sample {
  readonly value: number
  readonly labels?: Readonly<Record<string, string>>
}

interface Gauge {
  readonly name: string
  readonly help: string
  readonly samples: readonly Sample[]
}

/** The text of one scrape. prom-client is loaded with the first one, to keep the start of the daemon short. */
export async function metricsText(
  control: TabletControl, nowMs: number,
): Promise<{ readonly text: string, readonly headers: Readonly<Record<string, string>> }> {
  const { Counter, Gauge: PromGauge, Registry } = await import('prom-client')
  const registry = new Registry()
  for (const { name, help, samples } of gaugesOf(control, nowMs)) {
    const labelNames = [...new Set(samples.flatMap(({ labels }) => Object.keys(labels ?? {})))]
    const gauge = new PromGauge({ name, help, labelNames, registers: [registry] })
    if (samples.length === 0) gauge.remove()
    for (const { value, labels } of samples) gauge.set({ ...labels }, value)
  }
  for (const { name, help, samples } of stageSums(control.stageTotals())) {
    const counter = new Counter({ name, help, labelNames: ['stage'], registers: [registry] })
    for (const { value, labels } of samples) counter.inc({ ...labels }, value)
  }
  return { text: await registry.metrics(), headers: { 'content-type': registry.contentType } }
}

/** A gauge whose value is unknown has no sample: absent is not 0. */
export function gaugesOf(control: Pick<TabletControl, 'latestSnapshot' | 'lastTurnMs' | 'listOperations'>, nowMs: number): readonly Gauge[] {
  const seen = control.latestSnapshot()
  return [
    one('tabletd_control_loop_age_seconds', 'Time since the control loop last turned.', (nowMs - control.lastTurnMs()) / 1000),
    one('tabletd_resident_memory_bytes', 'Resident memory of the daemon.', process.memoryUsage.rss()),
    ...seen === undefined ? [] : snapshotGauges(seen, { lastTurnMs: control.lastTurnMs(), nowMs }),
    ...operationGauges(control.listOperations()),
  ]
}

/** Sums of all operations; a stage that nothing has passed stands at 0. */
export function stageSums(totals: StageTimes): readonly Gauge[] {
  const samples = (value: (time: StageTime) => number): readonly Sample[] =>
    STAGES.map((stage) => ({ value: value(totals[stage] ?? { bytes: 0, seconds: 0 }), labels: { stage } }))
  return [
    { name: 'tabletd_stage_bytes_total', help: 'Bytes that passed a stage of backups and restores.', samples: samples(({ bytes }) => bytes) },
    {
      name: 'tabletd_stage_seconds_total', help: 'Seconds spent in a stage, summed over all that ran at the same time.',
      samples: samples(({ seconds }) => seconds),
    },
  ]
}

function snapshotGauges(seen: TabletSnapshot, times: { readonly lastTurnMs: number, readonly nowMs: number }): readonly Gauge[] {
  const { status } = answerProbe({ path: '/readyz', query: '' }, { ...times, snapshot: seen, loopDelayMs: 0, tags: {} }, DEFAULT_PROBE_LIMITS)
  const blocking = new Set<string>(seen.blockers.map(({ name }) => name))
  return [
    { name: 'tabletd_info', help: 'Who this tablet is.', samples: [{ value: 1, labels: { alias: seen.alias, keyspace: seen.keyspace, shard: seen.shard, version: seen.version } }] },
    {
      name: 'tabletd_tablet_type', help: '1 for the type that is published.',
      samples: TABLET_TYPES.map((type) => ({ value: Number(type === seen.type), labels: { type } })),
    },
    one('tabletd_serving', '1 while /readyz answers 200.', Number(status === 200)),
    {
      name: 'tabletd_blocker', help: '1 for each reason against serving.',
      samples: Object.keys(BLOCKERS).map((name) => ({ value: Number(blocking.has(name)), labels: { name } })),
    },
    one('tabletd_snapshot_age_seconds', 'Time since the last look at this tablet.', (times.nowMs - seen.observedAtMs) / 1000),
    one('tabletd_replication_lag_seconds', 'Seconds behind the primary; absent while unknown.', seen.lagSeconds),
    one('tabletd_mysqld_up', '1 while mysqld answers.', Number(seen.mysqld.answers)),
    one('tabletd_mysqld_writable', '1 while mysqld accepts writes; absent while unknown.', seen.mysqld.writable === undefined ? undefined : Number(seen.mysqld.writable)),
    one('tabletd_shard_term', 'The term of the last shard record read; absent while none was.', (seen.shardRecord.record ?? seen.shardRecord.cached)?.term),
  ]
}

function operationGauges(operations: readonly Operation[]): readonly Gauge[] {
  const running = operations.filter(({ state }) => state === 'running')
  const last = new Map<string, Operation>()
  for (const operation of operations) {
    const before = last.get(operation.kind)
    if (operation.endedAt === undefined) continue
    if (before?.endedAt === undefined || operation.endedAt >= before.endedAt) last.set(operation.kind, operation)
  }
  const ended = (value: (operation: Operation) => number | undefined): readonly Sample[] => [...last.values()].flatMap((operation) => {
    const known = value(operation)
    return known === undefined ? [] : [{ value: known, labels: { kind: operation.kind } }]
  })
  const seconds = (time: string | undefined): number => Date.parse(time ?? '') / 1000
  return [
    { name: 'tabletd_operation_running', help: '1 while an operation runs.', samples: (['backup', 'restore'] as const).map((kind) => ({ value: Number(running.some((one) => one.kind === kind)), labels: { kind } })) },
    { name: 'tabletd_operation_done_bytes', help: 'Bytes done by the running operation.', samples: running.map(({ kind, progress }) => ({ value: progress.doneBytes, labels: { kind } })) },
    { name: 'tabletd_last_operation_succeeded', help: '1 if the last operation that ended succeeded.', samples: ended(({ state }) => Number(state === 'succeeded')) },
    { name: 'tabletd_last_operation_end_timestamp_seconds', help: 'When it ended.', samples: ended(({ endedAt }) => seconds(endedAt)) },
    { name: 'tabletd_last_operation_duration_seconds', help: 'How long it took.', samples: ended(({ startedAt, endedAt }) => seconds(endedAt) - seconds(startedAt)) },
    { name: 'tabletd_last_operation_out_of_service_seconds', help: 'How long the tablet was out of service for it.', samples: ended(({ outOfServiceSeconds }) => outOfServiceSeconds) },
  ]
}

const one = (name: string, help: string, value: number | undefined): Gauge =>
  ({ name, help, samples: value === undefined || !Number.isFinite(value) ? [] : [{ value }] })
