/**
 * The start of a tablet, once: put right what a crash left, look at the data, and enter the first state.
 *
 * Promises  nothing on mysqld is changed before the shard record was read or reading it failed; what cannot be told
 *           about the data is never read as "no data".
 */
import { pollUntil, withDeadline, type ActionContext } from '../base/action.ts'
import { TabletError, asTabletError } from '../base/errors.ts'
import { blocker } from '../model/blocker.ts'
import { formatVersion, isSupportedServer } from '../model/version-rules.ts'
import { cleanUpBrokenBootstrap } from '../mysqld/bootstrap.ts'
import { directoryVerdict, emptyServerVerdict, inspectDirectory } from '../mysqld/data-directory.ts'
import type { ServerFacts } from '../mysqld/mysqld.ts'
import { removePrivateRemains } from '../mysqld/private-remains.ts'
import { shouldRestore, type StartFacts } from '../restore/should-restore.ts'
import { decideAuthority } from '../replication/decide-authority.ts'
import { authorityFacts } from './authority-facts.ts'
import type { Parts } from './parts.ts'
import { recoverFromCrash } from './recover.ts'
import { sentinelPresent } from './restore-operation.ts'
import { superviseRestore } from './restore-supervisor.ts'
import { startEmpty } from './start-empty.ts'
import { requireSafeStart, startOptionsOf } from './turn.ts'

/** How long a server may take to come up before its data count as data that it cannot open yet. */
const LOOK_INSIDE_MS = 10 * 60_000

/** Resolves when the tablet has entered its first state; a restore goes on in the background. */
export async function startUp(parts: Parts, wake: () => void, ctx: ActionContext): Promise<void> {
  const { state, origin, manager, view, watched, options, config } = parts
  await view.read(ctx)
  requireSupportedServer(parts)
  if (origin.drained) await state.remember({ drained: true })
  await recoverFromCrash(parts, ctx)
  await removePrivateRemains({ tabletDir: config['tablet-dir'], where: options.paths }, ctx)
  await cleanUpBrokenBootstrap({ tabletDir: config['tablet-dir'], options })
  const sentinel = await sentinelPresent(parts)
  const decision = shouldRestore({
    sentinel,
    data: sentinel ? 'unreadable' : await lookAtData(parts, ctx),   // half a directory is not looked at: that might start a server on it
    restoreFromBackup: config['restore-from-backup'],
  })
  ctx.log.info({ decision: decision.do }, `start: ${decision.why}`)
  switch (decision.do) {
    case 'restore':
      manager.apply('restore-needed', decision.why)
      void superviseRestore(parts, wake, ctx)
      return
    case 'keep-empty':
      if (parts.process.canStop) await startEmpty(view.certainTerm, parts, ctx)
      manager.apply('kept-empty', decision.why)
      return
    case 'refuse':
      watched.untouchable = blocker('operation-failed', { code: decision.code, message: decision.why })
      manager.apply('data-found', decision.why)
      return
    case 'keep-data':
      await origin.markFound()
      if (await ranOnAsPrimary(parts)) manager.apply('primary-ran-on', 'mysqld ran on as the primary, and the topology gives no record')
      else manager.apply('data-found', decision.why)
  }
}

/** Of a server that somebody else starts, its own answer counts. @throws TabletError MYSQLD_UNSUPPORTED */
function requireSupportedServer({ options: { version }, process, mysqldPath }: Pick<Parts, 'options' | 'process' | 'mysqldPath'>): void {
  if (!process.canStop || isSupportedServer(version)) return
  throw new TabletError('MYSQLD_UNSUPPORTED', `${mysqldPath} is ${formatVersion(version)}`)
}

async function ranOnAsPrimary(parts: Parts): Promise<boolean> {
  const process = await parts.process.state()
  if (process.kind !== 'running') return false
  const authority = decideAuthority(authorityFacts(undefined, process.identity, parts))
  return authority.role === 'keep' && authority.as === 'primary' && !parts.state.memory.drained
}

/** By names, and where those leave it open and it matters, by asking the server. */
async function lookAtData(parts: Parts, ctx: ActionContext): Promise<StartFacts['data']> {
  const { options, origin, config, process, view, state } = parts
  const running = (await process.state()).kind === 'running'
  const verdict = directoryVerdict(await inspectDirectory(options.paths), options)
  if (verdict.verdict === 'none') return running ? 'present' : 'none'
  if (verdict.verdict === 'unreadable' && !running) {
    ctx.log.error({ reason: verdict.reason }, 'the data directory cannot be used by this server')
    return 'unreadable'
  }
  // data that have served, or that a restore made, need no second look; nor does anybody who would not restore
  const known = origin.hasServed || origin.made === 'restore' || state.memory.shardRecord?.primary === parts.tablet.alias
  if (!config['restore-from-backup'] || known || view.latest === undefined) return 'present'
  const seen = await lookInside(parts, ctx)
  if (seen === undefined) return 'present'
  const inside = emptyServerVerdict({
    userSchemas: seen.server.userSchemas,
    accounts: seen.accounts,
    hasTransactions: !seen.server.executed.isEmpty() || (seen.server.binlogState ?? '') !== '',
    hasChannel: seen.server.replication !== undefined,
    origin: origin.found,
    ourUsers: [config['db-dba-user'], config['db-repl-user']],
  })
  ctx.log.info({ verdict: inside.verdict, reason: inside.reason }, 'looked inside the server')
  return inside.verdict
}

/** undefined: it could not be asked, which is doubt, so its data count as data. */
async function lookInside(
  parts: Parts, ctx: ActionContext,
): Promise<{ readonly server: ServerFacts, readonly accounts: readonly string[] } | undefined> {
  const { process, mysqld } = parts
  try {
    return await withDeadline('look inside the server', LOOK_INSIDE_MS, async (bounded) => {
      if ((await process.state()).kind !== 'running') {
        await requireSafeStart(parts)
        await process.start(startOptionsOf(parts), bounded)
      }
      const server = await withDeadline('ask mysqld', 30_000, (soon) => pollUntil(200, async () => await mysqld.observe(soon).catch(() => undefined), soon), bounded)
      return { server, accounts: await mysqld.accounts(bounded) }
    }, ctx)
  } catch (error) {
    ctx.signal.throwIfAborted()
    ctx.log.warn({ err: asTabletError(error) }, 'the server could not be asked what it holds; its data are kept')
    return undefined
  }
}
