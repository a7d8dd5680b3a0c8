/** Judges the tablet at the end of a turn, and moves it between SPARE and its target type. */
import type { ActionContext } from '../base/action.ts'
import { primaryBlockers, replicaBlockers } from '../health/verdict.ts'
import type { Blocker } from '../model/blocker.ts'
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
  const [worst] = blockers
  if (worst !== undefined) {
    if (manager.state === 'serving') manager.apply('unhealthy', worst.message)
    return blockers
  }
  if (origin.closed && manager.state !== 'drained') {
    const opened = await openToClients(parts, ctx)
    if (opened.blockers.length > 0) return opened.blockers
  }
  if (manager.state === 'spare') manager.apply('healthy', 'nothing speaks against serving')
  return blockers
}

function ofServer({ authority, server }: Judged, parts: Parts): readonly Blocker[] {
  const { config, watched, view, manager } = parts
  if (manager.state === 'primary') return primaryBlockers(server)
  if (authority.role === 'as-found') return []
  const source = authority.role === 'follow' ? view.addressOf(authority.source) : undefined
  return replicaBlockers({
    server,
    lagSeconds: watched.lagSeconds,
    stoppedByOperator: watched.replication.stoppedByOperator,
    served: manager.state === 'serving',
    connectingForMs: watched.connectingSinceMs === undefined ? 0 : performance.now() - watched.connectingSinceMs,
    sourceIsPrimary: source === undefined || server.replication === undefined ? undefined : sameAddress(server.replication.source, source),
  }, { unhealthyLagMs: config['unhealthy-threshold'], requiredSchema: config['init-db-name-override'] })
}

function onceEach(blockers: readonly Blocker[]): readonly Blocker[] {
  const names = new Set<string>()
  return blockers.filter(({ name }) => !names.has(name) && names.add(name))
}
