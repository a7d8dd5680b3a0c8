/** An empty tablet that cannot catch up from its primary's binary logs restores as soon as a backup is there. */
import { readWithin, type ActionContext } from '../base/action.ts'
import type { TabletSnapshot } from '../model/snapshot.ts'
import type { Parts } from './parts.ts'
import { chooseNow, wantedAtStart } from './restore-operation.ts'
import { superviseRestore } from './restore-supervisor.ts'

const LOOK_EVERY_MS = 5_000

export async function considerRestore(snapshot: TabletSnapshot, parts: Parts, wake: () => void, ctx: ActionContext): Promise<void> {
  const { manager, config, watched, storage, process } = parts
  const waits = manager.state === 'spare' && snapshot.blockers.some(({ name }) => name === 'needs-backup')
  const empty = snapshot.data.hasUserData === false && snapshot.data.origin === 'bootstrap'
  if (!waits || !empty || !config['restore-from-backup'] || storage === undefined || !process.canStop) return
  if (performance.now() - watched.lookedForBackupMs < LOOK_EVERY_MS) return
  watched.lookedForBackupMs = performance.now()
  const chosen = await readWithin('look for a backup', 3_000, (bounded) => chooseNow(wantedAtStart(parts), parts, bounded), ctx).catch(() => undefined)
  if (chosen === undefined) return   // its reason is the blocker that stands already
  manager.apply('backup-appeared', `backup ${chosen.from.name} can be restored`)
  void superviseRestore(parts, wake, ctx)
}
