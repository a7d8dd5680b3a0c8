/**
 * Two sides of a comparison, alternately: one begins the even rounds, the other the odd ones, so that what drifts
 * (clock, disk, neighbours) harms both alike. A first round that does not count has touched every block of the disk.
 */
import type { Bench } from './bench.ts'
import type { BudgetName } from './budgets.ts'
import type { Finding } from './report.ts'

export interface Timed {
  readonly seconds: number
  /** Of everything that ran: unlike time, it hardly depends on who else uses the machine. */
  readonly cpuSeconds: number
}

export interface Sides<R extends Timed, O extends Timed> {
  readonly reference: () => Promise<R>
  readonly ours: () => Promise<O>
}

export interface Rounds<R extends Timed, O extends Timed> {
  readonly reference: readonly R[]
  readonly ours: readonly O[]
}

export async function inRounds<R extends Timed, O extends Timed>(
  { options, say }: Pick<Bench, 'options' | 'say'>, what: string, sides: Sides<R, O>,
): Promise<Rounds<R, O>> {
  const measured: { readonly reference: R[], readonly ours: O[] } = { reference: [], ours: [] }
  for (let round = options.quick ? 1 : 0; round <= options.rounds; round++) {
    const [reference, ours] = await bothSides(sides, round)
    const name = round === 0 ? 'warming up' : `round ${round}`
    say(`${what}, ${name}: reference ${timeOf(reference)}, ours ${timeOf(ours)}`)
    if (round === 0) continue
    measured.reference.push(reference)
    measured.ours.push(ours)
  }
  return measured
}

async function bothSides<R extends Timed, O extends Timed>({ reference, ours }: Sides<R, O>, round: number): Promise<readonly [R, O]> {
  if (round % 2 === 0) return [await reference(), await ours()]
  const second = await ours()
  return [await reference(), second]
}

const timeOf = ({ seconds, cpuSeconds }: Timed): string => `${seconds.toFixed(2)} s (CPU ${cpuSeconds.toFixed(2)} s)`

/** What both sides used, as a finding. */
export const cpuFinding = (budget: BudgetName, { reference, ours }: Rounds<Timed, Timed>): Finding =>
  ({ budget, reference: reference.map((one) => one.cpuSeconds), ours: ours.map((one) => one.cpuSeconds) })
