/** The plan of a private boot on this tablet's own directories, from the server's options. */
import { join } from 'node:path'
import type { PrivateBoot } from './private-boot.ts'
import type { ServerOptions } from './server-options.ts'

/** What the data say of themselves, where it differs from my.cnf: from the donor or the MANIFEST. */
export interface DataNeeds {
  readonly pageSize?: number
  readonly innodbDataFilePath?: string
  readonly lowerCaseTableNames?: number
}

export function ownBootPlan(options: ServerOptions, needs: DataNeeds = {}): PrivateBoot['plan'] {
  const { paths } = options
  return {
    flavor: options.flavor, version: options.version,
    basedir: options.basedir, pluginDir: paths.pluginDir,
    dataDir: paths.dataDir, innodbDataHome: paths.innodbDataHome,
    innodbLogHome: paths.innodbLogHome, undoDir: paths.undoDir,
    innodbDataFilePath: needs.innodbDataFilePath ?? paths.innodbDataFilePath,
    pageSize: needs.pageSize ?? paths.innodbPageSize,
    lowerCaseTableNames: needs.lowerCaseTableNames ?? options.lowerCaseTableNames,
    shaping: options.all,
    ...(options.flavor === 'mariadb' && paths.relayLogBase !== undefined ? { relayLogBase: paths.relayLogBase } : {}),
  }
}

/** The same with a binary log at its final path: how MariaDB is told its position. */
export function positionBootPlan(options: ServerOptions, serverId: number, needs: DataNeeds = {}): PrivateBoot['plan'] {
  const domain = options.all.get('gtid-domain-id')
  return {
    ...ownBootPlan(options, needs),
    binlog: {
      base: options.paths.binlogBase ?? join(options.paths.dataDir, 'binlog'), serverId,
      ...(domain === undefined ? {} : { domainId: Number(domain) }),
    },
  }
}
