/**
 * Makes an empty data directory a server: system tables, our accounts, and the mark that we made it.
 *
 * Promises  Nothing that was there before is changed: a directory with data in it is refused (DATA_PRESENT).
 *           A mark in the tablet directory says that it runs, so that what a broken-off one left is removed, being ours.
 *           No GTID is written; root of a new MySQL, which has no password, is locked.
 */
import { access, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { ActionContext } from '../base/action.ts'
import { readIfPresent, removeDurably, writeJsonDurably } from '../base/durable-file.ts'
import { TabletError } from '../base/errors.ts'
import { accountsSql, type Account } from './accounts.ts'
import { ownBootPlan } from './boot-plan.ts'
import { logTail, readLogEnd } from './error-log.ts'
import { dataNames, dataPlaces, isKept, namesIn } from './data-layout.ts'
import { originMarkPath, writeOriginMark, type OriginMark } from './origin-mark.ts'
import { withPrivateBoot } from './private-boot.ts'
import { findMysqldOf } from './find-mysqld.ts'
import { identityOf, waitUntilGone } from './process-identity.ts'
import { programs, type ProgramRunner } from './program.ts'
import { giveTo, makePrivateDirectory, resolveRunAs, type RunAs } from './run-as.ts'
import type { ServerOptions } from './server-options.ts'
import { makeDirectories, removeData } from './set-aside.ts'

export interface Bootstrap {
  readonly mysqldPath: string
  readonly myCnf: string
  readonly tabletDir: string
  readonly mysqldUser?: string
  readonly options: ServerOptions
  readonly dba: Account
  readonly repl: Account | undefined
  /** For `.tabletd.json`; `made` and `since` are ours. */
  readonly origin: Pick<OriginMark, 'newestTermBefore' | 'drained' | 'closed' | 'serverId'>
  readonly runner?: ProgramRunner
}

interface BootstrapMark {
  readonly since: string
  /** Names in the data directory when it began: the operator's own. */
  readonly before: readonly string[]
}

/** After SIGKILL; longer means a disk that hangs. */
const GONE_WITHIN_MS = 30_000

const markPath = (tabletDir: string): string => join(tabletDir, 'bootstrap_in_progress')

/** @throws TabletError DATA_PRESENT, BOOTSTRAP_FAILED (what was made is removed again), PRIVATE_BOOT_FAILED, NO_SPACE, MYSQLD_NOT_FOUND. */
export async function bootstrapServer(bootstrap: Bootstrap, ctx: ActionContext): Promise<void> {
  ctx.signal.throwIfAborted()
  const { options, tabletDir } = bootstrap
  await cleanUpBrokenBootstrap(bootstrap)
  await requireNothingThere(options)
  const mark: BootstrapMark = { since: new Date().toISOString(), before: await namesIn(options.paths.dataDir) ?? [] }
  await writeJsonDurably(markPath(tabletDir), mark)
  const runAs = await resolveRunAs({ dataDir: options.paths.dataDir, mysqldUser: bootstrap.mysqldUser })
  try {
    await makeDirectories(options.paths)
    for (const { path } of dataPlaces(options.paths)) await giveTo(runAs, path)
    await initialise(bootstrap, runAs, ctx)
    await makeAccounts(bootstrap, runAs, ctx)
    await writeOriginMark(options.paths.dataDir, { made: 'bootstrap', since: new Date().toISOString(), ...bootstrap.origin })
    await removeDurably(markPath(tabletDir))
  } catch (error) {
    await cleanUpBrokenBootstrap(bootstrap)
    throw error
  }
  ctx.log.info({ dataDir: options.paths.dataDir }, 'initialised an empty data directory')
}

/** Logs of another server count here: a new one would read their transactions as its own. */
async function requireNothingThere({ paths }: ServerOptions): Promise<void> {
  for (const place of dataPlaces(paths)) {
    const [name] = await dataNames(place) ?? []
    if (name !== undefined) throw new TabletError('DATA_PRESENT', `cannot initialise ${paths.dataDir}: ${place.path} holds ${name}`)
  }
}

/** Removes what a broken-off bootstrap made; nothing without its mark. The directories had no data when it began. */
export async function cleanUpBrokenBootstrap({ tabletDir, options }: Pick<Bootstrap, 'tabletDir' | 'options'>): Promise<void> {
  const text = await readIfPresent(markPath(tabletDir))
  if (text === undefined) return
  const { dataDir } = options.paths
  const before = namesBefore(text)
  await endInitialisers(options)
  await removeData(options.paths)
  for (const name of await namesIn(dataDir) ?? []) {
    const made = isKept(name) || name === basename(originMarkPath(dataDir))   // certificates that the server made for itself
    if (made && before !== undefined && !before.includes(name)) await rm(join(dataDir, name), { force: true })
  }
  await removeDurably(markPath(tabletDir))
}

/** A daemon that was killed leaves its initialising server running: it would write under the next one's hands. Its data are thrown away. */
async function endInitialisers({ paths }: ServerOptions): Promise<void> {
  for (let found = await findMysqldOf(paths); found !== undefined; found = await findMysqldOf(paths)) {
    process.kill(found.identity.pid, 'SIGKILL')
    await waitUntilGone(found.identity, { signal: AbortSignal.timeout(GONE_WITHIN_MS) })
  }
}

/** Undefined when the mark cannot be understood: then nothing that could be the operator's is removed. */
function namesBefore(text: string): readonly string[] | undefined {
  try {
    const { before } = JSON.parse(text) as Partial<BootstrapMark>
    return Array.isArray(before) ? before : undefined
  } catch {
    return undefined
  }
}

async function initialise(bootstrap: Bootstrap, runAs: RunAs | undefined, ctx: ActionContext): Promise<void> {
  const runner = bootstrap.runner ?? programs
  const directory = await makePrivateDirectory(bootstrap.tabletDir, 'boot', runAs)
  const log = join(directory, 'initialise.log')
  try {
    const command = await initialiseCommand(bootstrap, { runAs, log, directory })
    const server = await runner.startServer({ ...command, outputFile: join(directory, 'output.log') })
    const identity = await identityOf(server.pid)
    if (identity !== undefined) await waitUntilGone(identity, ctx).catch(async (error: unknown) => {
      endGroup(server.pid)   // a server on files that are ours and half made; aborted only by the signal
      await server.ended()
      throw error
    })
    const exit = await server.ended()
    if (exit.clean) return
    const said = `${await readLogEnd(log)}\n${await readLogEnd(join(directory, 'output.log'))}`
    throw new TabletError('BOOTSTRAP_FAILED', `cannot initialise ${bootstrap.options.paths.dataDir}: ${logTail(said)}`)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

interface InitialiseWith {
  readonly runAs: RunAs | undefined
  readonly log: string
  readonly directory: string
}

async function initialiseCommand(
  bootstrap: Bootstrap, { runAs, log, directory }: InitialiseWith,
): Promise<{ readonly program: string, readonly arguments: readonly string[] }> {
  const user = runAs === undefined ? [] : [`--user=${runAs.name}`]
  // a MariaDB that starts removes the temporary tables of every other one in its tmpdir (tried)
  const own = [`--log-error=${log}`, `--tmpdir=${directory}`]
  const first = `--defaults-file=${bootstrap.myCnf}`
  if (bootstrap.options.flavor === 'mysql') {
    return { program: bootstrap.mysqldPath, arguments: [first, '--initialize-insecure', ...user, ...own] }
  }
  return {
    program: await findInstallDb(bootstrap),
    // socket: root of the system is root of the server, and nobody without a password
    arguments: [first, ...user, '--auth-root-authentication-method=socket', '--skip-test-db', '--skip-name-resolve', ...own],
  }
}

async function findInstallDb({ mysqldPath, options }: Bootstrap): Promise<string> {
  const directories = [
    ...(process.env['PATH'] ?? '').split(':'), join(options.basedir, 'bin'), join(options.basedir, 'scripts'),
    dirname(mysqldPath), join(dirname(mysqldPath), '../bin'), join(dirname(mysqldPath), '../scripts'),
  ]
  for (const name of ['mariadb-install-db', 'mysql_install_db']) {
    for (const directory of directories.filter((path) => path !== '')) {
      const path = join(directory, name)
      if (await access(path).then(() => true, () => false)) return path
    }
  }
  throw new TabletError('MYSQLD_NOT_FOUND', 'cannot find mariadb-install-db, which belongs to the server package')
}

async function makeAccounts(bootstrap: Bootstrap, runAs: RunAs | undefined, ctx: ActionContext): Promise<void> {
  await withPrivateBoot({
    mysqldPath: bootstrap.mysqldPath, runAs, parent: bootstrap.tabletDir, plan: ownBootPlan(bootstrap.options),
    initSql: accountsSql({ flavor: bootstrap.options.flavor, dba: bootstrap.dba, repl: bootstrap.repl, lockRoot: true }),
    ...(bootstrap.runner === undefined ? {} : { runner: bootstrap.runner }),
  }, () => Promise.resolve(), ctx)
}

/** The installer is a script with a server below it; both are in the session that startServer made. */
function endGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch { /* it has just ended by itself */ }
}
