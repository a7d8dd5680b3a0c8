/** The JSON lines that a daemon wrote, read while it writes them. */
import { closeSync, existsSync, fstatSync, openSync, readFileSync, readSync } from 'node:fs'

export type LogLine = Readonly<Record<string, unknown>> & { readonly msg?: string, readonly level?: string }

/** Every complete line so far; what is not JSON (a stack trace) becomes `{ msg }`. */
export function readLog(path: string): readonly LogLine[] {
  return existsSync(path) ? readFileSync(path, 'utf8').split('\n').slice(0, -1).map(parseLine) : []
}

export function logTail(path: string, lines = 30): string {
  return existsSync(path) ? readFileSync(path, 'utf8').trimEnd().split('\n').slice(-lines).join('\n') : '(no log)'
}

/** Reads on from where it stopped: cheap enough to look every few milliseconds. */
export class LogFollower {
  readonly #path: string
  #offset = 0
  #rest = ''

  constructor(path: string) { this.#path = path }

  /** The complete lines that came since the last call. */
  next(): readonly LogLine[] {
    if (!existsSync(this.#path)) return []
    const fd = openSync(this.#path, 'r')
    try {
      const bytes = Buffer.alloc(Math.max(0, fstatSync(fd).size - this.#offset))
      const read = readSync(fd, bytes, 0, bytes.length, this.#offset)
      this.#offset += read
      // a character cut in half here would spoil one line; the daemon writes whole lines
      const lines = (this.#rest + bytes.subarray(0, read).toString()).split('\n')
      this.#rest = lines.pop() ?? ''
      return lines.map(parseLine)
    } finally {
      closeSync(fd)
    }
  }
}

function parseLine(line: string): LogLine {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null ? value as LogLine : { msg: line }
  } catch {
    return { msg: line }
  }
}
