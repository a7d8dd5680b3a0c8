/** The values of one scrape, from what is known already. Pure. A value that is unknown has no sample: absent is not 0. */
import { ERRORS } from '../base/error-catalogue.ts'
import type { HistogramTotals } from '../base/histogram.ts'
import { BLOCKERS } from '../model/blocker.ts'
import type { ListedBackup } from '../model/listed-backup.ts'
import { parseBackupName } from '../model/backup-name.ts'
import type { Operation } from '../model/operation.ts'
import { STAGES, type StageTime, type StageTimes } from '../model/stage.ts'
import type { TabletSnapshot } from '../model/snapshot.ts'
import { TABLET_TYPES } from '../model/tablet.ts'
import { answerProbe, DEFAULT_PROBE_LIMITS } from './answer-probe.ts'
import type { METRICS, MetricName } from './metric-table.ts'

export interface Sample {
  readonly value: number
  readonly labels?: Readonly<Record<string, string>>
}

/** What the daemon knows beside its snapshot. */
export interface MetricFacts {
  /** When the topology last answered, or the daemon began. Milliseconds since the epoch, as everywhere here. */
  readonly topologyReadAtMs?: number
  readonly topologyReads?: HistogramTotals
  /** Absent without a backup storage. */
  readonly backups?: BackupsSeen
  /** Failed calls by code. */
  readonly storageErrors?: Readonly<Record<string, number>>
}

export interface BackupsSeen {
  /** When the storage last told, or the daemon began. */
  readonly seenAtMs: number
  /** Absent while it never has. */
  readonly count?: number
  /** The newest complete one. */
  readonly newest?: ListedBackup
}

export interface ScrapeFacts extends MetricFacts {
  readonly nowMs: number
  readonly snapshot: TabletSnapshot | undefined
  readonly lastTurnMs: number
  readonly loopDelayMs: number
  readonly residentBytes: number
  readonly operations: readonly Operation[]
  readonly stages: StageTimes
}

type HistogramName = { [N in MetricName]: (typeof METRICS)[N]['kind'] extends 'histogram' ? N : never }[MetricName]
export type Samples = Readonly<Record<Exclude<MetricName, HistogramName>, readonly Sample[]>>

/** Every code from the beginning: the first failure is an increase only of a counter that stood at 0. */
const NO_STORAGE_ERRORS = Object.fromEntries(Object.keys(ERRORS).filter((code) => code.startsWith('STORAGE_')).map((code) => [code, 0]))

/** Every metric but the histograms. */
export function samplesOf(facts: ScrapeFacts): Samples {
  const { nowMs, snapshot } = facts
  const since = (ms: number | undefined): readonly Sample[] => one(ms === undefined ? undefined : (nowMs - ms) / 1000)
  return {
    ...tabletSamples(snapshot, facts),
    ...backupSamples(facts.backups, nowMs),
    ...operationSamples(facts.operations),
    tabletd_topology_age_seconds: since(facts.topologyReadAtMs),
    tabletd_storage_errors_total: Object.entries({ ...NO_STORAGE_ERRORS, ...facts.storageErrors })
      .map(([code, value]) => ({ value, labels: { code } })),
    tabletd_stage_bytes_total: stageSamples(facts.stages, ({ bytes }) => bytes),
    tabletd_stage_seconds_total: stageSamples(facts.stages, ({ seconds }) => seconds),
    tabletd_snapshot_age_seconds: since(snapshot?.observedAtMs),
    tabletd_control_loop_age_seconds: since(facts.lastTurnMs),
    tabletd_event_loop_delay_seconds: one(facts.loopDelayMs / 1000),
    tabletd_resident_memory_bytes: one(facts.residentBytes),
    tabletd_start_time_seconds: one(secondsOf(snapshot?.startedAt)),
  }
}

