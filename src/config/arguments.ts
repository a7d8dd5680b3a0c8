/**
 * tabletd's own command line: flags only, in Go's spellings as well, since that is how Vitess's documents write them.
 *
 * `--name value`, `--name=value`, one dash or two, underscores or dashes; a bare switch means true and takes no
 * value but `=false`; every other flag takes the next argument whatever it begins with (`-init_shard -80`).
 */
import { noFindings, take, type Findings } from './given.ts'
import { meaningOf, type Meaning } from './names.ts'
import { readBoolean } from './setting.ts'
import { settingNamed } from './settings.ts'

export type Command = 'run' | 'check' | 'help' | 'version'

export interface Arguments extends Findings {
  readonly command: Command
  /** The path given with --config. */
  readonly configFile: string | undefined
}

const FLAG = /^--?([A-Za-z][A-Za-z0-9_-]*)(?:=([\s\S]*))?$/
const COMMANDS: ReadonlyMap<string, Command> = new Map([['help', 'help'], ['h', 'help'], ['version', 'version'], ['check', 'check']])

/** Reads the arguments after the program's name. Never throws: what is wrong stands in `problems`. */
export function readArguments(argv: readonly string[]): Arguments {
  const findings = noFindings()
  let command: Command = 'run'
  let configFile: string | undefined
  for (let at = 0; at < argv.length; at++) {
    const argument = argv[at] ?? ''
    const [, spelling, attached] = FLAG.exec(argument) ?? []
    if (spelling === undefined) {
      findings.problems.push(stray(argument, argv[at - 1]))
      continue
    }
    const flag = `--${spelling.replaceAll('_', '-').toLowerCase()}`
    const asked = COMMANDS.get(flag.slice(2))
    if (asked !== undefined) {
      if (attached === undefined || readBoolean(attached) === true) command = strongest(command, asked)
      continue
    }
    const meaning = flag === '--config' ? undefined : meaningOf(spelling)
    const next = attached ?? (meaning !== undefined && isBare(meaning) ? 'true' : valueAfter(argv, at, meaning))
    if (attached === undefined && next !== undefined && !(meaning !== undefined && isBare(meaning))) at++
    if (next === undefined && meaning?.kind !== 'unknown' && meaning?.kind !== 'secret') {
      findings.problems.push({ where: flag, what: 'needs a value', hint: `write ${flag}=<value>` })
    } else if (meaning === undefined) {
      configFile = next
    } else {
      take({ spelling, raw: next ?? '', where: flag }, findings)
    }
  }
  return { ...findings, command, configFile }
}

/** --help beats --version beats --check, wherever they stand. */
function strongest(one: Command, other: Command): Command {
  const order: readonly Command[] = ['run', 'check', 'version', 'help']
  return order.indexOf(one) > order.indexOf(other) ? one : other
}

function isBare(meaning: Meaning): boolean {
  if (meaning.kind === 'setting') return settingNamed(meaning.name).bare
  return meaning.kind === 'vitess' && meaning.flag.bare
}

/** The next argument, unless it is plainly the next flag: then the value was forgotten. */
function valueAfter(argv: readonly string[], at: number, meaning: Meaning | undefined): string | undefined {
  const next = argv[at + 1]
  const [, spelling] = FLAG.exec(next ?? '') ?? []
  if (next === undefined || spelling === undefined) return next
  const known = COMMANDS.has(spelling) || spelling === 'config' || meaningOf(spelling).kind !== 'unknown'
  const guess = meaning === undefined || meaning.kind === 'unknown' || meaning.kind === 'secret'
  return known || guess ? undefined : next
}

function stray(argument: string, before: string | undefined): { where: string, what: string, hint: string } {
  const flag = before?.split('=')[0] ?? ''
  if (readBoolean(argument) !== undefined && FLAG.test(before ?? '')) {
    return { where: flag, what: `is a switch and takes no word after it, but "${argument}" follows`, hint: `write ${flag}=${argument}` }
  }
  // the argument itself is not repeated: it may be a secret
  return { where: 'command line', what: before === undefined ? 'begins with an argument that is no flag' : `an argument that is no flag follows ${flag}`,
    hint: 'every setting is a flag, as --port=15100' }
}
