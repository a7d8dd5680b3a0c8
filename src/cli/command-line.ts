/**
 * The command line of tabletctl in every spelling that Vitess's documents use, brought into the one that commander reads.
 *
 * Settings (`--topo-root`, `-topo_global_root=…`) may stand anywhere; they are taken out here and read by config/.
 * Pure; what is neither an option nor a setting stays, so that commander names it.
 */
import { meaningOf } from '../config/names.ts'
import { readBoolean } from '../config/setting.ts'
import { settingNamed } from '../config/settings.ts'
import type { CommandOption, CtlCommand } from './command.ts'

export interface CommandLine {
  readonly argv: readonly string[]
  /** Settings by their spelling. */
  readonly settings: Readonly<Record<string, string>>
  readonly configFile: string | undefined
}

export const GLOBAL_OPTIONS: readonly CommandOption[] = [
  { name: 'json', short: 'j', doc: 'print JSON, whose shape stays' },
]

const FLAG = /^--?([A-Za-z][A-Za-z0-9_-]+)(?:=([\s\S]*))?$/

export function readCommandLine(argv: readonly string[], commands: readonly CtlCommand[]): CommandLine {
  const own = optionsByName(commands)
  const rest: string[] = []
  const settings: Record<string, string> = {}
  let configFile: string | undefined
  for (let at = 0; at < argv.length; at++) {
    const argument = argv[at] ?? ''
    if (argument === '--') { rest.push(...argv.slice(at)); break }
    const [, spelling, attached] = FLAG.exec(argument) ?? []
    if (spelling === undefined) { rest.push(argument); continue }
    const name = spelling.replaceAll('_', '-').toLowerCase()
    const option = own.get(name)
    const bare = option === undefined ? isBareSetting(spelling) : option.value === undefined
    // a value may look like a flag (`--shard -80`): what takes a value takes the next argument
    const value = (): string | undefined => attached ?? (bare ? 'true' : argv[++at])
    if (option !== undefined) rest.push(...asOption(option, value()))
    else if (name === 'config') configFile = value()
    else if (name === 'help' || name === 'version' || meaningOf(spelling).kind === 'unknown') rest.push(`--${name}${attached === undefined ? '' : `=${attached}`}`)
    else settings[spelling] = value() ?? ''
  }
  return { argv: rest, settings, configFile }
}

/** `--force=false` is as good as not given; commander knows no such thing. */
function asOption(option: CommandOption, value: string | undefined): readonly string[] {
  if (option.value === undefined) {
    const on = readBoolean(value ?? 'true')
    if (on === false) return []
    return on === true ? [`--${option.name}`] : [`--${option.name}=${value ?? ''}`]
  }
  return value === undefined ? [`--${option.name}`] : [`--${option.name}=${value}`]
}

function optionsByName(commands: readonly CtlCommand[]): ReadonlyMap<string, CommandOption> {
  const all = [...GLOBAL_OPTIONS, ...commands.flatMap(({ options }) => options)]
  return new Map(all.flatMap((option) => [option.name, ...option.aliases ?? []].map((name) => [name, option] as const)))
}

function isBareSetting(spelling: string): boolean {
  const meaning = meaningOf(spelling)
  if (meaning.kind === 'setting') return settingNamed(meaning.name).bare
  return meaning.kind === 'vitess' && meaning.flag.bare
}
