/**
 * What a probe is answered, from the latest snapshot alone. Pure.
 *
 * Promises  200 or 503 and nothing else; the reasons for a 503 are all in the body; doubt is 503: no snapshot, an old
 *           one, unknown lag, a query that cannot be read.
 * See       docs/http.md
 */
import { formatDuration } from '../base/duration.ts'
import { blocker, type Blocker } from '../model/blocker.ts'
import type { TabletSnapshot } from '../model/snapshot.ts'
import { CHECKS, isCheckName, reasonsAgainst, resultsOf } from './checks.ts'
import type { ProbePath } from './probe-paths.ts'
import { readProbeQuery, type ProbeQuery } from './probe-query.ts'

export interface ProbeFacts {
  readonly snapshot: TabletSnapshot | undefined
  readonly lastTurnMs: number
  /** How late the event loop ran its last timer. */
  readonly loopDelayMs: number
  readonly nowMs: number
  /** What `init-tags` says of this tablet. */
  readonly tags: Readonly<Record<string, string>>
}

export interface ProbeRequest {
  readonly path: ProbePath
  /** The text after the question mark. */
  readonly query: string
  /** `lag` of `/readyz/lag`, as it was sent: perhaps no check at all. */
  readonly check?: string
}

export interface ProbeLimits {
  /** A snapshot older than this is not believed. */
  readonly maxSnapshotAgeMs: number
  /** A control loop that has not turned for this long is dead, and so says /livez. */
  readonly maxTurnAgeMs: number
  readonly maxLoopDelayMs: number
}

export const DEFAULT_PROBE_LIMITS: ProbeLimits = {
  maxSnapshotAgeMs: 10_000,   // ten looks missed, at one look a second
  maxTurnAgeMs: 60_000,       // generous: a liveness probe that fails kills the container, and a mysqld with it
  maxLoopDelayMs: 5_000,
}

export interface ProbeAnswer {
  readonly status: 200 | 503
  readonly body: Readonly<Record<string, unknown>>
}

export function answerProbe(request: ProbeRequest, facts: ProbeFacts, limits: ProbeLimits): ProbeAnswer {
  if (request.path === '/livez') return answerLivez(facts, limits)
  const query = readProbeQuery(request.query)
  const all = reasonsOf(request, query, facts, limits)
  const { check } = request
  const reasons = check !== undefined && isCheckName(check) ? reasonsAgainst(check, all) : all
  const told = answer(check === undefined ? request.path : `${request.path}/${check.slice(0, 40)}`, facts.snapshot, reasons)
  return 'verbose' in query && query.verbose ? { ...told, body: { ...told.body, checks: resultsOf(all) } } : told
}

/** Every reason against the answer 200, those of the query included. */
function reasonsOf(
  { path, check }: ProbeRequest, query: ReturnType<typeof readProbeQuery>, facts: ProbeFacts, limits: ProbeLimits,
): readonly Blocker[] {
  const { snapshot } = facts
  if (snapshot === undefined || path === '/livez') return [blocker('starting')]
  const unknownCheck = check === undefined || isCheckName(check) ? []
    : [blocker('bad-query', { message: `there is no check ${JSON.stringify(check.slice(0, 40))}: known are ${Object.keys(CHECKS).join(', ')}` })]
  return [
    ...staleness(snapshot, facts.nowMs, limits), ...objections(path, snapshot), ...unknownCheck,
    ...'problem' in query ? [blocker('bad-query', { message: query.problem })] : queryObjections(query, snapshot, facts.tags),
  ]
}

/** The answer to a target that cannot be read at all. */
export const answerMalformed = (snapshot: TabletSnapshot | undefined): ProbeAnswer =>
  answer('malformed', snapshot, [blocker('bad-query', { message: 'the URL cannot be read' })])

/** The answer to a request that is no HTTP; `why` in the parser's words. */
export const answerUnparsed = (why: string | undefined): ProbeAnswer =>
  answer('malformed', undefined, [blocker('bad-query', { message: `the request cannot be read${why === undefined ? '' : `: ${why}`}` })])

function answerLivez(facts: ProbeFacts, limits: ProbeLimits): ProbeAnswer {
  const turnAgeMs = facts.nowMs - facts.lastTurnMs
  const checks = {
    'event-loop': facts.loopDelayMs <= limits.maxLoopDelayMs,
    'control-loop': turnAgeMs <= limits.maxTurnAgeMs,
  }
  const ok = checks['event-loop'] && checks['control-loop']
  return { status: ok ? 200 : 503, body: { ok, probe: '/livez', checks, loopDelayMs: facts.loopDelayMs, turnAgeMs } }
}

