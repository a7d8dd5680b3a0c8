/** Which test file begins when: the longest first, so that the run does not end with one file and idle processors. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

/** How long a file takes that has not run here, in seconds, by the first folder of test/ it is in. */
const GUESSES = { integration: 80, faults: 80, mysqld: 40, engine: 20 }

/**
 * @param {readonly string[]} files as `test/faults/x.test.ts`
 * @param {Readonly<Record<string, number>>} known seconds that each took when it last ran
 */
export function longestFirst(files, known) {
  const expected = (file) => known[file] ?? GUESSES[file.split('/')[1]] ?? 2
  return [...files].sort((one, other) => expected(other) - expected(one))
}

/** What saveSeconds wrote; empty when there is none that can be read, for it only orders. */
export function readSeconds(path) {
  try {
    const entries = Object.entries(JSON.parse(readFileSync(path, 'utf8')))
    return Object.fromEntries(entries.filter(([, seconds]) => Number.isFinite(seconds)))
  } catch {
    return {}
  }
}

/** Adds or replaces what these files took; two runs at once may lose each other's news, never the file. */
export function saveSeconds(path, taken) {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(`${path}.${process.pid}`, JSON.stringify({ ...readSeconds(path), ...taken }, null, 1))
  renameSync(`${path}.${process.pid}`, path)
}
