/** The mysqld process of this tablet, by `mysqld-control`. */
import { TabletError } from '../base/errors.ts'
import { lexCommand } from '../base/shell-words.ts'
import { CommandMysqld } from './command.ts'
import type { MysqldProcess } from './mysqld-process.ts'
import { tracesOf, type MysqldProcessSettings } from './process-settings.ts'
import { SupervisedMysqld } from './supervised.ts'
import { systemdCommands } from './systemd.ts'
import { uncontrolledMysqld } from './uncontrolled.ts'

/** @throws TabletError SETTINGS_INVALID when what this way of control needs is missing. */
export function openMysqldProcess(settings: MysqldProcessSettings): MysqldProcess {
  const traces = tracesOf(settings)
  switch (settings.control) {
    case 'supervised': return new SupervisedMysqld(settings, traces)
    case 'systemd': return new CommandMysqld(settings, traces, systemdCommands(need(settings.unit, 'mysqld-unit')))
    case 'command': return new CommandMysqld(settings, traces, {
      control: 'command',
      start: lexCommand(need(settings.startCommand, 'mysqld-start-command')),
      stop: settings.stopCommand === undefined ? undefined : lexCommand(settings.stopCommand),
    })
    case 'none': return uncontrolledMysqld(settings, traces)
  }
}

function need(value: string | undefined, name: string): string {
  if (value !== undefined && value !== '') return value
  throw new TabletError('SETTINGS_INVALID', `cannot control mysqld: ${name} is not set`)
}
