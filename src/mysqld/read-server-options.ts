/** Asks a server program for its version and for the options my.cnf gives it; 0.1 to 0.2 s, and no server is started. */
import type { ActionContext } from '../base/action.ts'
import { withDeadline } from '../base/action.ts'
import { TabletError } from '../base/errors.ts'
import type { ServerVersion } from '../model/server-version.ts'
import { programs, type ProgramRunner } from './program.ts'
import { parsePrintDefaults, parseProgramVersion, parseVerboseHelp, serverOptions, type ServerOptions } from './server-options.ts'

export interface ServerProgram {
  readonly mysqldPath: string
  /** undefined: no defaults file at all. */
  readonly myCnf: string | undefined
  readonly runner?: ProgramRunner
}

const DEADLINE_MS = 30_000

export const defaultsArgument = (myCnf: string | undefined): string =>
  myCnf === undefined ? '--no-defaults' : `--defaults-file=${myCnf}`

/** @throws TabletError MYSQLD_NOT_FOUND when it cannot run or does not answer as a server does. */
export async function readServerVersion(server: Pick<ServerProgram, 'mysqldPath' | 'runner'>, ctx: ActionContext): Promise<ServerVersion> {
  const runner = server.runner ?? programs
  const { stdout, stderr } = await withDeadline(`read the version of ${server.mysqldPath}`, DEADLINE_MS,
    (ctx) => runner.run({ program: server.mysqldPath, arguments: ['--no-defaults', '--version'] }, ctx), ctx)
  const version = parseProgramVersion(stdout)
  if (version === undefined) throw notAServer(server.mysqldPath, stdout + stderr)
  return version
}

/** @throws TabletError MYSQLD_NOT_FOUND; SETTINGS_INVALID when the server does not take its defaults file, in its words. */
export async function readServerOptions(server: ServerProgram, ctx: ActionContext): Promise<ServerOptions> {
  const runner = server.runner ?? programs
  const version = await readServerVersion(server, ctx)
  const first = defaultsArgument(server.myCnf)
  return await withDeadline(`read the options of ${server.mysqldPath}`, DEADLINE_MS, async (ctx) => {
    const help = await runner.run({ program: server.mysqldPath, arguments: [first, '--verbose', '--help'] }, ctx)
    if (help.code !== 0) throw new TabletError('SETTINGS_INVALID', `cannot use ${server.myCnf ?? 'no defaults file'}: ${complaint(help.stderr)}`)
    const defaults = await runner.run({ program: server.mysqldPath, arguments: [first, '--print-defaults'] }, ctx)
    const options = serverOptions({ version, help: parseVerboseHelp(help.stdout), defaults: parsePrintDefaults(defaults.stdout) })
    if (options === undefined) throw notAServer(server.mysqldPath, help.stdout)
    return options
  }, ctx)
}

function complaint(stderr: string): string {
  const errors = stderr.split('\n').filter((line) => /error|unknown|could not|failed/i.test(line) && !/abort/i.test(line))
  return (errors.at(-1) ?? stderr.trim().split('\n').at(-1) ?? '').replace(/^\S+\s+\S+ \d+ /, '')
}

function notAServer(program: string, output: string): TabletError {
  return new TabletError('MYSQLD_NOT_FOUND', `cannot use ${program}: it does not answer as a MySQL or MariaDB server (${output.trim().split('\n')[0] ?? ''})`)
}