/** Everything that speaks against `path`, the lag asked for and the age aside; empty when nothing does. */
function objections(path: Exclude<ProbePath, '/livez'>, seen: TabletSnapshot): readonly Blocker[] {
  switch (path) {
    case '/readyz':
    case '/healthz':
      return seen.type === 'PRIMARY' ? primaryObjections(seen) : typeObjections(seen, seen.targetType)
    case '/debug/health':
      return debugObjections(seen)
    case '/primary':
    case '/read-write':
      return primaryObjections(seen)
    case '/replica':
      return typeObjections(seen, 'REPLICA')
    case '/rdonly':
      return typeObjections(seen, 'RDONLY')
    case '/read-only':
      return seen.type === 'PRIMARY' ? primaryObjections(seen) : typeObjections(seen, 'REPLICA')
    case '/spare':
    case '/backup':
    case '/restore':
    case '/drained': {
      const asked = path.slice(1).toUpperCase()
      return seen.type === asked ? [] : [...seen.blockers, wrongType(seen, asked)]
    }
  }
}

/**
 * The named primary serves while mysqld answers and is writable, its disks write, and its daemon stays; other blockers are told, but it is
 * the only writable server.
 */
function primaryObjections(seen: TabletSnapshot): readonly Blocker[] {
  if (seen.type !== 'PRIMARY') return [...seen.blockers, wrongType(seen, 'PRIMARY')]
  if (!seen.mysqld.answers) return withAtLeast(seen.blockers, seen.mysqld.running ? 'mysqld-silent' : 'mysqld-down')
  if (seen.mysqld.writable !== true) return withAtLeast(seen.blockers, 'not-writable')
  return seen.blockers.some(({ name }) => name === 'daemon-stopping' || name === 'disk-stalled') ? seen.blockers : []
}

function typeObjections(seen: TabletSnapshot, asked: TabletSnapshot['type']): readonly Blocker[] {
  if (seen.type !== asked) return [...seen.blockers, wrongType(seen, asked)]
  return seen.mysqld.answers ? seen.blockers : withAtLeast(seen.blockers, 'mysqld-silent')
}

function debugObjections(seen: TabletSnapshot): readonly Blocker[] {
  if (!seen.mysqld.answers) return withAtLeast(seen.blockers, seen.mysqld.running ? 'mysqld-silent' : 'mysqld-down')
  return seen.type === 'PRIMARY' || seen.replication !== undefined ? [] : withAtLeast(seen.blockers, 'replication-not-running')
}

const withAtLeast = (blockers: readonly Blocker[], name: Blocker['name']): readonly Blocker[] =>
  blockers.some((one) => one.name === name) ? blockers : [...blockers, blocker(name)]

const wrongType = (seen: TabletSnapshot, asked: string): Blocker =>
  blocker('wrong-type', { message: `asked for ${asked}, and this tablet is ${seen.type}` })

function staleness(seen: TabletSnapshot, nowMs: number, limits: ProbeLimits): readonly Blocker[] {
  const ageMs = nowMs - seen.observedAtMs
  // a snapshot from the future means that the clock was set back: its age is unknown, and doubt is unhealthy
  if (ageMs <= limits.maxSnapshotAgeMs && ageMs >= -limits.maxSnapshotAgeMs) return []
  return [blocker('snapshot-too-old', {
    message: `the last look at this tablet is ${Math.round(ageMs / 1000)} s old, more than ${formatDuration(limits.maxSnapshotAgeMs)}`,
  })]
}

function queryObjections({ lagMs, tags }: ProbeQuery, seen: TabletSnapshot, carried: ProbeFacts['tags']): readonly Blocker[] {
  const missing = Object.entries(tags).filter(([name, value]) => !Object.hasOwn(carried, name) || carried[name] !== value)
  return [
    ...missing.map(([name, value]) => blocker('wrong-tag', {
      message: `asked for the tag ${name}:${value}, and this tablet has ${Object.hasOwn(carried, name) ? `${name}:${carried[name] ?? ''}` : `no tag ${name}`}`,
    })),
    ...lagMs === undefined ? [] : lagObjections(seen, lagMs),
  ]
}

function lagObjections(seen: TabletSnapshot, lagMs: number): readonly Blocker[] {
  if (seen.type === 'PRIMARY') return []
  if (seen.lagSeconds === undefined) return [blocker('lag-unknown')]
  if (seen.lagSeconds * 1000 <= lagMs) return []
  return [blocker('lag-too-high', { message: `replication lags ${seen.lagSeconds} s, more than the ${formatDuration(lagMs)} asked for` })]
}

function answer(probe: string, seen: TabletSnapshot | undefined, reasons: readonly Blocker[]): ProbeAnswer {
  const ok = reasons.length === 0
  // a primary that serves still tells its blockers: they are for people, the status is for the load balancer
  const blockers = ok ? seen?.blockers ?? [] : reasons
  if (seen === undefined) return { status: 503, body: { ok: false, probe, blockers } }
  const { alias, keyspace, shard, type, state, targetType, sentence, lagSeconds, observedAtMs } = seen
  const observedAt = new Date(observedAtMs).toISOString()
  return {
    status: ok ? 200 : 503,
    body: { ok, probe, alias, keyspace, shard, type, state, targetType, sentence, lagSeconds, observedAt, blockers },
  }
}
