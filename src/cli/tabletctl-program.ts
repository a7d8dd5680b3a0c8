/** Commander's view of tabletctl: the table of commands, their help, and which of them was asked for. */
import { Command, CommanderError, Option } from 'commander'
import { TabletError } from '../base/errors.ts'
import type { CommandOption, CtlCommand } from './command.ts'
import { GLOBAL_OPTIONS } from './command-line.ts'
import { backupCommands } from './commands/backup.ts'
import { operationCommands } from './commands/operations.ts'
import { reparentCommands } from './commands/reparent.ts'
import { storedBackupCommands } from './commands/stored-backups.ts'
import { tabletCommands } from './commands/tablets.ts'

export const COMMANDS: readonly CtlCommand[] = [
  ...backupCommands, ...storedBackupCommands, ...reparentCommands, ...tabletCommands, ...operationCommands,
]

const AFTER = `
Settings are tabletd's own, as flags anywhere on the line, as TABLETD_… variables or in the file of --config. Needed are
  --topo-root DIR         where the tablets are recorded
  --api-token-file FILE   the token, for commands that change a tablet of another machine
  --tablet-dir DIR        instead, on the machine of a tablet: its directory, with the admin socket

Vitess's spellings (Backup, ListBackups, InitShardMaster, -allow_primary …) are accepted. The exit code is 0, or that of
the error (docs/errors.md), or 130 when Ctrl-C ended the watching of an operation: the operation itself goes on.`

export interface Asked {
  readonly command: CtlCommand
  readonly args: readonly string[]
  readonly options: Readonly<Record<string, string | true | undefined>>
}

/**
 * The command in `argv`; undefined when help or the version was asked for and written to `write`.
 *
 * @throws TabletError BAD_REQUEST when there is none such.
 */
export function parseProgram(
  argv: readonly string[], about: { readonly version: string, readonly write: (text: string) => void },
): Asked | undefined {
  let asked: Asked | undefined
  const program = new Command('tabletctl').description('Asks tablets to back up, restore and change places, and shows how they are.')
    .version(about.version, '--version', 'print the version').helpOption('-h, --help', 'print help').helpCommand('help [command]', 'print help for a command')
    .configureHelp({ subcommandTerm: (command) => [command.name(), ...command.registeredArguments.map(argumentTerm)].join(' ') })
    .addHelpText('after', AFTER).showHelpAfterError(false).showSuggestionAfterError(true)
  for (const option of GLOBAL_OPTIONS) program.addOption(commanderOption(option))
  for (const command of COMMANDS) {
    const sub = program.command([command.name, ...command.args].join(' ')).description(command.summary).aliases([...command.aliases])
      .helpOption('-h, --help', 'print help').allowExcessArguments(false)
    for (const option of [...GLOBAL_OPTIONS, ...command.options]) sub.addOption(commanderOption(option))
    sub.action((...given: unknown[]) => {
      const args = given.slice(0, command.args.length).filter((one) => one !== undefined) as string[]
      asked = { command, args, options: namedOptions({ ...program.opts(), ...sub.opts() }) }
    })
  }
  const quiet = { writeOut: about.write, writeErr: () => undefined }
  for (const each of [program, ...program.commands]) each.exitOverride().configureOutput(quiet)
  try {
    program.parse([...argv], { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.exitCode === 0) return undefined
    throw new TabletError('BAD_REQUEST', usageMessage(error, program))
  }
  return asked
}

const argumentTerm = (argument: { name(): string, required: boolean }): string => argument.required ? `<${argument.name()}>` : `[${argument.name()}]`

function commanderOption(option: CommandOption): Option {
  const short = option.short === undefined ? '' : `-${option.short}, `
  return new Option(`${short}--${option.name}${option.value === undefined ? '' : ` ${option.value}`}`, option.doc)
}

/** Commander's camel case back to the long names. */
function namedOptions(options: Readonly<Record<string, unknown>>): Asked['options'] {
  return Object.fromEntries(Object.entries(options).map(([name, value]) =>
    [name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`), value === true ? true : typeof value === 'string' ? value : undefined]))
}

function usageMessage(error: CommanderError, program: Command): string {
  if (error.code === 'commander.help') return `which command? ${program.commands.map((one) => one.name()).join(', ')}`
  return error.message.replace(/^error: /, '').replaceAll('\n', ' ')
}
