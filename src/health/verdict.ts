/**
 * May this tablet serve? Answered by the list of reasons against it. Pure.
 *
 * Owns      the judgement of a tablet of its target type and of a primary.
 * Leaves    what authority and operations forbid: they bring their own blockers.
 * Promises  H1  unknown lag is never zero; H2  connecting is not connected: nothing begins to serve so, and what has served
 *           goes on only for a short while, by a lag that grows; H3  healthy means that the list is empty.
 */
import { blocker, type Blocker } from '../model/blocker.ts'
import { formatDuration } from '../base/duration.ts'
import type { LagSigns } from '../model/snapshot.ts'
import type { ReplicationStatus, ServerFacts } from '../mysqld/mysqld.ts'

export interface HealthLimits {
  /** A replica further behind than this does not serve (`unhealthy-threshold`). */
  readonly unhealthyLagMs: number
  /** One that does not serve begins to at this lag or below (`recovery-threshold`). */
  readonly recoveryLagMs: number
  /** The schema that must exist (`init-db-name-override`); undefined: at least one of the users'. */
  readonly requiredSchema: string | undefined
}

export interface ReplicaFacts {
  readonly server: ServerFacts
  /** Measured after the last start of replication; undefined when not known. */
  readonly lagSeconds: number | undefined
  /** What it was made of, for people. */
  readonly lagSigns: LagSigns
  readonly stoppedByOperator: boolean
  /** It serves now, so it was connected before. */
  readonly served: boolean
  /** How long the receiver has been connecting; 0 when it is not. */
  readonly connectingForMs: number
  /** Replication runs from the address of the recorded primary; undefined: nobody knows the primary. */
  readonly sourceIsPrimary: boolean | undefined
}

export function primaryBlockers(server: Pick<ServerFacts, 'readOnly'>): readonly Blocker[] {
  return server.readOnly ? [blocker('not-writable')] : []
}

export function replicaBlockers(facts: ReplicaFacts, limits: HealthLimits): readonly Blocker[] {
  const { server } = facts
  const blockers: Blocker[] = [...replicationBlockers(server.replication, facts)]
  if (!server.superReadOnly) blockers.push(blocker('not-read-only'))
  if (!hasDatabase(server.userSchemas, limits.requiredSchema)) {
    blockers.push(limits.requiredSchema === undefined ? blocker('no-database')
      : blocker('no-database', { message: `schema ${limits.requiredSchema} does not exist yet` }))
  }
  if (isRunning(server.replication) || isOutage(server.replication, facts)) blockers.push(...lagBlockers(facts, limits))
  return blockers
}

/**
 * A replica that serves has this long to find its source again: a primary that restarts, or dies, must not take every
 * replica of the shard out of service at once. Several tries of a receiver; as long as the lag that degrades by default.
 */
export const CONNECTING_SERVES_MS = 30_000

export const outlastsConnecting = ({ served, connectingForMs }: Pick<ReplicaFacts, 'served' | 'connectingForMs'>): boolean =>
  served && connectingForMs < CONNECTING_SERVES_MS

const isOutage = (status: ReplicationStatus | undefined, facts: ReplicaFacts): boolean =>
  status?.io === 'connecting' && status.sql === 'running' && outlastsConnecting(facts)

const isRunning = (status: ReplicationStatus | undefined): boolean => status?.io === 'running' && status.sql === 'running'

const hasDatabase = (schemas: readonly string[], required: string | undefined): boolean =>
  required === undefined ? schemas.length > 0 : schemas.includes(required)

function replicationBlockers(status: ReplicationStatus | undefined, facts: ReplicaFacts): readonly Blocker[] {
  if (status === undefined) return [blocker('replication-not-running', { message: 'replication is not running: no source is set' })]
  if (status.sqlErrorNumber !== 0) {
    return [blocker('replication-error', { message: `replication stopped with error ${status.sqlErrorNumber}: ${status.sqlError}`, code: 'REPLICATION_BROKEN' })]
  }
  if (isOutage(status, facts)) return []
  if (status.io === 'connecting') {
    const why = status.ioErrorNumber === 0 ? '' : `: error ${status.ioErrorNumber}: ${status.ioError}`
    return [blocker('replication-connecting', { message: `replication is not connected to ${status.source.host}:${status.source.port}${why}` })]
  }
  if (isRunning(status)) return facts.sourceIsPrimary === false ? [blocker('source-unverified', { message: 'replication runs from a server that is not the recorded primary' })] : []
  if (facts.stoppedByOperator) return [blocker('replication-stopped-by-operator')]
  const why = status.ioErrorNumber === 0 ? '' : `: error ${status.ioErrorNumber}: ${status.ioError}`
  return [status.ioErrorNumber === 0
    ? blocker('replication-not-running')
    : blocker('replication-error', { message: `replication is not running${why}`, code: 'REPLICATION_BROKEN' })]
}

function lagBlockers({ lagSeconds, lagSigns, served }: ReplicaFacts, limits: HealthLimits): readonly Blocker[] {
  if (lagSeconds === undefined) return [blocker('lag-unknown')]
  const lagMs = lagSeconds * 1000
  if (lagMs <= (served ? limits.unhealthyLagMs : limits.recoveryLagMs)) return []
  const words = `replication ${lagWords(lagSeconds, lagSigns)}`
  return [blocker('lag-too-high', {
    message: lagMs <= limits.unhealthyLagMs
      ? `${words}, more than recovery-threshold ${formatDuration(limits.recoveryLagMs)} from which it serves again`
      : `${words}, more than unhealthy-threshold ${formatDuration(limits.unhealthyLagMs)}`,
  })]
}

/** As "lags 4.2 s (heartbeat 4.2 s, status 0 s)"; clocks that differ are part of it, because they may be the reason. */
export function lagWords(lagSeconds: number, signs: LagSigns): string {
  const { heartbeatSeconds, statusSeconds, commitSeconds, provenSeconds, clockAheadSeconds: ahead } = signs
  const by = Object.entries({ heartbeat: heartbeatSeconds, status: statusSeconds, commit: commitSeconds, proven: provenSeconds })
    .flatMap(([name, seconds]) => seconds === undefined ? [] : [`${name} ${seconds} s`])
  const clock = ahead === undefined ? [] : [`the primary's clock is ${Math.abs(ahead)} s ${ahead > 0 ? 'ahead' : 'behind'}`]
  const facts = [...by, ...clock].join(', ')
  return `lags ${Math.round(lagSeconds * 10) / 10} s${facts === '' ? '' : ` (${facts})`}`
}
