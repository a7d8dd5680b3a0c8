/** What controlling a mysqld needs to know, and where its traces are. */
import { join } from 'node:path'
import type { ActionContext } from '../base/action.ts'
import type { MysqldProcess } from './mysqld-process.ts'
import type { ProgramRunner } from './program.ts'
import type { ServerOptions } from './server-options.ts'
import type { Traces } from './stop-mysqld.ts'

export interface MysqldProcessSettings {
  readonly control: MysqldProcess['control']
  readonly mysqldPath: string
  readonly myCnf: string
  readonly tabletDir: string
  /** As read by readServerOptions. */
  readonly options: ServerOptions
  /** Setting db-socket, where it differs from my.cnf's. */
  readonly socket?: string
  readonly mysqldUser?: string
  readonly unit?: string
  readonly startCommand?: string
  readonly stopCommand?: string
  /** SHUTDOWN by SQL, for a mysqld of another user. */
  readonly requestShutdown?: (ctx: ActionContext) => Promise<void>
  readonly runner?: ProgramRunner
}

/** What mysqld prints before it opens its error log, and all it prints when it has none. */
export const outputFileOf = (tabletDir: string): string => join(tabletDir, 'mysqld-output.log')

export function tracesOf(settings: Pick<MysqldProcessSettings, 'options' | 'tabletDir' | 'control'>): Traces {
  const { paths } = settings.options
  const own = settings.control === 'supervised' ? outputFileOf(settings.tabletDir) : undefined   // standard error of the others is not ours
  return {
    where: {
      dataDir: paths.dataDir, innodbDataHome: paths.innodbDataHome,
      innodbDataFilePath: paths.innodbDataFilePath, pidFile: paths.pidFile,
    },
    errorLog: paths.errorLog ?? own,
    pidFile: paths.pidFile,
  }
}
