/** Which tablet of a shard to back up. Pure. */
import { TabletError } from '../base/errors.ts'
import type { TabletSnapshot } from '../model/snapshot.ts'
import type { TabletAlias } from '../model/tablet.ts'

export interface BackupCandidate {
  readonly alias: TabletAlias
  /** Undefined when its daemon is dead or does not answer. */
  readonly snapshot: TabletSnapshot | undefined
}

/** Batch readers are missed least, then tablets that serve nothing; among equals the one that lags least is first. */
const PREFERENCE: readonly TabletSnapshot['type'][] = ['RDONLY', 'SPARE', 'REPLICA']

/**
 * The tablet with the lowest known lag that may be taken out of service; the primary only when allowed and nothing else is left.
 *
 * @throws TabletError PRIMARY_NEEDS_ALLOW_PRIMARY when only the primary could do it; TABLETS_UNREACHABLE, TYPE_FORBIDS
 *   otherwise; the message says of each tablet why not.
 */
export function chooseBackupTablet(candidates: readonly BackupCandidate[], rules: { readonly allowPrimary: boolean }): TabletAlias {
  const fit = candidates.flatMap(({ snapshot }) => snapshot !== undefined && reasonAgainst(snapshot) === undefined ? [snapshot] : [])
  const [best] = fit.sort((a, b) =>
    (a.lagSeconds ?? Infinity) - (b.lagSeconds ?? Infinity)
    || PREFERENCE.indexOf(a.type) - PREFERENCE.indexOf(b.type)
    || a.alias.localeCompare(b.alias))
  if (best !== undefined) return best.alias

  const primary = candidates.find(({ snapshot }) => snapshot?.type === 'PRIMARY')
  if (primary !== undefined && rules.allowPrimary) return primary.alias
  const reasons = candidates.map(({ alias, snapshot }) => `${alias} ${snapshot === undefined ? 'does not answer' : reasonAgainst(snapshot) ?? ''}`)
  const code = primary !== undefined
    ? 'PRIMARY_NEEDS_ALLOW_PRIMARY'
    : candidates.some(({ snapshot }) => snapshot === undefined) ? 'TABLETS_UNREACHABLE' : 'TYPE_FORBIDS'
  throw new TabletError(code, `no tablet available for backup: ${reasons.length === 0 ? 'the shard has none' : reasons.join('; ')}`)
}

function reasonAgainst(seen: TabletSnapshot): string | undefined {
  if (!PREFERENCE.includes(seen.type)) return `is ${seen.type}`
  if (seen.operation?.state === 'running') return `runs the ${seen.operation.kind} ${seen.operation.id}`
  if (!seen.mysqld.answers) return 'has a mysqld that does not answer'
  return seen.lagSeconds === undefined ? 'has an unknown lag' : undefined
}
