/**
 * The log: one JSON line an event (or plain text on a terminal is left to the reader's own tools).
 *
 * Field names are fixed here: `tablet`, `component`, `operation`, `step`, `code`, `hint`, `err`.
 * Never log settings as a whole, connection options or request headers: they hold secrets.
 */
import { pino, stdSerializers, type Logger as PinoLogger } from 'pino'
import { TabletError } from './errors.ts'

export type Logger = Pick<PinoLogger, 'debug' | 'info' | 'warn' | 'error' | 'fatal'> & { child(fields: LogFields): Logger }

export interface LogFields {
  readonly tablet?: string
  readonly component?: string
  readonly operation?: string
}

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

/** Writes to standard output unless `fd` names another descriptor. Synchronous, so the last line before an exit is never lost. */
export function createLogger(options: { readonly level: LogLevel, readonly fd?: number }): Logger {
  return pino(
    {
      level: options.level,
      serializers: { err: describeError },
      base: { pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    pino.destination({ fd: options.fd ?? 1, sync: true }),
  )
}

/** A failure of the catalogue needs no stack: its message says what was being done. A bug does. */
function describeError(error: unknown): unknown {
  if (error instanceof TabletError && error.code !== 'INTERNAL') return { code: error.code, message: error.message }
  return error instanceof Error ? stdSerializers.err(error) : error
}

export const silentLogger = (): Logger => pino({ level: 'silent' })
