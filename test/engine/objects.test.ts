/** What other programs make of the objects that are written. */
import { spawnSync } from 'node:child_process'
import t from 'tap'
import { codecForWriting } from '../../src/engine/compression.ts'
import { content } from './bytes.ts'
import { compressed } from './compressing.ts'

/** Whole and half blocks of zeros among others, a run that crosses their border, and a last byte that is none. */
function mixed(size: number): Buffer {
  const bytes = content(size)
  for (const [from, to] of [[0, 0.3], [0.45, 0.8], [0.9, 1]] as const) bytes.fill(0, Math.floor(size * from), Math.floor(size * to))
  if (size > 0) bytes[size - 1] = 7
  return bytes
}

const KINDS: Readonly<Record<string, (size: number) => Buffer>> = { random: content, zeros: (size) => Buffer.alloc(size), mixed }
const PROGRAMS = { zstd: 'zstd', pgzip: 'gzip', pargzip: 'gzip' } as const
const MOST_OF_ZEROS = 0.005

for (const [engine, program] of Object.entries(PROGRAMS)) {
  t.test(`${program} accepts every object of ${engine} and makes the file of it`, async (t) => {
    const compression = { engine, enabled: true, level: 1 }
    const block = codecForWriting(compression).blockBytes
    for (const size of [0, 1, block - 1, block, block + 1, 4 * block + 4097]) {
      for (const [kind, make] of Object.entries(KINDS)) {
        const data = make(size)
        const stored = await compressed(compression, data)
        const title = `${size} bytes, ${kind}`
        t.equal(spawnSync(program, ['-q', '-t'], { input: stored }).status, 0, `-t, ${title}`)
        const decoded = spawnSync(program, ['-q', '-d', '-c'], { input: stored, maxBuffer: 1 << 28 })
        t.ok(decoded.status === 0 && decoded.stdout.equals(data), `-d, ${title}`)
        if (kind === 'zeros') t.ok(stored.length < 200 + size * MOST_OF_ZEROS, `${title} take ${stored.length} bytes`)
      }
    }
  })
}
