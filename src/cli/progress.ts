/** The progress of an operation: one line that is redrawn on a terminal, a line now and then elsewhere. */
import type { OperationEvent } from '../http/control.ts'
import type { Operation } from '../model/operation.ts'
import { printable, seconds, size } from './text.ts'

const BAR_WIDTH = 24
const LINE_EVERY_MS = 10_000
/** Rates are measured over this long, so that they neither jump nor remember the slow start. */
const WINDOW_MS = 10_000

interface Mark {
  readonly atMs: number
  readonly bytes: number
}

/** Bytes a second over the last ten seconds; undefined until there is something to measure. */
export function rateOf(marks: readonly Mark[], nowMs: number): number | undefined {
  const recent = marks.filter(({ atMs }) => nowMs - atMs <= WINDOW_MS)
  const first = recent[0]
  const last = recent.at(-1)
  if (first === undefined || last === undefined || last.atMs === first.atMs || last.bytes <= first.bytes) return undefined
  return (last.bytes - first.bytes) / (last.atMs - first.atMs) * 1000
}

/** One line: step, bar, bytes, rate, time left. */
export function progressLine(operation: Operation, rate: number | undefined): string {
  const { step, doneBytes, totalBytes } = operation.progress
  if (totalBytes === undefined || totalBytes === 0) return doneBytes > 0 ? `${printable(step)}, ${size(doneBytes)}` : printable(step)
  const share = Math.min(1, doneBytes / totalBytes)
  const filled = Math.round(share * BAR_WIDTH)
  const parts = [`${printable(step)} [${'#'.repeat(filled)}${'.'.repeat(BAR_WIDTH - filled)}] ${Math.floor(share * 100)} %`, `${size(doneBytes)} of ${size(totalBytes)}`]
  if (rate !== undefined && share < 1) parts.push(`${size(rate)}/s`, `${seconds((totalBytes - doneBytes) / rate)} left`)
  return parts.join(', ')
}

export interface ProgressOutput {
  write(text: string): unknown
  readonly isTTY?: boolean
  readonly columns?: number
}

export interface ProgressView {
  show(event: OperationEvent): void
  /** Ends the line being redrawn. */
  end(): void
}

export function progressView(output: ProgressOutput, nowMs: () => number = Date.now): ProgressView {
  let marks: Mark[] = []
  let last = { step: '', atMs: 0 }
  let drawn = false
  const clear = (): void => { if (drawn) output.write('\r\u001b[K'); drawn = false }
  return {
    show: ({ event, operation, message }) => {
      const now = nowMs()
      const { step, doneBytes } = operation.progress
      if (event === 'log' && message !== step) {   // a log that only names the step is said by the progress
        clear()
        if (message !== undefined) output.write(`${printable(message)}\n`)
        return
      }
      if (step !== last.step) marks = []
      marks = [...marks.filter(({ atMs }) => now - atMs <= WINDOW_MS), { atMs: now, bytes: doneBytes }]
      if (operation.state !== 'running') return
      const line = progressLine(operation, rateOf(marks, now))
      if (output.isTTY === true) {
        output.write(`\r${line.slice(0, Math.max(20, (output.columns ?? 80) - 1))}\u001b[K`)
        drawn = true
      } else if (step !== last.step || now - last.atMs >= LINE_EVERY_MS) {
        output.write(`${line}\n`)
      } else return
      last = { step, atMs: now }
    },
    end: () => { clear() },
  }
}
