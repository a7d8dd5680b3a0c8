/**
 * The upgrade step after a restore into a newer server: system tables.
 *
 * MySQL 8.0.16 and later upgrade them by themselves when they boot. MariaDB needs mariadb-upgrade, where the version in
 * the data directory differs from the server's; where the program is not installed, the operator is told.
 */
import { access } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { ActionContext } from '../base/action.ts'
import { readIfPresent } from '../base/durable-file.ts'
import { TabletError } from '../base/errors.ts'
import type { ServerVersion } from '../model/server-version.ts'
import type { Account } from './accounts.ts'
import { logTail } from './error-log.ts'
import { programs, type ProgramRunner } from './program.ts'
import type { ServerOptions } from './server-options.ts'

/** `10.11.19-MariaDB` in mysql_upgrade_info (mariadb_upgrade_info from 10.6 on some builds); undefined: not known, so needed. */
export function upgradeIsNeeded(server: ServerVersion, upgradeInfo: string | undefined): boolean {
  if (server.product !== 'MariaDB') return false
  const [, major, minor] = /^(\d+)\.(\d+)\./.exec(upgradeInfo?.trim() ?? '') ?? []
  return Number(major) !== server.major || Number(minor) !== server.minor
}

export interface UpgradeTables {
  readonly mysqldPath: string
  readonly options: ServerOptions
  /** Of a private boot. */
  readonly socket: string
  readonly dba: Account
  readonly runner?: ProgramRunner
}

/** What was done, in a word for the log. @throws TabletError PRIVATE_BOOT_FAILED when the upgrade program failed. */
export async function upgradeTables(upgrade: UpgradeTables, ctx: ActionContext): Promise<'by-the-server' | 'not-needed' | 'done' | 'no-program'> {
  const { options } = upgrade
  if (options.flavor === 'mysql') return 'by-the-server'
  const { dataDir } = options.paths
  const info = await readIfPresent(join(dataDir, 'mariadb_upgrade_info')) ?? await readIfPresent(join(dataDir, 'mysql_upgrade_info'))
  if (!upgradeIsNeeded(options.version, info)) return 'not-needed'
  const program = await findUpgrade(upgrade)
  if (program === undefined) return 'no-program'
  const result = await (upgrade.runner ?? programs).run({
    program,
    arguments: ['--no-defaults', `--user=${upgrade.dba.user}`, `--socket=${upgrade.socket}`, '--silent'],
    // from a file it hands the password on to other programs wrongly quoted (tried on 10.11)
    environment: { MYSQL_PWD: upgrade.dba.password },
  }, ctx)
  if (result.code === 0) return 'done'
  throw new TabletError('PRIVATE_BOOT_FAILED', `cannot upgrade the system tables: ${logTail(result.stderr + result.stdout)}`)
}

async function findUpgrade({ mysqldPath, options }: UpgradeTables): Promise<string | undefined> {
  const directories = [dirname(mysqldPath), join(dirname(mysqldPath), '../bin'), join(options.basedir, 'bin'), ...(process.env['PATH'] ?? '').split(':')]
  for (const name of ['mariadb-upgrade', 'mysql_upgrade']) {
    for (const directory of directories) {
      if (await access(join(directory, name)).then(() => true, () => false)) return join(directory, name)
    }
  }
  return undefined
}
