/**
 * Makes a primary read-only for good, and says where its term ended.
 *
 * Owns      the order: super_read_only, end the writers, read the position when it no longer moves, keep it as a
 *           replica's position.
 * Promises  D1  the position returned holds every transaction that a client was told is committed.
 *           D2  a client that holds a lock does not delay the demotion for more than seconds.
 *           D3  a crash between any two steps is mended by demoting again.
 */
import { withDeadline, type ActionContext } from '../base/action.ts'
import { TabletError, hasCode } from '../base/errors.ts'
import type { GtidSet } from '../model/gtid-set.ts'
import type { Mysqld } from '../mysqld/mysqld.ts'
import { actOnSemiSync, decideSemiSync, type SemiSyncWish } from './semi-sync.ts'

/** SET super_read_only waits for whoever holds a table lock or is committing; those are ended after this. */
const POLITE_MS = 2000
const MOST_LOOKS = 10

/** @throws TabletError DEADLINE_EXCEEDED or QUERY_TIMEOUT when the server does not become read-only; then nothing may follow. */
export async function demote(mysqld: Mysqld, semiSync: SemiSyncWish['setting'], ctx: ActionContext): Promise<GtidSet> {
  await becomeReadOnly(mysqld, ctx)
  const final = await finalPosition(mysqld, ctx)
  await mysqld.adoptPositionAsReplica(ctx)
  const { semiSync: seen } = await mysqld.observe(ctx)
  await actOnSemiSync(decideSemiSync({ setting: semiSync, role: 'follower', acknowledges: false }, seen), { mysqld, replicates: false }, ctx)
  return final
}

/** Ends the clients that keep it from becoming so. */
export async function becomeReadOnly(mysqld: Mysqld, ctx: ActionContext): Promise<void> {
  try {
    await withDeadline('set read-only', POLITE_MS, (inner) => mysqld.setReadOnly('on', inner), ctx)
  } catch (error) {
    if (ctx.signal.aborted || !hasCode(error, 'DEADLINE_EXCEEDED', 'QUERY_TIMEOUT')) throw error
    await mysqld.endClientConnections(ctx)
    await mysqld.setReadOnly('on', ctx)
  }
}

/** After super_read_only nothing commits on MySQL; on MariaDB privileged accounts may, so their connections end until it is still. */
async function finalPosition(mysqld: Mysqld, ctx: ActionContext): Promise<GtidSet> {
  let before = await mysqld.executedGtids(ctx)
  for (let look = 0; look < MOST_LOOKS; look++) {
    await mysqld.endClientConnections(ctx)
    const after = await mysqld.executedGtids(ctx)
    if (after.equals(before)) return after
    before = after
  }
  throw new TabletError('CANDIDATE_UNFIT', 'cannot demote: transactions go on being committed in spite of read_only; revoke READ ONLY ADMIN and SUPER from the accounts that write')
}
