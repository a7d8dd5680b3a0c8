/** The shipped alert rules and the dashboard: every rule is fired, and every expression asks for a metric that there is. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { parse, stringify } from 'yaml'
import { findPromtool } from '../../scripts/lib/load-balancer.mjs'
import { METRICS, type MetricName, type MetricRow } from '../../src/http/metric-table.ts'
import { BLOCKERS } from '../../src/model/blocker.ts'
import { runProgram } from '../support/run-program.ts'
import { tempDir } from '../support/temp-dir.ts'

interface Rule {
  readonly alert: string
  readonly expr: string
  readonly labels: object
  readonly annotations?: Readonly<Record<string, string>>
}

interface Rules { readonly groups: readonly { readonly name: string, readonly rules: readonly Rule[] }[] }
interface Case {
  readonly name: string
  readonly alert_rule_test: readonly { readonly alertname: string, readonly exp_alerts?: readonly object[] }[]
}

interface Target { readonly expr: string }
interface Dashboard { readonly panels: readonly { readonly id: number, readonly title: string, readonly targets: readonly Target[] }[] }

const ROOT = join(import.meta.dirname, '../..')
const RULES = join(ROOT, 'config/prometheus-alerts.yml')
const rules = parse(await readFile(RULES, 'utf8')) as Rules
const alerts = rules.groups.flatMap((group) => group.rules)
const unitTests = parse(await readFile(join(ROOT, 'test/config/prometheus-alerts.test.yaml'), 'utf8')) as { readonly tests: readonly Case[] }
const dashboard = JSON.parse(await readFile(join(ROOT, 'config/grafana-dashboard.json'), 'utf8')) as Dashboard
const promtool = findPromtool()
const skip = promtool === undefined && process.env['CI'] === undefined ? { skip: 'promtool is not installed: run scripts/lib/install.mjs' } : {}

/** Rules without annotations, which promtool compares word by word. */
const bare = (): string =>
  stringify({ groups: rules.groups.map((group) => ({ ...group, rules: group.rules.map(({ annotations: _words, ...rule }) => rule) })) })

t.test('promtool finds nothing wrong with the alert rules', skip, async (t) => {
  const { code, stdout, stderr } = await runProgram(promtool ?? '', ['check', 'rules', RULES])
  t.equal(code, 0, stdout + stderr)
  t.match(stdout, new RegExp(`SUCCESS: ${alerts.length} rules found`))
})

t.test('every alert fires where it should, and is quiet where it should not', skip, async (t) => {
  await using dir = await tempDir()
  await writeFile(join(dir.path, 'rules.yml'), bare())
  await writeFile(join(dir.path, 'tests.yml'), stringify({ ...unitTests, rule_files: ['rules.yml'] }))
  const { code, stdout, stderr } = await runProgram(promtool ?? '', ['test', 'rules', 'tests.yml'], { cwd: dir.path })
  t.equal(code, 0, stdout + stderr)
})

t.test('every alert has a case in which it fires and one in which it is quiet', (t) => {
  const checks = unitTests.tests.flatMap((one) => one.alert_rule_test)
  for (const { alert } of alerts) {
    const mine = checks.filter(({ alertname }) => alertname === alert)
    t.ok(mine.some(({ exp_alerts: fired = [] }) => fired.length > 0), `${alert} fires`)
    t.ok(mine.some(({ exp_alerts: fired = [] }) => fired.length === 0), `${alert} is quiet`)
  }
  t.end()
})

t.test('every alert says what is the matter, and how bad it is', (t) => {
  t.equal(new Set(alerts.map(({ alert }) => alert)).size, alerts.length)
  for (const { alert, labels, annotations } of alerts) t.match({ labels, annotations }, { labels: { severity: /^(critical|warning)$/ }, annotations: { summary: /./ } }, alert)
  t.end()
})

const EXPRESSIONS = [
  ...alerts.map(({ alert, expr }) => [alert, expr] as const),
  ...dashboard.panels.flatMap(({ title, targets }) => targets.map(({ expr }) => [`panel "${title}"`, expr] as const)),
]

/** `tabletd_x_bucket` is `tabletd_x` of a histogram. */
function metricOf(word: string): MetricRow | undefined {
  const [, base = ''] = /^(.*)_(?:bucket|sum|count)$/.exec(word) ?? []
  const row: MetricRow | undefined = METRICS[word as MetricName]
  return row ?? (METRICS[base as MetricName]?.kind === 'histogram' ? METRICS[base as MetricName] : undefined)
}

for (const [what, expr] of EXPRESSIONS) {
  t.test(`${what} asks for metrics, labels and blockers that there are`, async (t) => {
    const words = [...expr.matchAll(/\b(up|tabletd_\w+)\b(?:\{([^}]*)\})?/g)]
    t.ok(words.length > 0, expr)
    for (const [, word = '', inside = ''] of words) {
      const row = word === 'up' ? { labels: ['job'] } : metricOf(word)
      t.ok(row !== undefined, `${word} is a metric`)
      for (const [, label = '', value = ''] of inside.matchAll(/(\w+)=~?"([^"]*)"/g)) {
        t.ok([...row?.labels ?? [], 'job', 'instance'].includes(label), `${word} has the label ${label}`)
        if (word === 'tabletd_blocker') for (const name of value.split('|')) t.ok(Object.hasOwn(BLOCKERS, name), `${name} is a blocker`)
      }
    }
  })
}

t.test('the dashboard has panels with one number each, and they do not overlap', (t) => {
  const places = JSON.parse(JSON.stringify(dashboard.panels)) as { readonly id: number, readonly gridPos: Readonly<Record<'x' | 'y' | 'w' | 'h', number>> }[]
  t.ok(places.length >= 15)
  t.equal(new Set(places.map(({ id }) => id)).size, places.length)
  const overlap = places.flatMap((a, i) => places.slice(i + 1).filter((b) =>
    a.gridPos.x < b.gridPos.x + b.gridPos.w && b.gridPos.x < a.gridPos.x + a.gridPos.w
    && a.gridPos.y < b.gridPos.y + b.gridPos.h && b.gridPos.y < a.gridPos.y + a.gridPos.h).map((b) => [a.id, b.id]))
  t.same(overlap, [])
  t.end()
})
