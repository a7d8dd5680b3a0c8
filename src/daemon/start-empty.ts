/** Initialises an empty server for a tablet of a shard that has no data yet. */
import type { ActionContext } from '../base/action.ts'
import { withDeadline } from '../base/action.ts'
import { bootstrapServer } from '../mysqld/bootstrap.ts'
import { directoryVerdict, inspectDirectory } from '../mysqld/data-directory.ts'
import { newServerId } from './new-server-id.ts'
import type { Parts } from './parts.ts'

const BOOTSTRAP_MS = 5 * 60_000

/**
 * A server that was initialised and never used stays as it is; an empty directory becomes one of ours, closed to clients.
 *
 * @param newestTermBefore undefined: the topology could not be read.
 */
export async function startEmpty(newestTermBefore: number | undefined, parts: Parts, ctx: ActionContext): Promise<void> {
  const { options, config, mysqldPath, secrets, origin, state } = parts
  if (directoryVerdict(await inspectDirectory(options.paths), options).verdict !== 'none') return
  await withDeadline('initialise the data directory', BOOTSTRAP_MS, (bounded) => bootstrapServer({
    mysqldPath,
    myCnf: config['my-cnf'] ?? '',
    tabletDir: config['tablet-dir'],
    options,
    dba: { user: config['db-dba-user'], password: secrets.dbaPassword },
    repl: { user: config['db-repl-user'], password: secrets.replPassword },
    origin: {
      closed: true, serverId: newServerId(parts),
      ...(newestTermBefore === undefined ? {} : { newestTermBefore }),
      ...(state.memory.drained ? { drained: true } : {}),
    },
    ...(config['mysqld-user'] === undefined ? {} : { mysqldUser: config['mysqld-user'] }),
  }, bounded), ctx)
  await origin.reload()
}
