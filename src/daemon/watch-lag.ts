/** Gathers the signs of lag at each look, and remembers what the measurement needs. Leaves measuring to lag.ts. */
import type { ActionContext } from '../base/action.ts'
import { formatShardName } from '../model/tablet.ts'
import type { LagEvidence } from '../mysqld/heartbeats.ts'
import type { ServerFacts } from '../mysqld/mysqld.ts'
import { NO_LAG_MEMORY, measureLag, type LagLook } from '../replication/lag.ts'
import type { Parts } from './parts.ts'
import type { Watched } from './watched.ts'

/** A difference of clocks worth telling an operator. */
const CLOCKS_DIFFER_SECONDS = 1

type Needed = Pick<Parts, 'watched' | 'config' | 'shard' | 'heartbeats'>

export async function watchLag(server: ServerFacts, parts: Needed, ctx: ActionContext): Promise<void> {
  const { watched } = parts
  const evidence = server.replication === undefined ? undefined : await readEvidence(parts, ctx)
  const look = watched.sourceLook
  const { runningSinceMs } = watched.lag
  const lookedSinceStart = look !== undefined && runningSinceMs !== undefined && look.atMs >= runningSinceMs
  const comparable = lookedSinceStart && look.facts.flavor === server.executed.flavor
  const { memory, lagSeconds, signs } = measureLag(watched.lag, {
    nowMs: performance.now(),
    replication: server.replication,
    holdsSource: comparable ? server.executed.contains(look.facts.executed) : undefined,
    oldestLook: compareOldest(server, comparable, watched),
    heartbeatSeconds: evidence === 'unread' ? 'unread' : evidence?.beat?.ageSeconds,
    commitSeconds: evidence === 'unread' ? undefined : evidence?.inHandSeconds,
    clockAheadSeconds: look?.facts.clockAheadSeconds,
  })
  watched.lag = memory
  watched.lagSeconds = lagSeconds
  watched.lagSigns = signs
  sayClocks(watched, ctx)
}

/** After a repair: a zero is believed anew, and what was proven was about another source, or another start. */
export function forgetProofs(watched: Watched): void {
  watched.lag = { ...watched.lag, runningSinceMs: undefined, heldAtMs: undefined }
  watched.pendingLook = undefined
}

/** `run` names this run of mysqld: another one may have been started on older data, of which nothing is known. */
export function forgetOtherRuns(watched: Watched, run: string): void {
  if (watched.lagOf === run) return
  watched.lagOf = run
  watched.lag = NO_LAG_MEMORY
  watched.pendingLook = undefined
}

async function readEvidence({ heartbeats, config, shard }: Needed, ctx: ActionContext): Promise<LagEvidence | 'unread'> {
  try {
    return await heartbeats.read(config['heartbeat-enable'] ? formatShardName(shard) : undefined, ctx)
  } catch (error) {
    ctx.signal.throwIfAborted()
    ctx.log.debug({ err: error }, 'the heartbeat could not be read')   // its age grows from the last one that was
    return 'unread'
  }
}

/** Looks replace each other faster than a lagging server holds what they saw, so the oldest one is kept until it does. */
function compareOldest(server: ServerFacts, comparable: boolean, watched: Watched): LagLook['oldestLook'] {
  const latest = watched.sourceLook
  // a source that is read-only may have been deposed: that nothing of it is missing proves nothing
  const usable = comparable && latest?.facts.readOnly === false && latest.atMs > (watched.lag.heldAtMs ?? -Infinity)
  const oldest = watched.pendingLook ?? (usable ? latest : undefined)
  if (oldest === undefined) return undefined
  const held = server.executed.contains(oldest.facts.executed)
  watched.pendingLook = held ? undefined : oldest
  return { atMs: oldest.atMs, held }
}

function sayClocks(watched: Watched, ctx: ActionContext): void {
  const ahead = watched.lagSigns.clockAheadSeconds ?? 0
  const differ = Math.abs(ahead) >= CLOCKS_DIFFER_SECONDS
  if (differ && !watched.clockSaid) {
    ctx.log.warn({ clockAheadSeconds: ahead }, `the clock of the primary is ${Math.abs(ahead)} s ${ahead > 0 ? 'ahead of' : 'behind'} this machine's: lag is measured with that in mind, and may look larger than it is`)
  }
  if (!differ && watched.clockSaid) ctx.log.info('the clock of the primary and this machine\'s agree again')
  watched.clockSaid = differ
}
