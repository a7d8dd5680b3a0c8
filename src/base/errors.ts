/** The one error class. Layers add words with `failedTo`; the innermost code stays. */
import { ERRORS, type ErrorCode, type ErrorRow } from './error-catalogue.ts'

export class TabletError extends Error {
  override readonly name = 'TabletError'
  readonly code: ErrorCode
  /** Facts for machines: sizes, ids, limits. Never a secret. */
  readonly details: Readonly<Record<string, unknown>>

  constructor(code: ErrorCode, message: string, options: { cause?: unknown, details?: Readonly<Record<string, unknown>> } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.details = options.details ?? {}
  }

  get row(): ErrorRow { return ERRORS[this.code] }
  get hint(): string { return this.row.hint }
  get retryable(): boolean { return this.row.retryable }
}

/** An error saying what was being done when `cause` was thrown, under the code of `cause`. */
export function failedTo(doing: string, cause: unknown): TabletError {
  const known = cause instanceof TabletError ? cause : undefined
  return new TabletError(known?.code ?? 'INTERNAL', `cannot ${doing}: ${messageOf(cause)}`, { cause, details: known?.details ?? {} })
}

/** `cause` itself when it is ours, else the same error under `code`. */
export function asTabletError(cause: unknown, code: ErrorCode = 'INTERNAL'): TabletError {
  return cause instanceof TabletError ? cause : new TabletError(code, messageOf(cause), { cause })
}

export function hasCode(error: unknown, ...codes: readonly ErrorCode[]): error is TabletError {
  return error instanceof TabletError && codes.includes(error.code)
}

/** True for a system error of one of `codes`, such as ENOENT (errno(3)). */
export function isErrno(error: unknown, ...codes: readonly string[]): error is NodeJS.ErrnoException {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && codes.includes(error.code)
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
