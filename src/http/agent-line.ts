/**
 * What HAProxy's agent-check is told of a tablet, from the latest snapshot alone. Pure.
 *
 * Promises  every line is complete: it names administrative state, operational state and weight, so that what HAProxy
 *           believes never depends on a line it missed; a weight is 0 only by `drain`; doubt is `down`.
 * Source    observed with HAProxy 2.6.12: `up` does not leave `drain`, a weight leaves neither `drain` nor `down`, and a
 *           line without a newline is ignored. test/http/haproxy.test.ts holds it.
 */
import type { TabletSnapshot } from '../model/snapshot.ts'
import { answerProbe, type ProbeFacts, type ProbeLimits } from './answer-probe.ts'

/** One line with its newline: `ready up 73%`, `drain up 100% #…` or `down #…`. */
export function agentLine(facts: ProbeFacts, limits: ProbeLimits): string {
  const { status, body } = answerProbe({ path: '/readyz', query: '' }, facts, limits)
  if (status === 200 && facts.snapshot !== undefined) return `ready up ${weightOf(facts.snapshot)}%\n`
  const isDrained = answerProbe({ path: '/drained', query: '' }, facts, limits).status === 200 && facts.snapshot?.mysqld.answers === true
  const reasons = body['blockers'] as TabletSnapshot['blockers']
  return isDrained ? 'drain up 100% #an operator took this tablet out of service\n' : `down #${oneLine(reasons)}\n`
}

/** Percent, 1 to 100: falls along a straight line from the lag that degrades to the one that is unhealthy. A primary lags behind nobody. */
export function weightOf({ type, lagSeconds, lagLimits }: Pick<TabletSnapshot, 'type' | 'lagSeconds' | 'lagLimits'>): number {
  if (type === 'PRIMARY' || lagLimits === undefined) return 100
  if (lagSeconds === undefined) return 1   // healthy by the snapshot, and still nothing to praise
  const over = lagSeconds - lagLimits.degradedSeconds
  if (over <= 0) return 100
  const span = lagLimits.unhealthySeconds - lagLimits.degradedSeconds
  return span <= 0 ? 1 : Math.max(1, Math.floor(100 - 99 * over / span))
}

const MOST_CHARACTERS = 200

/** As HAProxy can show it: one line of printable ASCII, without a second `#`. */
function oneLine(reasons: TabletSnapshot['blockers']): string {
  const text = reasons.map(({ name, message }) => `${name}: ${message}`).join('; ')
  return text.replace(/[^\x20-\x7e]+|#/g, ' ').slice(0, MOST_CHARACTERS).trim()
}
