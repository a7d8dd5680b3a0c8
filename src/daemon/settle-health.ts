/** Judges the tablet at the end of a turn, and moves it between SPARE and its target type. */
import type { ActionContext } from '../base/action.ts'
import { formatDuration } from '../base/duration.ts'
import { holdLeft } from '../health/hold.ts'
import { lagWords, primaryBlockers, replicaBlockers } from '../health/verdict.ts'
import { blocker, type Blocker } from '../model/blocker.ts'
import { sameAddress } from '../model/records.ts'
import type { ServerFacts } from '../mysqld/mysqld.ts'
import type { Authority } from '../replication/decide-authority.ts'
import { openToClients } from './open-to-clients.ts'
import type { Parts } from './parts.ts'

export interface Judged {
  readonly authority: Authority
  readonly server: ServerFacts
  /** Found by the turn itself. */
  readonly blockers: readonly Blocker[]
}

/** Every reason against serving, each name once: the turn's own words first, as they know more. */
export async function settleHealth(judged: Judged, parts: Parts, ctx: ActionContext): Promise<readonly Blocker[]> {
  const { manager, origin } = parts
  const blockers = onceEach([...judged.blockers, ...ofServer(judged, parts)])
  if (manager.state === 'primary') {
    if (origin.closed) await openToClients(parts, ctx)
    return blockers
  }
  if (blockers.length > 0) {
    if (manager.state === 'serving') manager.apply('unhealthy', blockers.map(({ message }) => message).join('; '))
    return blockers
  }
  const held = manager.state === 'spare' ? holdDown(parts) : []
  if (held.length > 0) return held
  if (origin.closed && manager.state !== 'drained') {
    const opened = await openToClients(parts, ctx)
    if (opened.blockers.length > 0) return opened.blockers
  }
  if (manager.state === 'spare') manager.apply('healthy', whyHealthy(judged.server, parts))
  return blockers
}

function holdDown({ watched, manager, config }: Parts): readonly Blocker[] {
  const nowMs = performance.now()
  watched.healthySinceMs ??= nowMs
  const holdMs = config['recovery-hold']
  const leftMs = holdLeft({ nowMs, healthySinceMs: watched.healthySinceMs, lastEvent: manager.history.at(-1)?.event, holdMs })
  return leftMs === 0 ? [] : [blocker('recovering', {
    message: `healthy again, and watched for recovery-hold ${formatDuration(holdMs)} before it serves`,
    nextTry: new Date(Date.now() + leftMs).toISOString(),
  })]
}

/** The facts by which it serves, for the log and the body of probes. */
function whyHealthy({ replication }: ServerFacts, { watched }: Parts): string {
  const lag = watched.lagSeconds === undefined ? '' : `, ${lagWords(watched.lagSeconds, watched.lagSigns)}`
  const source = replication === undefined ? '' : `, replicates from ${replication.source.host}:${replication.source.port}`
  return `nothing speaks against serving${lag}${source}`
}

function ofServer({ authority, server }: Judged, parts: Parts): readonly Blocker[] {
  const { config, watched, view, manager } = parts
  if (manager.state === 'primary') return primaryBlockers(server)
  if (authority.role === 'as-found') return []
  const source = authority.role === 'follow' ? view.addressOf(authority.source) : undefined
  return replicaBlockers({
    server,
    lagSeconds: watched.lagSeconds,
    lagSigns: watched.lagSigns,
    stoppedByOperator: watched.replication.stoppedByOperator,
    served: manager.state === 'serving',
    connectingForMs: watched.connectingSinceMs === undefined ? 0 : performance.now() - watched.connectingSinceMs,
    sourceIsPrimary: source === undefined || server.replication === undefined ? undefined : sameAddress(server.replication.source, source),
  }, { unhealthyLagMs: config['unhealthy-threshold'], recoveryLagMs: config['recovery-threshold'], requiredSchema: config['init-db-name-override'] })
}

function onceEach(blockers: readonly Blocker[]): readonly Blocker[] {
  const names = new Set<string>()
  return blockers.filter(({ name }) => !names.has(name) && names.add(name))
}
