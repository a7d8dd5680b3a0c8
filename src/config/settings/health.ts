/** Settings: when a replica counts as behind, and how its lag is measured. */
import { duration } from '../setting.ts'

export const HEALTH_SETTINGS = {
  'degraded-threshold': duration({
    default: 30_000, vitess: true,
    doc: 'Replication lag from which a replica that still serves is given less: the weight told by the agent-check falls from here to '
      + '`unhealthy-threshold`.',
    reason: 'Vitess\'s.',
  }),
} as const