function tabletSamples(seen: TabletSnapshot | undefined, { lastTurnMs, nowMs }: ScrapeFacts) {
  const probe = answerProbe({ path: '/readyz', query: '' }, { snapshot: seen, lastTurnMs, nowMs, loopDelayMs: 0, tags: {} }, DEFAULT_PROBE_LIMITS)
  const blocking = new Set<string>(seen === undefined ? ['starting'] : seen.blockers.map(({ name }) => name))
  const record = seen?.shardRecord.record ?? seen?.shardRecord.cached
  const wanted = seen !== undefined && record?.primary === seen.alias ? 'PRIMARY' : seen?.targetType
  const restored = seen?.data.restoredFrom
  const restoredMs = restored === undefined ? undefined : parseBackupName(restored)?.timeMs
  return {
    tabletd_info: seen === undefined ? []
      : [{ value: 1, labels: { alias: seen.alias, keyspace: seen.keyspace, shard: seen.shard, version: seen.version } }],
    tabletd_tablet_type: typeSamples(seen?.type),
    tabletd_target_type: typeSamples(wanted),
    tabletd_serving: one(Number(probe.status === 200)),
    tabletd_blocker: Object.keys(BLOCKERS).map((name) => ({ value: Number(blocking.has(name)), labels: { name } })),
    tabletd_mysqld_up: one(truth(seen?.mysqld.answers)),
    tabletd_mysqld_writable: one(truth(seen?.mysqld.writable)),
    tabletd_replication_lag_seconds: one(seen?.lagSeconds),
    tabletd_replication_lag_limit_seconds: seen?.lagLimits === undefined ? [] : [
      { value: seen.lagLimits.degradedSeconds, labels: { limit: 'degraded' } },
      { value: seen.lagLimits.unhealthySeconds, labels: { limit: 'unhealthy' } },
    ],
    tabletd_shard_term: one(record?.term),
    tabletd_restore_info: restored === undefined ? [] : [{ value: 1, labels: { backup: restored, position: seen?.data.restoredPosition ?? '' } }],
    tabletd_restored_backup_timestamp_seconds: one(restoredMs === undefined ? undefined : restoredMs / 1000),
  }
}

function backupSamples(seen: BackupsSeen | undefined, nowMs: number) {
  const newest = seen?.newest
  const begun = secondsOf(newest?.time)
  return {
    tabletd_newest_backup_timestamp_seconds: one(begun),
    tabletd_newest_backup_age_seconds: one(begun === undefined ? undefined : nowMs / 1000 - begun),
    tabletd_newest_backup_bytes: [...labelled(newest?.bytes, { of: 'data' }), ...labelled(newest?.storedBytes, { of: 'stored' })],
    tabletd_newest_backup_duration_seconds: one(between(newest?.time, newest?.finishedTime)),
    tabletd_backups: one(seen?.count),
    tabletd_backups_age_seconds: one(seen === undefined ? undefined : (nowMs - seen.seenAtMs) / 1000),
  }
}

const KINDS = ['backup', 'restore'] as const

function operationSamples(operations: readonly Operation[]) {
  const running = operations.filter(({ state }) => state === 'running')
  const last = KINDS.flatMap((kind) => {
    const ended = operations.filter((one) => one.kind === kind && one.endedAt !== undefined)
    return ended.length === 0 ? [] : [ended.reduce((before, one) => (one.endedAt ?? '') >= (before.endedAt ?? '') ? one : before)]
  })
  const ended = (value: (operation: Operation) => number | undefined): readonly Sample[] =>
    last.flatMap((operation) => labelled(value(operation), { kind: operation.kind }))
  return {
    tabletd_operation_running: KINDS.map((kind) => ({ value: Number(running.some((one) => one.kind === kind)), labels: { kind } })),
    tabletd_operation_done_bytes: running.map(({ kind, progress }) => ({ value: progress.doneBytes, labels: { kind } })),
    tabletd_last_operation_succeeded: ended(({ state }) => Number(state === 'succeeded')),
    tabletd_last_operation_end_timestamp_seconds: ended(({ endedAt }) => secondsOf(endedAt)),
    tabletd_last_operation_duration_seconds: ended(({ startedAt, endedAt }) => between(startedAt, endedAt)),
    tabletd_last_operation_out_of_service_seconds: ended(({ outOfServiceSeconds }) => outOfServiceSeconds),
  }
}

/** A stage that nothing has passed stands at 0: a counter has to begin somewhere. */
const stageSamples = (totals: StageTimes, value: (time: StageTime) => number): readonly Sample[] =>
  STAGES.map((stage) => ({ value: value(totals[stage] ?? { bytes: 0, seconds: 0 }), labels: { stage } }))

const typeSamples = (type: string | undefined): readonly Sample[] =>
  type === undefined ? [] : TABLET_TYPES.map((each) => ({ value: Number(each === type), labels: { type: each } }))

const truth = (value: boolean | undefined): number | undefined => value === undefined ? undefined : Number(value)

/** Of an RFC 3339 time; undefined for what is none. */
function secondsOf(time: string | undefined): number | undefined {
  const ms = Date.parse(time ?? '')
  return Number.isNaN(ms) ? undefined : ms / 1000
}

const between = (from: string | undefined, to: string | undefined): number =>
  (secondsOf(to) ?? Number.NaN) - (secondsOf(from) ?? Number.NaN)

const one = (value: number | undefined): readonly Sample[] => labelled(value, undefined)

const labelled = (value: number | undefined, labels: Sample['labels']): readonly Sample[] =>
  value === undefined || !Number.isFinite(value) ? [] : [{ value, ...labels === undefined ? {} : { labels } }]
