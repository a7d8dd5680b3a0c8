/**
 * Every metric by name: its kind, its labels, and the sentence that documents it. docs/metrics.md is generated from this.
 *
 * Names are API: they are added, never renamed, and never change their unit.
 */

export interface MetricRow {
  readonly kind: 'gauge' | 'counter' | 'histogram'
  readonly help: string
  readonly labels?: readonly string[]
}

const TABLET = {
  tabletd_info: { kind: 'gauge', labels: ['alias', 'keyspace', 'shard', 'version'], help: 'Always 1. Who this tablet is.' },
  tabletd_tablet_type: { kind: 'gauge', labels: ['type'], help: '1 for the type that is published, 0 for every other.' },
  tabletd_target_type: { kind: 'gauge', labels: ['type'], help: '1 for the type that is wanted: PRIMARY where the shard record names it, else its target type.' },
  tabletd_serving: { kind: 'gauge', help: '1 while /readyz answers 200.' },
  tabletd_blocker: { kind: 'gauge', labels: ['name'], help: '1 for each reason against serving, 0 for every other.' },
  tabletd_mysqld_up: { kind: 'gauge', help: '1 while mysqld answers.' },
  tabletd_mysqld_writable: { kind: 'gauge', help: '1 while mysqld accepts writes.' },
  tabletd_replication_lag_seconds: { kind: 'gauge', help: 'Seconds behind the primary; 0 on a primary.' },
  tabletd_replication_lag_limit_seconds: {
    kind: 'gauge', labels: ['limit'], help: 'What the settings say of lag: degraded (less weight), unhealthy (no reads).',
  },
} as const

const TOPOLOGY = {
  tabletd_shard_term: { kind: 'gauge', help: 'The term of the last shard record read.' },
  tabletd_topology_age_seconds: { kind: 'gauge', help: 'Time since the topology last answered; since the daemon began while it never has.' },
  tabletd_topology_read_seconds: { kind: 'histogram', help: 'How long the topology took to answer, failures included.' },
} as const

const BACKUPS = {
  tabletd_newest_backup_timestamp_seconds: { kind: 'gauge', help: 'When the shard\'s newest complete backup began.' },
  tabletd_newest_backup_age_seconds: { kind: 'gauge', help: 'Time since then.' },
  tabletd_newest_backup_bytes: { kind: 'gauge', labels: ['of'], help: 'Its size: of data, of stored.' },
  tabletd_newest_backup_duration_seconds: { kind: 'gauge', help: 'How long it took.' },
  tabletd_backups: { kind: 'gauge', help: 'Backups of the shard in storage, unfinished ones too.' },
  tabletd_backups_age_seconds: {
    kind: 'gauge', help: 'Time since the storage last told of the shard\'s backups (asked every 5 minutes); since the daemon began while it never has.',
  },
  tabletd_storage_errors_total: { kind: 'counter', labels: ['code'], help: 'Calls of the backup storage that failed for good, after every retry.' },
  tabletd_restore_info: {
    kind: 'gauge', labels: ['backup', 'position'], help: 'Always 1. The backup that the data come from, and its position; absent where there was none.',
  },
  tabletd_restored_backup_timestamp_seconds: { kind: 'gauge', help: 'When the backup that the data come from began.' },
} as const

const OPERATIONS = {
  tabletd_operation_running: { kind: 'gauge', labels: ['kind'], help: '1 while an operation runs.' },
  tabletd_operation_done_bytes: { kind: 'gauge', labels: ['kind'], help: 'Bytes done by the running operation.' },
  tabletd_last_operation_succeeded: { kind: 'gauge', labels: ['kind'], help: '1 if the last operation of this daemon that ended succeeded.' },
  tabletd_last_operation_end_timestamp_seconds: { kind: 'gauge', labels: ['kind'], help: 'When it ended.' },
  tabletd_last_operation_duration_seconds: { kind: 'gauge', labels: ['kind'], help: 'How long it took.' },
  tabletd_last_operation_out_of_service_seconds: { kind: 'gauge', labels: ['kind'], help: 'How long the tablet was out of service for it.' },
  tabletd_stage_bytes_total: { kind: 'counter', labels: ['stage'], help: 'Bytes that passed a stage of backups and restores.' },
  tabletd_stage_seconds_total: { kind: 'counter', labels: ['stage'], help: 'Seconds spent in a stage, summed over all that ran at the same time.' },
} as const

const DAEMON = {
  tabletd_snapshot_age_seconds: { kind: 'gauge', help: 'Time since the last look at this tablet.' },
  tabletd_control_loop_age_seconds: { kind: 'gauge', help: 'Time since the control loop last turned.' },
  tabletd_event_loop_delay_seconds: { kind: 'gauge', help: 'How late the event loop ran its last timer.' },
  tabletd_resident_memory_bytes: { kind: 'gauge', help: 'Resident memory of the daemon.' },
  tabletd_start_time_seconds: { kind: 'gauge', help: 'When the daemon began.' },
} as const

/** In the order of /metrics and of the document. */
export const METRIC_AREAS = [
  { title: 'The tablet', metrics: TABLET },
  { title: 'Topology', metrics: TOPOLOGY },
  { title: 'Backups and storage', metrics: BACKUPS },
  { title: 'Operations', metrics: OPERATIONS },
  { title: 'The daemon', metrics: DAEMON },
] as const satisfies readonly { readonly title: string, readonly metrics: Readonly<Record<string, MetricRow>> }[]

export const METRICS = { ...TABLET, ...TOPOLOGY, ...BACKUPS, ...OPERATIONS, ...DAEMON }
export type MetricName = keyof typeof METRICS
