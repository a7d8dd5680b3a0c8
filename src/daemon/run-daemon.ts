/**
 * The life of the process: directories, locks, HTTP first, then the tablet; and a quiet end.
 *
 * Promises  HTTP answers before any work begins, so a probe reads why it does not serve instead of being refused.
 *           It ends only for settings, a port or directory it cannot get, another tabletd, or its signal.
 */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { sleep, undoContext, withDeadline, type ActionContext } from '../base/action.ts'
import { TabletError, messageOf } from '../base/errors.ts'
import { lockFile } from '../base/file-lock.ts'
import type { Config } from '../config/settings.ts'
import { startAgentCheck } from '../http/agent-check.ts'
import type { MetricFacts } from '../http/metric-samples.ts'
import { startHttpServer, type HttpServer } from '../http/server.ts'
import { BackupWatch } from './backup-watch.ts'
import { composeTablet, toolVersion } from './compose.ts'
import { metricFacts } from './metric-facts.ts'
import type { Parts } from './parts.ts'
import { scheduleBackups } from './schedule.ts'
import { StartingControl } from './starting-control.ts'
import { Tablet } from './tablet.ts'

export async function runDaemon(config: Config, ctx: ActionContext): Promise<void> {
  await using opened = new AsyncDisposableStack()
  const log = ctx.log.child({ tablet: config['tablet-path'] })
  const own = { ...ctx, log }
  await prepareDirectory(config['tablet-dir'])
  opened.use(await lockFile(join(config['tablet-dir'], 'lock'), `tabletd of ${config['tablet-path']}, pid ${process.pid}`))

  const control = new StartingControl()
  const tablet = {
    alias: config['tablet-path'], keyspace: config['init-keyspace'], shard: config['init-shard'],
    hostname: config['tablet-hostname'], version: toolVersion(), startedAt: new Date().toISOString(),
  }
  const told: { facts: () => MetricFacts } = { facts: () => ({}) }
  const http = await listen(config, { control, metricFacts: () => told.facts() }, own)
  opened.use(http)
  const agentPort = config['agent-check-port']
  if (agentPort !== 0) opened.use(await startAgentCheck({ port: agentPort, bindAddress: config['bind-address'] }, control, own))
  const parts = await composeTablet(tablet, config, opened, own)
  await using dataLock = await lockDataDirectory(parts)
  void dataLock
  parts.watched.httpPort = http.port
  const backups = new BackupWatch({ storage: parts.storage, shard: parts.shard, lastEnd: () => lastEndOf(parts.operations) })
  told.facts = () => metricFacts(parts, backups)

  const work = new AbortController()   // the loop ends after the running operation was undone, not with the signal
  const working = { ...own, signal: work.signal }
  const running = new Tablet(parts, working)
  control.become(running)
  using schedule = scheduleBackups(config['backup-schedule'], running, working)
  void schedule
  const loop = Promise.all([running.run(), backups.run(working)])
  log.info({ port: http.port, type: parts.manager.type }, `tabletd ${tablet.version} started`)
  await Promise.race([aborted(ctx.signal), loop])
  await end(parts, running, own)
  work.abort(ctx.signal.reason)
  await loop   // before mysqld is stopped, or the loop would start it again
  await stopMysqldAtEnd(parts, own)
}

const lastEndOf = (operations: Pick<Parts['operations'], 'list'>): string =>
  operations.list().reduce((last, { endedAt = '' }) => endedAt > last ? endedAt : last, '')

/** Probes answer 503 first; what runs is undone under its own deadline; mysqld runs on unless told otherwise. */
async function end(parts: Parts, running: Pick<Tablet, 'wake'>, ctx: ActionContext): Promise<void> {
  const { config, operations, watched } = parts
  ctx.log.info('stopping')
  watched.stopping = true
  running.wake()   // the snapshot says so at once, and load balancers have all of lameduck-period to read it
  using undo = undoContext('stop', config['lameduck-period'] + config['onterm-timeout'] + 1_000, ctx)
  await sleep(config['lameduck-period'], undo.signal)
  await withDeadline('end the running operation', config['onterm-timeout'], async (bounded) => {
    await Promise.race([operations.stopCurrent(new TabletError('STOPPING', 'the daemon is stopping')), aborted(bounded.signal)])
  }, undo)
}

async function stopMysqldAtEnd({ config, process: mysqld }: Pick<Parts, 'config' | 'process'>, ctx: ActionContext): Promise<void> {
  if (!config['stop-mysqld-on-exit'] || !mysqld.canStop) return
  using undo = undoContext('stop mysqld', config['mysql-shutdown-timeout'], ctx)
  await mysqld.stop(undo).catch((error: unknown) => { ctx.log.error({ err: error }, `mysqld was not stopped cleanly: ${messageOf(error)}`) })
}

const aborted = (signal: AbortSignal): Promise<void> => new Promise((resolve) => {
  if (signal.aborted) resolve()
  else signal.addEventListener('abort', () => { resolve() }, { once: true })
})

interface Told {
  readonly control: StartingControl
  readonly metricFacts: () => MetricFacts
}

function listen(config: Config, { control, metricFacts: facts }: Told, ctx: ActionContext): Promise<HttpServer> {
  const { 'tls-cert': cert, 'tls-key': key, 'tls-client-ca': clientCa, 'api-token-file': tokenFile } = config
  return startHttpServer({
    port: config.port, bindAddress: config['bind-address'],
    adminSocket: join(config['tablet-dir'], 'admin.sock'),
    hostnames: [config['tablet-hostname']], tags: config['init-tags'],
    version: toolVersion(), metricFacts: facts,
    ...(tokenFile === undefined ? {} : { tokenFile }),
    ...(cert === undefined || key === undefined ? {} : {
      tls: { certFile: cert, keyFile: key, ...(clientCa === undefined ? {} : { clientCaFile: clientCa }) },
    }),
  }, control, ctx)
}

async function prepareDirectory(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: 0o750 })
  } catch (error) {
    throw new TabletError('DIRECTORY_UNUSABLE', `cannot make ${path}: ${messageOf(error)}`, { cause: error })
  }
}

/** Two daemons with different tablet directories must not share one data directory. */
async function lockDataDirectory({ options, config }: Pick<Parts, 'options' | 'config'>): Promise<AsyncDisposable> {
  const { dataDir } = options.paths
  await prepareDirectory(dataDir)
  return await lockFile(join(dataDir, '.tabletd.lock'), `tabletd of ${config['tablet-path']}, pid ${process.pid}`)
}
