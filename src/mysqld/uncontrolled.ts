/** mysqld-control none: somebody else's mysqld, only looked at. */
import { TabletError } from '../base/errors.ts'
import type { MysqldProcess } from './mysqld-process.ts'
import type { MysqldProcessSettings } from './process-settings.ts'
import { stateOf, type Traces } from './stop-mysqld.ts'

export function uncontrolledMysqld(settings: MysqldProcessSettings, traces: Traces): MysqldProcess {
  const refuse = (doing: string): Promise<never> =>
    Promise.reject(new TabletError('MYSQLD_NOT_CONTROLLED', `cannot ${doing} mysqld: mysqld-control is none`))
  return {
    control: 'none',
    canStop: false,
    socket: settings.socket ?? settings.options.paths.socket,
    state: () => stateOf(traces, () => undefined),
    start: () => refuse('start'),
    stop: () => refuse('stop'),
  }
}
