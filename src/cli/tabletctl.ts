/** Entry point of tabletctl: arguments, signals, exit code. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ActionContext } from '../base/action.ts'
import { ERRORS } from '../base/error-catalogue.ts'
import { TabletError, asTabletError } from '../base/errors.ts'
import { silentLogger } from '../base/logger.ts'
import { loadClientConfig } from '../config/load.ts'
import { readCommandLine } from './command-line.ts'
import { Session, type Output } from './session.ts'
import { COMMANDS, parseProgram } from './tabletctl-program.ts'
import { printable } from './text.ts'

const INTERRUPTED = 130   // 128 + SIGINT, as shells say it

const stop = new AbortController()
// once: a second Ctrl-C ends the process at once
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => { stop.abort(new TabletError('OPERATION_CANCELLED', `interrupted by ${signal}`)) })
}
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0)   // `tabletctl list-backups … | head`
  throw error
})

const argv = process.argv.slice(2)
const wantsJson = argv.some((argument) => argument === '--json' || argument === '-j' || argument === '-json')
try {
  await main(argv, { signal: stop.signal, log: silentLogger() })
} catch (error) {
  report(asTabletError(error))
}

async function main(given: readonly string[], ctx: ActionContext): Promise<void> {
  const line = readCommandLine(given, COMMANDS)
  const asked = parseProgram(line.argv, { version: version(), write: (text) => { process.stdout.write(text) } })
  if (asked === undefined) return
  const { config, warnings } = await loadClientConfig({ flags: line.settings, configFile: line.configFile, env: process.env })
  for (const warning of warnings) process.stderr.write(`tabletctl: ${warning}\n`)
  const output: Output = {
    json: asked.options['json'] === true, progress: process.stderr,
    // JSON escapes for itself; text may hold what other machines say
    print: (text) => { process.stdout.write(`${asked.options['json'] === true ? text : text.split('\n').map(printable).join('\n')}\n`) },
  }
  await using session = new Session(config, output)
  await asked.command.run({ args: asked.args, options: asked.options }, session, ctx)
}

/** One line for people: what, code, hint. As JSON with --json. */
function report(error: TabletError): void {
  const { code, message, hint, details } = error
  const text = message.split('\n').map(printable).join('\n')
  process.stderr.write(wantsJson
    ? `${JSON.stringify({ error: { code, message, hint, retryable: error.retryable, details } })}\n`
    : `tabletctl: ${text} (${code}). ${hint}\n`)
  if (code === 'INTERNAL' && process.env['TABLETD_DEBUG'] !== undefined) process.stderr.write(`${error.stack ?? ''}\n`)
  process.exitCode = stop.signal.aborted && code === 'OPERATION_CANCELLED' ? INTERRUPTED : ERRORS[code].exit
}

function version(): string {
  const file = join(import.meta.dirname, '../../package.json')
  return (JSON.parse(readFileSync(file, 'utf8')) as { readonly version: string }).version
}
