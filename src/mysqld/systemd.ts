/**
 * mysqld-control systemd: the unit is asked to start and stop; everything else is as with any other command.
 *
 * `systemctl start` returns when the unit is up (Type=notify), `stop` when it is down; units should have
 * TimeoutStopSec=infinity, or systemd kills a shutdown that it finds too long. Tested by its argument lists.
 */
import type { ControlCommands } from './command.ts'

export const systemdCommands = (unit: string): ControlCommands => ({
  control: 'systemd',
  start: { program: 'systemctl', arguments: ['--no-ask-password', 'start', '--', unit] },
  stop: { program: 'systemctl', arguments: ['--no-ask-password', 'stop', '--', unit] },
})
