/** What a restore does to this tablet's server and directories: restore-backup.ts fitted to the parts of the daemon. */
import { statfs } from 'node:fs/promises'
import { withDeadline, type ActionContext } from '../base/action.ts'
import { TabletError } from '../base/errors.ts'
import type { RestoreEstimate } from '../engine/backup-engine.ts'
import { dataBytes } from '../mysqld/data-bytes.ts'
import { asideStamp, makeDirectories, removeData, setAside } from '../mysqld/set-aside.ts'
import { readSentinel, removeSentinel, writeSentinel } from '../mysqld/sentinel.ts'
import type { RestoreTools } from '../restore/restore-backup.ts'
import { newServerId } from './new-server-id.ts'
import type { Parts } from './parts.ts'
import { proveInPrivate } from './prove-in-private.ts'

/** On top of the data themselves: redo, temporary tablespaces, logs of the first hours. */
const MARGIN = 1.05

export function restoreTools(
  parts: Parts, options: { readonly drained: boolean, readonly newestTermBefore: number | undefined },
): RestoreTools {
  const { options: server, process, keeper, config, origin, watched } = parts
  const { paths } = server
  const places = { tabletDir: config['tablet-dir'], dataDir: paths.dataDir }
  const serverId = newServerId(parts)
  let keepOld = true
  return {
    to: paths,
    checkSpace: async (estimate) => { keepOld = await oldDataFits(paths, estimate) && await dataBytes(paths) > 0 },
    stopMysqld: async (ctx) => {
      await watched.turn
      await stopForRestore({ process, keeper, config }, ctx)
    },
    writeSentinels: async (backup) => {
      watched.oldDataForgotten = false
      const before = await readSentinel(places)
      const known = before.present ? before.content?.aside : undefined
      const aside = known ?? (before.present || !keepOld ? undefined : asideStamp(Date.now()))
      await writeSentinel(places, {
        backup, since: new Date().toISOString(), ...(aside === undefined ? {} : { aside }), ...(options.drained ? { drained: true } : {}),
      })
    },
    makeRoom: async () => {
      const sentinel = await readSentinel(places)
      const aside = sentinel.present ? sentinel.content?.aside : undefined
      await (aside === undefined ? removeData(paths) : setAside(paths, aside))
      await makeDirectories(paths)
    },
    proveInPrivate: (manifest, ctx) => proveInPrivate(manifest, { ...parts, serverId }, ctx),
    writeOriginMark: (backup, position) => origin.markMade({
      made: 'restore', backup, position, closed: true, serverId, newestTermBefore: options.newestTermBefore,
      ...(parts.state.memory.drained ? { drained: true } : {}),   // as it is now: a drain during the restore counts
    }),
    removeSentinels: () => removeSentinel(places),
  }
}

/** Whether the old data can stay aside while the new are made. @throws TabletError NO_SPACE when not even without them. */
async function oldDataFits(paths: Parts['options']['paths'], estimate: RestoreEstimate): Promise<boolean> {
  if (estimate.bytes === undefined || estimate.fullBytes === undefined) return true
  const { bavail, bsize } = await statfs(paths.dataDir).catch(() => ({ bavail: Infinity, bsize: 1 }))   // made later
  const free = bavail * bsize
  const wanted = estimate.bytes * MARGIN
  // holes may be filled, here or by the first writes: the old data stay only where they are not in the way then
  if (free >= Math.max(estimate.fullBytes * MARGIN, wanted)) return true
  if (free >= wanted) return false
  const old = await dataBytes(paths)
  if (free + old >= wanted) return false
  throw new TabletError('NO_SPACE', `cannot restore into ${paths.dataDir}: ${Math.ceil(wanted)} bytes are needed, ${free + old} can be had`, {
    details: { path: paths.dataDir, bytes: Math.ceil(wanted), free },
  })
}

async function stopForRestore(
  { process, keeper, config }: Pick<Parts, 'process' | 'keeper' | 'config'>, ctx: ActionContext,
): Promise<void> {
  await keeper.settled()
  const state = await process.state()
  if (state.kind === 'stopped') return
  await withDeadline('stop mysqld', config['mysql-shutdown-timeout'], (bounded) => process.stop(bounded), ctx).catch((error: unknown) => {
    // what it leaves is replaced anyway
    if (!(error instanceof TabletError && error.code === 'MYSQLD_UNCLEAN_STOP')) throw error
  })
  keeper.forgetEnds()
}
