/** Settings from the environment: `TABLETD_RESTORE_FROM_BACKUP=true`. An empty variable is as good as none. */
import { noFindings, take, type Findings } from './given.ts'

const PREFIX = 'TABLETD_'

/** What Kubernetes puts into every container beside a Service that happens to be named tabletd. */
const SERVICE_LINK = /^TABLETD_(?:SERVICE_(?:HOST|PORT\w*)|PORT_\d+_(?:TCP|UDP|SCTP)\w*)$/
const SERVICE_ADDRESS = /^(?:tcp|udp|sctp):\/\//

export interface Environment extends Findings {
  /** The path given with TABLETD_CONFIG. */
  readonly configFile: string | undefined
}

export function readEnvironment(env: Readonly<Record<string, string | undefined>>): Environment {
  const findings = noFindings()
  for (const [where, raw] of Object.entries(env)) {
    if (!where.startsWith(PREFIX) || raw === undefined || raw === '' || where === `${PREFIX}CONFIG`) continue
    if (SERVICE_LINK.test(where) || SERVICE_ADDRESS.test(raw) || where.startsWith(`${PREFIX}TEST_`)) continue
    take({ spelling: where.slice(PREFIX.length), raw, where }, findings)
  }
  return { ...findings, configFile: env[`${PREFIX}CONFIG`] || undefined }
}
