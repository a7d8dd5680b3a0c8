/** The query of a probe: `?lag=30s`, `?tag_<name>=<value>`, `?verbose`. A mistyped limit must never mean "no limit". Pure. */
import { parseDuration } from '../base/duration.ts'

export interface ProbeQuery {
  readonly lagMs?: number
  /** Tags that the tablet must carry (`init-tags`). */
  readonly tags: Readonly<Record<string, string>>
  readonly verbose: boolean
}

const TAG = 'tag_'
const SHOWN = 40

const quoted = (text: string): string => JSON.stringify(text.slice(0, SHOWN))

/** An unknown or repeated parameter is a problem, as is a percent-encoding that cannot be read. */
export function readProbeQuery(query: string): ProbeQuery | { readonly problem: string } {
  const parameters = [...new URLSearchParams(query)]
  const seen = new Set<string>()
  for (const [name] of parameters) {
    if (name !== 'lag' && name !== 'verbose' && !(name.startsWith(TAG) && name.length > TAG.length)) {
      return { problem: `unknown parameter ${quoted(name)}: only lag, verbose and tag_<name> are known` }
    }
    if (seen.has(name)) return { problem: `the parameter ${name.slice(0, SHOWN)} is given more than once` }
    seen.add(name)
  }
  const given = new Map(parameters)
  const tags = Object.fromEntries(parameters.flatMap(([name, value]) => name.startsWith(TAG) ? [[name.slice(TAG.length), value]] : []))
  const lag = given.get('lag')
  const asked = { tags, verbose: given.has('verbose') }
  if (lag === undefined) return asked
  const lagMs = parseDuration(lag)
  return lagMs === undefined ? { problem: `lag ${quoted(lag)} is no duration, such as 30s` } : { ...asked, lagMs }
}
