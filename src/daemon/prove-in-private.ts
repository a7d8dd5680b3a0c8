/**
 * The first boot of restored data, inert: no channel, the MANIFEST's position, our accounts, a log-in. Then a clean stop.
 *
 * See design.md, "After a restore" and "Position": MySQL keeps its own gtid_executed where it contains the position;
 * MariaDB gets it by RESET MASTER, gtid_slave_pos and gtid_binlog_state, which needs a binary log at its final path.
 */
import { withDeadline, type ActionContext } from '../base/action.ts'
import { TabletError } from '../base/errors.ts'
import type { BackupManifest } from '../model/manifest.ts'
import { parsePosition } from '../model/position.ts'
import { needsUpgradeStep, parseVersion } from '../model/version-rules.ts'
import { accountsSql } from '../mysqld/accounts.ts'
import type { Mysqld } from '../mysqld/mysqld.ts'
import { ownBootPlan, positionBootPlan } from '../mysqld/boot-plan.ts'
import { withPrivateBoot, type PrivateBoot } from '../mysqld/private-boot.ts'
import { resolveRunAs } from '../mysqld/run-as.ts'
import { openMysqld } from '../mysqld/sql-mysqld.ts'
import { upgradeTables } from '../mysqld/upgrade-tables.ts'
import type { Parts } from './parts.ts'

/** Recovery of a copy of any size, and an upgrade of its tables. */
const FIRST_BOOT_MS = 30 * 60_000

/** The parts that it needs, and the server_id that the data will have. */
type ProofParts = Pick<Parts, 'config' | 'options' | 'mysqldPath' | 'secrets'> & { readonly serverId: number }

export async function proveInPrivate(manifest: BackupManifest, parts: ProofParts, ctx: ActionContext): Promise<void> {
  const { config, options, mysqldPath, secrets } = parts
  const runAs = await resolveRunAs({ dataDir: options.paths.dataDir, mysqldUser: config['mysqld-user'] })
  const dba = { user: config['db-dba-user'], password: secrets.dbaPassword }
  await withDeadline('boot the restored data in private', FIRST_BOOT_MS, (bounded) => withPrivateBoot({
    mysqldPath,
    runAs,
    parent: config['tablet-dir'],
    initSql: accountsSql({ flavor: options.flavor, dba, repl: { user: config['db-repl-user'], password: secrets.replPassword } }),
    plan: bootPlan(manifest, parts),
  }, async ({ socket }, inner) => {
    await using mysqld = openMysqld({ socket: () => socket, ...dba })
    await mysqld.identity(inner)   // the accounts work
    await mysqld.removeReplicationChannel(inner)
    if (needsUpgradeStep(parseVersion(manifest.MySQLVersion), options.version)) {
      const upgraded = await upgradeTables({ mysqldPath, options, socket, dba }, inner)
      inner.log.info({ upgraded, from: manifest.MySQLVersion }, 'the copy is of another version; upgraded its system tables')
    }
    await givePosition(mysqld, manifest, inner)
  }, bounded), ctx)
}

function bootPlan(manifest: BackupManifest, { options, serverId }: Pick<ProofParts, 'options' | 'serverId'>): PrivateBoot['plan'] {
  const extras = manifest.Tabletd
  const needs = {
    ...(extras?.PageSize === undefined ? {} : { pageSize: extras.PageSize }),
    ...(extras?.InnodbDataFilePath === undefined ? {} : { innodbDataFilePath: extras.InnodbDataFilePath }),
    ...(extras?.LowerCaseTableNames === undefined ? {} : { lowerCaseTableNames: extras.LowerCaseTableNames }),
  }
  return options.flavor === 'mariadb' ? positionBootPlan(options, serverId, needs) : ownBootPlan(options, needs)
}

async function givePosition(mysqld: Mysqld, manifest: BackupManifest, ctx: ActionContext): Promise<void> {
  const wanted = parsePosition(manifest.Position)
  if (wanted === undefined) throw new TabletError('MANIFEST_INVALID', 'cannot restore: the MANIFEST has no Position')
  const { identity, executed } = await mysqld.observe(ctx)
  if (wanted.flavor !== identity.flavor) throw new TabletError('BACKUP_INCOMPATIBLE', `cannot use position ${manifest.Position} on a ${identity.flavor} server`)
  if (identity.flavor === 'mysql' && executed.contains(wanted)) {
    if (!wanted.contains(executed)) ctx.log.warn({ position: manifest.Position, executed: executed.toString() }, 'the copy holds more transactions than its MANIFEST says; it keeps its own set')
    return
  }
  const binlogState = manifest.Tabletd?.GtidBinlogState
  await mysqld.setPosition(wanted, binlogState === undefined ? {} : { binlogState }, ctx)
  const now = await mysqld.executedGtids(ctx)
  if (!now.contains(wanted)) throw new TabletError('BACKUP_INCOMPATIBLE', `the position was set to ${wanted.toString()} but the server says ${now.toString()}`)
}
