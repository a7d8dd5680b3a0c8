/** What was measured, held against the budgets. Pure. */
import type { Bound, Budget, BudgetName, Unit } from './budgets.ts'
import { largest, median } from './statistics.ts'

/** Figures of one budget, one a round, in the budget's unit. */
export interface Finding {
  readonly budget: BudgetName
  /** Of what ours is compared with; empty where the figure stands alone. */
  readonly reference: readonly number[]
  readonly ours: readonly number[]
}

export interface Judged {
  readonly budget: Budget
  readonly reference: number | undefined
  readonly ours: number
  /** Ours over the reference. */
  readonly ratio: number | undefined
  readonly verdict: 'held' | 'MISSED' | 'told'
}

type Budgets = Readonly<Record<BudgetName, Budget>>

/** @throws RangeError when nothing was measured, or no reference for a ratio: that is never a budget held. */
export function judge(finding: Finding, budgets: Budgets): Judged {
  const budget = budgets[finding.budget]
  const ours = (budget.of === 'largest' ? largest : median)(finding.ours)
  const reference = budget.against === undefined ? undefined : median(finding.reference)
  const ratio = reference === undefined ? undefined : ours / reference
  return { budget, reference, ours, ratio, verdict: verdictOf(budget.bound, { ours, ratio }) }
}

function verdictOf(bound: Bound, { ours, ratio = NaN }: { readonly ours: number, readonly ratio: number | undefined }): Judged['verdict'] {
  if (bound === 'told') return 'told'
  // as NaN is neither above nor below, each comparison asks for what is promised
  const held = 'ratioAtLeast' in bound ? ratio >= bound.ratioAtLeast
    : 'ratioAtMost' in bound ? ratio <= bound.ratioAtMost
      : 'atLeast' in bound ? ours >= bound.atLeast : ours <= bound.atMost
  return held ? 'held' : 'MISSED'
}

const HEADER = ['what', 'reference', 'ours', 'ratio', 'budget', 'verdict']

/** A table for a terminal, or for docs/performance.md. */
export function table(rows: readonly Judged[], { judged }: { readonly judged: boolean }): string {
  const cells = rows.map(({ budget, reference, ours, ratio, verdict }) => [
    budget.what,
    reference === undefined ? '' : `${figure(reference, budget.unit)} (${budget.against ?? ''})`,
    figure(ours, budget.unit),
    ratio === undefined ? '' : ratio.toFixed(2),
    boundText(budget.bound, budget.unit),
    judged ? verdict : 'not judged',
  ])
  const all = [HEADER, ...cells]
  const widths = HEADER.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)))
  const line = (row: readonly string[]): string => `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`
  return [line(HEADER), `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`, ...cells.map(line)].join('\n')
}

/** As `≥ 1.00 ×`; empty for what is only told. */
export function boundText(bound: Bound, unit: Unit): string {
  if (bound === 'told') return ''
  if ('ratioAtLeast' in bound) return `≥ ${bound.ratioAtLeast.toFixed(2)} ×`
  if ('ratioAtMost' in bound) return `≤ ${bound.ratioAtMost.toFixed(2)} ×`
  return 'atLeast' in bound ? `≥ ${figure(bound.atLeast, unit)}` : `≤ ${figure(bound.atMost, unit)}`
}

const DIGITS: Readonly<Record<Unit, number>> = { 'MB/s': 0, 'MB': 0, 's': 2, 'ms': 1, '/s': 0, 'probes': 0 }

export const figure = (value: number, unit: Unit): string =>
  `${value.toFixed(DIGITS[unit])}${unit.startsWith('/') ? unit : ` ${unit}`}`
