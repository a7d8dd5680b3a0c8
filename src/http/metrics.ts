/** Metrics for Prometheus, filled at each scrape from what is known: a scrape asks nobody. */
import type { HistogramTotals } from '../base/histogram.ts'
import type { TabletControl } from './control.ts'
import { samplesOf, type MetricFacts, type Sample } from './metric-samples.ts'
import { METRICS, type MetricName, type MetricRow } from './metric-table.ts'

export interface MetricSource {
  readonly loopDelayMs: () => number
  readonly facts: () => MetricFacts
}

type Seen = Pick<TabletControl, 'latestSnapshot' | 'lastTurnMs' | 'listOperations' | 'stageTotals'>

/** The text of one scrape. prom-client is loaded with the first one, to keep the start of the daemon short. */
export async function metricsText(
  control: Seen, { loopDelayMs, facts }: MetricSource, nowMs: number,
): Promise<{ readonly text: string, readonly headers: Readonly<Record<string, string>> }> {
  const { Counter, Gauge, Registry } = await import('prom-client')
  const registry = new Registry()
  const known = facts()
  const samples: Partial<Record<MetricName, readonly Sample[]>> = samplesOf({
    ...known, nowMs, snapshot: control.latestSnapshot(), lastTurnMs: control.lastTurnMs(), loopDelayMs: loopDelayMs(),
    residentBytes: process.memoryUsage.rss(), operations: control.listOperations(), stages: control.stageTotals(),
  })
  for (const [name, { kind, help, labels = [] }] of Object.entries<MetricRow>(METRICS)) {
    if (kind === 'histogram') continue
    const given = samples[name as MetricName] ?? []
    const described = { name, help, labelNames: [...labels], registers: [registry] }
    if (kind === 'gauge') {
      const gauge = new Gauge(described)
      if (given.length === 0 && labels.length === 0) gauge.remove()   // it would stand at 0
      for (const sample of given) gauge.set({ ...sample.labels }, sample.value)
    } else {
      const counter = new Counter(described)
      for (const sample of given) counter.inc({ ...sample.labels }, sample.value)
    }
  }
  const text = `${await registry.metrics()}\n${histogramText('tabletd_topology_read_seconds', known.topologyReads)}`
  return { text, headers: { 'content-type': registry.contentType } }
}

/** prom-client's histograms count for themselves and would have to be loaded from the start; these were counted already. */
function histogramText(name: MetricName, totals: HistogramTotals | undefined): string {
  if (totals === undefined) return ''
  const buckets = [...totals.buckets.map(({ atMost, count }) => [String(atMost), count] as const), ['+Inf', totals.count] as const]
  return [
    `# HELP ${name} ${METRICS[name].help}`,
    `# TYPE ${name} histogram`,
    ...buckets.map(([bound, count]) => `${name}_bucket{le="${bound}"} ${count}`),
    `${name}_sum ${totals.sum}`,
    `${name}_count ${totals.count}`,
    '',
  ].join('\n')
}
