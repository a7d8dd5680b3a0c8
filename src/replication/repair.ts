/** Does the one repair that was decided. */
import type { ActionContext } from '../base/action.ts'
import type { ReplicationSource } from '../mysqld/mysqld.ts'
import { attach, startAndConnect, type AttachDeps, type AttachOrder } from './attach.ts'
import type { Repair } from './decide-repair.ts'
import { actOnSemiSync, decideSemiSync } from './semi-sync.ts'

export interface RepairOrder extends Omit<AttachOrder, 'source'> {
  readonly account: Omit<ReplicationSource, 'address'>
}

/**
 * Does `repair` and says what came of it, in one sentence. Failures are those of `attach`.
 *
 * Before a 'stop' the caller calls `forgetRunning`, or it looks like an operator's.
 */
export async function doRepair(repair: Repair, order: RepairOrder, deps: AttachDeps, ctx: ActionContext): Promise<string> {
  switch (repair.do) {
    case 'nothing':
    case 'look':
    case 'wait':
      return repair.sentence
    case 'attach':
    case 'repoint': {
      const outcome = await attach({ ...order, source: { ...order.account, address: repair.to } }, deps, ctx)
      return outcome === 'connected' ? repair.sentence : `${repair.sentence}, not connected yet`
    }
    case 'start': {
      // a restart of mysqld forgets the side, and a receiver that starts without it acknowledges nothing
      const { semiSync } = await deps.mysqld.observe(ctx)
      await actOnSemiSync(decideSemiSync({ ...order.semiSync, role: 'follower' }, semiSync), { mysqld: deps.mysqld, replicates: false }, ctx)
      const outcome = await startAndConnect(deps.mysqld, order.connectWaitMs, ctx)
      return outcome === 'connected' ? repair.sentence : `${repair.sentence}, not connected yet`
    }
    case 'stop':
      await deps.mysqld.stopReplication(ctx)
      return repair.sentence
  }
}
