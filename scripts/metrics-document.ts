/** The text of docs/metrics.md, from the table of metrics. */
import { METRIC_AREAS, type MetricRow } from '../src/http/metric-table.ts'

const INTRODUCTION = `# Metrics

<!-- Generated from src/http/metric-table.ts by \`npm run docs\`; change the table there. -->

\`GET /metrics\` answers in Prometheus' text format, from what the daemon knows already: a scrape asks neither mysqld nor the
topology nor the storage, and is answered while they hang. Names are never renamed and never change their unit. **A value that is
unknown has no sample**: absent is not 0. Seconds and bytes, always.

\`tabletd_info\` carries alias, keyspace and shard; join with it where a rule is about a shard:
\`… * on (job, instance) group_left (keyspace, shard) tabletd_info\`. What is kept in the daemon's memory (operations, counters)
begins anew with the daemon; what matters for longer is derived anew from storage, topology and mysqld.

Beside this page, in \`config/\`:

- [\`prometheus-alerts.yml\`](../config/prometheus-alerts.yml): alert rules, each of which the tests fire. The limits are meant to be
  changed; \`BackupTooOld\` expects a backup a day.
- [\`grafana-dashboard.json\`](../config/grafana-dashboard.json): a dashboard of one shard and its tablets; import it and choose the
  data source.`

export function metricsDocument(): string {
  const areas = METRIC_AREAS.map(({ title, metrics }) => {
    const rows = Object.entries<MetricRow>(metrics).map(([name, { kind, labels = [], help }]) =>
      `| \`${name}\` | ${kind} | ${labels.map((label) => `\`${label}\``).join(' ')} | ${help} |`)
    return [`## ${title}`, '', '| metric | kind | labels | meaning |', '|---|---|---|---|', ...rows].join('\n')
  })
  return `${[INTRODUCTION, ...areas].join('\n\n')}\n`
}
