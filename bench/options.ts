/** The command line of `npm run bench`. */
import { parseArgs } from 'node:util'
import { GB } from './units.ts'

export const PARTS = ['backup', 'restore', 'memory', 's3', 'probes', 'start'] as const
export type Part = (typeof PARTS)[number]

export interface BenchOptions {
  readonly parts: readonly Part[]
  /** How often each side of a comparison runs. */
  readonly rounds: number
  /** Compression threads of both sides. */
  readonly threads: number
  /** Small data, one round, nothing judged: shows that the bench works, and nothing about speed. */
  readonly quick: boolean
  /** Directory of a stopped server to copy instead of tables made for it. */
  readonly data: string | undefined
  readonly flavor: 'mysql' | 'mariadb'
  /** Bytes of the large data directory of the memory part. */
  readonly largeBytes: number
}

export const USAGE = `usage: npm run bench -- [--only ${PARTS.join(',')}] [--rounds N] [--threads N] [--quick]
                       [--data DIR] [--flavor mysql|mariadb] [--size GB]
Everything is made below $TMPDIR and removed again. Exits with 1 when a budget is missed.`

/** @throws Error that says what is wrong, with the usage. */
export function readOptions(argv: readonly string[], machine: { readonly cores: number }): BenchOptions {
  const values = parse(argv)
  const quick = values.quick === true
  return {
    parts: partsIn(values.only),
    rounds: quick ? 1 : countIn('rounds', values.rounds ?? '5'),
    threads: countIn('threads', values.threads ?? String(machine.cores)),
    quick,
    data: values.data,
    flavor: flavorIn(values.flavor ?? 'mysql'),
    largeBytes: quick ? GB / 10 : countIn('size', values.size ?? '10') * GB,
  }
}

function parse(argv: readonly string[]): Partial<Record<'only' | 'rounds' | 'threads' | 'data' | 'flavor' | 'size', string>> & { readonly quick?: boolean } {
  const text = { type: 'string' } as const
  try {
    const options = { only: text, rounds: text, threads: text, data: text, flavor: text, size: text, quick: { type: 'boolean' } } as const
    return { ...parseArgs({ args: [...argv], options }).values }
  } catch (error) {
    throw wrong(error instanceof Error ? error.message : String(error))
  }
}

function partsIn(text: string | undefined): readonly Part[] {
  if (text === undefined) return PARTS
  const named = text.split(',').map((name) => name.trim())
  const unknown = named.find((name) => !PARTS.some((part) => part === name))
  if (unknown !== undefined) throw wrong(`--only knows no part ${JSON.stringify(unknown)}`)
  return PARTS.filter((part) => named.includes(part))
}

function countIn(name: string, text: string): number {
  if (!/^[1-9]\d{0,3}$/.test(text)) throw wrong(`--${name} must be a whole number from 1 to 9999, not ${JSON.stringify(text)}`)
  return Number(text)
}

function flavorIn(text: string): BenchOptions['flavor'] {
  if (text !== 'mysql' && text !== 'mariadb') throw wrong(`--flavor knows mysql and mariadb, not ${JSON.stringify(text)}`)
  return text
}

const wrong = (why: string): Error => new Error(`${why}\n${USAGE}`)
