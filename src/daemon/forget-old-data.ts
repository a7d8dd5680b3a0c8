/** Deletes the data that a restore moved aside, once the tablet with the new ones is healthy (design.md section 4). */
import { messageOf } from '../base/errors.ts'
import type { ActionContext } from '../base/action.ts'
import type { TabletSnapshot } from '../model/snapshot.ts'
import { listAside, removeAside } from '../mysqld/set-aside.ts'
import type { Parts } from './parts.ts'
import { sentinelPresent } from './restore-operation.ts'

/** In the background: gigabytes take their time, and nobody waits for them. One that was broken off goes on at the next start. */
export function forgetOldData(snapshot: TabletSnapshot, parts: Parts, ctx: ActionContext): void {
  const { manager, watched } = parts
  const proven = (manager.state === 'serving' || manager.state === 'primary') && snapshot.blockers.length === 0
  if (!proven || watched.oldDataForgotten) return
  watched.oldDataForgotten = true
  void removeAll(parts, ctx).catch((error: unknown) => {
    ctx.log.warn({ err: error }, `old data that a restore set aside could not be removed: ${messageOf(error)}`)
  })
}

async function removeAll(parts: Parts, ctx: ActionContext): Promise<void> {
  const { paths } = parts.options
  for (const stamp of await listAside(paths)) {
    if (await sentinelPresent(parts)) return   // another restore has begun, and may need them
    await removeAside(paths, stamp)
    ctx.log.info({ aside: stamp }, 'removed the data from before the restore: the new are healthy')
  }
}
