/** The facts that decide who this tablet is, from the parts that hold them. */
import type { ServerFacts } from '../mysqld/mysqld.ts'
import type { ProcessIdentity } from '../mysqld/mysqld-process.ts'
import { sameProcess } from '../mysqld/process-identity.ts'
import type { AuthorityFacts } from '../replication/decide-authority.ts'
import { holdsStart } from '../replication/promote.ts'
import type { Parts } from './parts.ts'

export function authorityFacts(
  server: Pick<ServerFacts, 'executed'> | undefined, identity: ProcessIdentity,
  { tablet, view, state, origin }: Pick<Parts, 'tablet' | 'view' | 'state' | 'origin'>,
): AuthorityFacts {
  const { shardRecord, actedOn } = state.memory
  const ranOn = actedOn !== undefined && sameProcess(actedOn.identity, identity)
  const read = view.latest ?? { kind: 'unreadable', why: 'it was not read yet' }
  return {
    alias: tablet.alias,
    read,
    cached: shardRecord,
    data: { made: origin.made, newestTermBefore: origin.newestTermBefore },
    ranOn,
    ranOnAs: ranOn ? actedOn.as : undefined,
    holdsStart: read.kind === 'record' && server !== undefined ? holdsStart(server.executed, read.record) : undefined,
  }
}
