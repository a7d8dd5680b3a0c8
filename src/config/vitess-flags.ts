/**
 * Flags of vttablet that tabletd has no part in, so that the command lines in Vitess's documents work as written.
 *
 * Owns      which are accepted with one warning that names them, and which are refused because ignoring them
 *           would do something else than was asked: a restore to a point in time must not become a plain one.
 * Source    vttablet's own `--help` of versions 14 to 24; spelled with dashes here, taken with underscores too.
 */

/** Taken with a value. */
const WITH_VALUE = new Set(`
app-idle-timeout app-pool-size
backup-storage-block-size
backup-storage-hook backup-storage-number-blocks binlog-host binlog-player-grpc-ca binlog-player-grpc-cert
binlog-player-grpc-crl binlog-player-grpc-key binlog-player-grpc-server-name binlog-player-protocol binlog-port
binlog-ssl-ca binlog-ssl-cert binlog-ssl-key binlog-ssl-server-name binlog-user builtinbackup-file-chunk-size
builtinbackup-file-chunk-threshold builtinbackup-file-read-buffer-size builtinbackup-file-write-buffer-size
builtinbackup-incremental-restore-path cell clone-restart-wait-timeout config-file
config-file-not-found-handling config-name config-path config-persistence-min-interval config-type
consolidator-query-waiter-cap consolidator-stream-query-size consolidator-stream-total-size consul-auth-static-file
cpu-profile datadog-agent-host datadog-agent-port db-allprivs-user db-app-user db-appdebug-user db-charset
db-connect-timeout-ms db-credentials-file db-credentials-server db-credentials-vault-addr db-credentials-vault-path
db-credentials-vault-role-mountpoint db-credentials-vault-role-secretidfile db-credentials-vault-roleid
db-credentials-vault-timeout db-credentials-vault-tls-ca db-credentials-vault-tokenfile db-credentials-vault-ttl
db-erepl-user db-filtered-user db-flags db-flavor db-host db-port db-server-name db-ssl-ca db-ssl-ca-path
db-ssl-cert db-ssl-key db-tls-min-version dba-idle-timeout dba-pool-size
external-compressor-extension
filecustomrules gc-check-interval gc-purge-check-interval
gh-ost-path grpc-auth-mode grpc-auth-mtls-allowed-substrings grpc-auth-static-client-creds
grpc-auth-static-password-file grpc-bind-address grpc-ca grpc-cert grpc-compression grpc-crl
grpc-dial-concurrency-limit grpc-initial-conn-window-size grpc-initial-window-size grpc-keepalive-time
grpc-keepalive-timeout grpc-key grpc-max-connection-age grpc-max-connection-age-grace grpc-max-message-size
grpc-port grpc-server-ca grpc-server-initial-conn-window-size grpc-server-initial-window-size
grpc-server-keepalive-enforcement-policy-min-time heartbeat-on-demand-duration
hot-row-protection-concurrent-transactions hot-row-protection-max-global-queue-size
hot-row-protection-max-queue-size init-timeout jaeger-agent-host keep-logs keep-logs-by-mtime lock-tables-timeout
lock-timeout log-backtrace-at log-dir log-format log-queries-to-file log-rotate-max-size
max-concurrent-online-ddl mem-profile-rate migration-check-interval
mutex-profile-fraction mycnf-bin-log-path mycnf-data-dir mycnf-error-log-path mycnf-general-log-path
mycnf-innodb-data-home-dir mycnf-innodb-log-group-home-dir mycnf-master-info-file mycnf-mysql-port mycnf-pid-file
mycnf-relay-log-index-path mycnf-relay-log-info-path mycnf-relay-log-path mycnf-secure-file-priv mycnf-server-id
mycnf-slow-log-path mycnf-socket-file mycnf-tmp-dir mysql-server-flush-delay mysql-server-version
mysql-shell-backup-location mysql-shell-dump-flags mysql-shell-flags mysql-shell-load-flags mysqlctl-client-protocol
mysqlctl-mycnf-template mysqlctl-socket onclose-timeout opentsdb-uri orc-api-url orc-api-user orc-discover-interval
orc-timeout pid-file pitr-gtid-lookup-timeout pool-hostname-resolve-interval pprof pt-osc-path
publish-retry-interval purge-logs-interval query-log-stream-handler query-throttler-config-refresh-interval
querylog-filter-tag querylog-format querylog-mode querylog-row-threshold querylog-sample-rate
querylog-time-threshold queryserver-config-acl-exempt-acl queryserver-config-idle-timeout
queryserver-config-max-result-size queryserver-config-message-postpone-cap
queryserver-config-olap-transaction-timeout queryserver-config-pool-conn-max-lifetime
queryserver-config-pool-max-idle-count queryserver-config-pool-prefill-parallelism queryserver-config-pool-size
queryserver-config-query-cache-memory queryserver-config-query-cache-size queryserver-config-query-pool-timeout
queryserver-config-query-pool-waiter-cap queryserver-config-query-timeout
queryserver-config-schema-change-signal-interval queryserver-config-schema-reload-time
queryserver-config-stream-buffer-size queryserver-config-stream-pool-idle-timeout
queryserver-config-stream-pool-max-idle-count queryserver-config-stream-pool-prefill-parallelism
queryserver-config-stream-pool-size queryserver-config-stream-pool-timeout queryserver-config-stream-pool-waiter-cap
queryserver-config-transaction-cap queryserver-config-transaction-prefill-parallelism
queryserver-config-transaction-timeout queryserver-config-truncate-error-len
queryserver-config-txpool-max-idle-count queryserver-config-txpool-timeout queryserver-config-txpool-waiter-cap
queryserver-config-warn-result-size relay-log-max-items relay-log-max-size remote-operation-timeout
retain-online-ddl-tables
s3-backup-log-level
schema-change-reload-timeout schema-version-max-age-seconds security-policy
semi-sync-monitor-interval service-map shard-sync-retry-delay shutdown-grace-period sql-max-length-errors
sql-max-length-ui srv-topo-cache-refresh srv-topo-cache-ttl srv-topo-timeout stats-backend stats-combine-dimensions
stats-common-tags stats-drop-variables stats-emit-period statsd-address statsd-sample-rate stderrthreshold
stream-health-buffer-size table-acl-config table-acl-config-mode table-acl-config-reload-interval table-gc-lifecycle
tablet-config tablet-filter-tags tablet-grpc-ca tablet-grpc-cert tablet-grpc-crl tablet-grpc-key
tablet-grpc-server-name tablet-health-keep-alive tablet-manager-grpc-ca tablet-manager-grpc-cert
tablet-manager-grpc-concurrency tablet-manager-grpc-connpool-size tablet-manager-grpc-crl tablet-manager-grpc-key
tablet-manager-grpc-server-name tablet-manager-protocol tablet-protocol throttle-metrics-query
throttle-metrics-threshold throttle-tablet-types throttle-threshold topo-consul-idle-conn-timeout
topo-consul-lock-delay topo-consul-lock-session-checks topo-consul-lock-session-ttl topo-consul-max-conns-per-host
topo-consul-max-idle-conns topo-consul-watch-poll-duration topo-etcd-lease-ttl topo-etcd-tls-ca topo-etcd-tls-cert
topo-etcd-tls-key topo-global-server-address topo-k8s-context topo-k8s-kubeconfig topo-k8s-namespace
topo-read-concurrency topo-zk-auth-file topo-zk-base-timeout topo-zk-max-concurrency topo-zk-tls-ca topo-zk-tls-cert
topo-zk-tls-key topocustomrule-cell topocustomrule-path tracer tracing-sampling-rate tracing-sampling-type
transaction-log-stream-handler twopc-abandon-age twopc-coordinator-address tx-throttler-config
tx-throttler-default-priority tx-throttler-healthcheck-cells tx-throttler-tablet-types
tx-throttler-topo-refresh-interval v vmodule vreplication-copy-phase-duration
vreplication-copy-phase-max-innodb-history-list-length vreplication-copy-phase-max-mysql-replication-lag
vreplication-experimental-flags vreplication-healthcheck-retry-delay vreplication-healthcheck-timeout
vreplication-healthcheck-topology-refresh vreplication-heartbeat-update-interval
vreplication-max-time-to-retry-on-error vreplication-net-read-timeout vreplication-net-write-timeout
vreplication-parallel-insert-workers vreplication-replica-lag-tolerance vreplication-retry-delay
vreplication-tablet-type vstream-packet-size vtctld-addr vttablet-skip-buildinfo-tags xbstream-restore-flags
xtrabackup-backup-flags xtrabackup-prepare-flags xtrabackup-root-path xtrabackup-stream-mode
xtrabackup-stripe-block-size xtrabackup-stripes xtrabackup-user
`.split(/\s+/).filter((name) => name !== ''))

