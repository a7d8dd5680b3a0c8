/**
 * A server that is not set up as tabletd needs it (design.md section 1): said by a blocker with its code. Pure.
 *
 * Promises  without GTIDs nothing is attached and nobody is promoted; it is still made read-only where the record says so,
 *           and a primary that writes goes on writing.
 */
import { blocker, type Blocker } from '../model/blocker.ts'
import type { ServerFacts } from '../mysqld/mysqld.ts'
import type { Authority } from '../replication/decide-authority.ts'
import { semiSyncProblem, type SemiSyncSetting } from '../replication/semi-sync.ts'

export function unfitServer(server: Pick<ServerFacts, 'gtidProblems' | 'semiSync'>, semiSync: SemiSyncSetting): Blocker | undefined {
  const { gtidProblems } = server
  if (gtidProblems.length > 0) {
    return blocker('server-unfit', { code: 'GTID_REQUIRED', message: `the server does not replicate by GTIDs: ${gtidProblems.join('; ')}` })
  }
  const problem = semiSyncProblem(semiSync, server.semiSync)
  return problem === undefined ? undefined : blocker('server-unfit', { code: 'SEMI_SYNC_UNAVAILABLE', message: problem })
}

/** What may be done of `authority` to a server that `unfit` speaks against; the blocker is part of it where it can be. */
export function restrain(authority: Authority, unfit: Blocker | undefined, isPrimary: boolean): Authority {
  if (unfit?.code !== 'GTID_REQUIRED') return authority
  switch (authority.role) {
    case 'keep':
    case 'as-found': return authority
    case 'primary': return isPrimary ? authority : { role: 'hold', blockers: [unfit] }
    case 'follow': return { role: 'hold', blockers: [unfit, ...authority.blockers] }
    case 'hold': return { role: 'hold', blockers: [unfit, ...authority.blockers] }
  }
}
