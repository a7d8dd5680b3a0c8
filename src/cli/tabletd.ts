/** The daemon's entry point: settings, signals, exit code. */
import '../base/thread-pool.ts'
import { TabletError, asTabletError } from '../base/errors.ts'
import { createLogger } from '../base/logger.ts'
import { loadConfig, type LoadedSettings } from '../config/load.ts'

const EX_SIGNALLED = 130

async function main(): Promise<void> {
  const loaded = await loadConfig({ argv: process.argv.slice(2), env: process.env })
  if (loaded.command === 'help') {
    const { helpText } = await import('../config/describe.ts')
    process.stdout.write(helpText())
    return
  }
  const { toolVersion } = await import('../daemon/compose.ts')
  if (!('config' in loaded)) {
    process.stdout.write(`tabletd ${toolVersion()}\n`)
    return
  }
  await run(loaded)
}

async function run({ command, config, warnings }: Extract<LoadedSettings, { readonly config: unknown }>): Promise<void> {
  const log = createLogger({ level: config['log-level'] })
  for (const warning of warnings) log.warn(warning)
  const stop = new AbortController()
  const onSignal = (signal: string): void => {
    if (stop.signal.aborted) process.exit(EX_SIGNALLED)   // a second one ends it at once; mysqld runs on
    stop.abort(new TabletError('STOPPING', `${signal} received`))
  }
  process.on('SIGTERM', onSignal)
  process.on('SIGINT', onSignal)
  // a promise that nobody waited for is a defect, and no reason to leave a server without its keeper
  process.on('unhandledRejection', (cause) => {
    const error = asTabletError(cause)
    log.error({ err: error, code: error.code, hint: error.hint }, `something failed that nobody waited for: ${error.message}`)
  })
  const ctx = { signal: stop.signal, log }
  if (command === 'check') {
    const { checkDaemon } = await import('../daemon/check.ts')
    process.exitCode = await checkDaemon(config, ctx)
    return
  }
  const { runDaemon } = await import('../daemon/run-daemon.ts')
  await runDaemon(config, ctx)
}

/** Databases and backups are nobody else's: also what installers and servers that we start make below our directories. */
process.umask(process.umask(0o027) | 0o007)

try {
  await main()
  process.exit()
} catch (error) {
  const known = asTabletError(error)
  if (known.code !== 'STOPPING') {
    process.stderr.write(`tabletd: ${known.message}\n  code: ${known.code}\n  hint: ${known.hint}\n`)
    if (known.code === 'INTERNAL') process.stderr.write(`${known.stack ?? ''}\n`)
  }
  process.exit(known.row.exit)
}