/** Taken bare, or with `=true` and `=false`. */
const BARE = new Set(`
alsologtostderr catch-sigpipe datadog-trace-debug-mode db-allprivs-use-ssl db-app-use-ssl db-appdebug-use-ssl
db-conn-query-info db-dba-use-ssl db-erepl-use-ssl db-filtered-use-ssl db-repl-use-ssl disable-replication-manager
emit-stats enable-consolidator enable-consolidator-replicas enable-hot-row-protection
enable-hot-row-protection-dry-run enable-lag-throttler enable-per-workload-table-metrics
enable-query-plan-field-caching enable-replication-reporter enable-semi-sync enable-transaction-limit
enable-transaction-limit-dry-run enable-tx-throttler enforce-strict-trans-tables enforce-tableacl-config
filecustomrules-watch grpc-enable-optional-tls grpc-enable-orca-metrics
grpc-enable-tracing grpc-prometheus grpc-server-keepalive-enforcement-policy-permit-without-stream
init-populate-metadata init-tablet-type-lookup log-err-stacks log-queries logtostderr mysql-clone-enabled
mysql-shell-restore-skip-version-check mysql-shell-should-drain mysql-shell-speedup-restore pprof-http
queryserver-config-allowunsafe-dmls queryserver-config-annotate-queries queryserver-config-enable-table-acl-dry-run
queryserver-config-passthrough-dmls queryserver-config-query-cache-lfu queryserver-config-schema-change-signal
queryserver-config-strict-table-acl queryserver-config-terse-errors queryserver-enable-online-ddl
queryserver-enable-settings-pool queryserver-enable-views redact-debug-ui-queries
sanitize-log-messages skip-user-metrics structured-logging
throttle-check-as-check-self topo-consul-allow-stale-reads topocustomrule-watch tracing-enable-logging
track-schema-versions track-udfs transaction-limit-by-component transaction-limit-by-principal
transaction-limit-by-subcomponent transaction-limit-by-username transaction-limit-per-user twopc-enable
tx-throttler-dry-run vreplication-enable-http-log vreplication-store-compressed-gtid vstream-dynamic-packet-size
watch-replication-stream xtrabackup-should-drain
`.split(/\s+/).filter((name) => name !== ''))

