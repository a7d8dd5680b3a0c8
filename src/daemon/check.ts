/** `tabletd --check`: every start-up check once, without starting anything. */
import type { ActionContext } from '../base/action.ts'
import { TabletError, asTabletError } from '../base/errors.ts'
import type { Config } from '../config/settings.ts'
import { composeTablet, toolVersion } from './compose.ts'
import type { Parts } from './parts.ts'

interface Check {
  readonly what: string
  run(parts: Parts, ctx: ActionContext): Promise<string>
}

const CHECKS: readonly Check[] = [
  {
    what: 'backup storage',
    run: async ({ storage, shard }, ctx) => storage === undefined ? 'not configured' : `${(await storage.listBackups(shard, ctx)).length} backups`,
  },
  {
    what: 'topology',
    run: async ({ topology, shard }, ctx) => {
      const found = await topology.readShardRecord(shard, ctx)
      return found === undefined ? 'reached; the shard has no record yet' : `term ${found.record.term}, primary ${found.record.primary}`
    },
  },
  {
    what: 'mysqld',
    run: async ({ process, mysqld }, ctx) => {
      if ((await process.state()).kind !== 'running') return 'does not run now'
      const { gtidProblems, identity } = await mysqld.observe(ctx)
      if (gtidProblems.length > 0) throw new TabletError('GTID_REQUIRED', gtidProblems.join('; '))
      return `${identity.versionText} answers`
    },
  },
]

/** Prints a line a check; resolves with the exit code of the first that failed, else 0. */
export async function checkDaemon(config: Config, ctx: ActionContext): Promise<number> {
  await using opened = new AsyncDisposableStack()
  const tablet = {
    alias: config['tablet-path'], keyspace: config['init-keyspace'], shard: config['init-shard'],
    hostname: config['tablet-hostname'], version: toolVersion(), startedAt: '',
  }
  // somebody waits for the answer: what fails now is told now
  const parts = await composeTablet(tablet, { ...config, 'backup-storage-retry-timeout': 1 }, opened, ctx)
  let exit = 0
  process.stdout.write(`ok      settings and ${parts.mysqldPath}\n`)
  for (const check of CHECKS) {
    try {
      process.stdout.write(`ok      ${check.what}: ${await check.run(parts, ctx)}\n`)
    } catch (error) {
      const { code, message, hint, row } = asTabletError(error)
      process.stdout.write(`failed  ${check.what}: ${message}\n        code: ${code}\n        hint: ${hint}\n`)
      if (exit === 0) exit = row.exit
    }
  }
  return exit
}
