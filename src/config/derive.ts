/** Defaults that depend on other settings or on the machine. Pure, given the machine's facts. */
import { join } from 'node:path'
import type { Config, SettingName } from './settings.ts'

/** What the defaults need to know of the machine. */
export interface MachineFacts {
  readonly hostname: string
  readonly pid: number
  /** That this process may use. */
  readonly cores: number
  /** The absolute path of the first of these programs that exists. */
  readonly findProgram: (names: readonly string[]) => string | undefined
}

/** Settings as far as they are known; what is missing has neither a value nor a default yet. */
export type PartialConfig = { readonly [N in SettingName]?: Config[N] | undefined }

const STATE_HOME = '/var/lib/tabletd'

/** Where a tablet keeps its own files unless `tablet-dir` says otherwise. */
export const defaultTabletDir = (alias: string): string => join(STATE_HOME, alias)

const nineTenths = (ms: number | undefined): number | undefined => ms === undefined ? undefined : Math.floor(ms * 9 / 10)

/** `known` with the derived defaults filled in where they can be. */
export function deriveDefaults(known: PartialConfig, machine: MachineFacts): PartialConfig {
  const alias = known['tablet-path']
  const tabletDir = known['tablet-dir'] ?? (alias === undefined ? undefined : defaultTabletDir(alias))
  return {
    ...known,
    'tablet-dir': tabletDir,
    'tablet-hostname': known['tablet-hostname'] ?? machine.hostname,
    'mysqld-path': known['mysqld-path'] ?? machine.findProgram(['mysqld', 'mariadbd']),
    'compression-threads': known['compression-threads'] ?? machine.cores,
    'recovery-threshold': known['recovery-threshold'] ?? nineTenths(known['unhealthy-threshold']),
    'stop-mysqld-on-exit': known['stop-mysqld-on-exit'] ?? machine.pid === 1,
  }
}