/** Refused when set to anything but false or nothing: what they ask for, and what would happen instead. */
const REFUSED: Readonly<Record<string, { readonly bare: boolean, readonly hint: string }>> = {
  'restore-to-timestamp': { bare: false, hint: 'restores to a point in time are not part of this version; restore-from-backup-ts chooses the backup only' },
  'restore-to-pos': { bare: false, hint: 'restores to a position are not part of this version' },
  'restore-with-clone': { bare: true, hint: 'restores by CLONE are not part of this version; use restore-from-backup' },
  'clone-from-primary': { bare: true, hint: 'restores by CLONE are not part of this version; use restore-from-backup' },
  'clone-from-tablet': { bare: false, hint: 'restores by CLONE are not part of this version; use restore-from-backup' },
  'unmanaged': { bare: true, hint: 'use --mysqld-control=none for a server that tabletd may look at but neither stop nor start' },
  'disable-active-reparents': { bare: true, hint: 'tabletd always keeps replication pointed at the recorded primary' },
}

export interface VitessFlag {
  /** True: the bare flag means true, and no value follows it. */
  readonly bare: boolean
  /** Why it is refused; absent when it is accepted with a warning. */
  readonly refused?: string
}

/** What is known of a flag by its name with dashes; undefined for a name that Vitess has not. */
export function vitessFlag(name: string): VitessFlag | undefined {
  const refused = Object.hasOwn(REFUSED, name) ? REFUSED[name] : undefined
  if (refused !== undefined) return { bare: refused.bare, refused: refused.hint }
  if (BARE.has(name)) return { bare: true }
  return WITH_VALUE.has(name) ? { bare: false } : undefined
}

export const ignoredVitessFlags = (): readonly string[] => [...new Set([...WITH_VALUE, ...BARE])].sort()
export const refusedVitessFlags = (): readonly { readonly name: string, readonly hint: string }[] =>
  Object.entries(REFUSED).map(([name, { hint }]) => ({ name, hint }))
