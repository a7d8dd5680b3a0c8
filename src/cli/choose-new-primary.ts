/** Which replica takes over in a planned reparent that names none. Pure; whether it may is replication's to judge. */
import { TabletError } from '../base/errors.ts'
import type { TabletAlias } from '../model/tablet.ts'
import type { BackupCandidate } from './choose-backup-tablet.ts'

/** The healthy REPLICA that lags least. @throws TabletError CANDIDATE_UNFIT naming why each tablet was passed over. */
export function chooseNewPrimary(candidates: readonly BackupCandidate[], current: TabletAlias): TabletAlias {
  const others = candidates.filter(({ alias }) => alias !== current)
  const reasons: string[] = []
  const fit = others.flatMap(({ alias, snapshot }) => {
    const [first] = snapshot?.blockers ?? []
    if (snapshot === undefined) reasons.push(`${alias} does not answer`)
    else if (snapshot.type !== 'REPLICA') reasons.push(`${alias} is ${snapshot.type}`)
    else if (first !== undefined) reasons.push(`${alias}: ${first.message}`)
    else return [{ alias, lag: snapshot.lagSeconds ?? Infinity }]
    return []
  })
  const [best] = fit.sort((a, b) => a.lag - b.lag || a.alias.localeCompare(b.alias))
  if (best === undefined) throw new TabletError('CANDIDATE_UNFIT', `no tablet can take over: ${reasons.length === 0 ? 'the shard has no other' : reasons.join('; ')}`)
  return best.alias
}
