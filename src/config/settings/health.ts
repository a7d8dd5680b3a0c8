/** Settings: when a replica counts as behind, how its lag is measured, and whether its disks still write. */
import { boolean, derived, duration, path } from '../setting.ts'

export const HEALTH_SETTINGS = {
  'degraded-threshold': duration({
    default: 30_000, vitess: true,
    doc: 'Replication lag from which a replica that still serves is given less: the weight told by the agent-check falls from here to '
      + '`unhealthy-threshold`.',
    reason: 'Vitess\'s.',
  }),
  'recovery-threshold': duration({
    default: derived('nine tenths of `unhealthy-threshold`'),
    doc: 'Replication lag up to which a replica that does not serve may begin to. Below `unhealthy-threshold`, so that a lag around that does '
      + 'not move it in and out.',
  }),
  'recovery-hold': duration({
    default: 2_000, max: 3_600_000,
    doc: 'How long a replica that stopped serving for its health must look healthy without a break before it serves again. '
      + 'It does not delay a start, nor the return from a backup or a restore.',
    reason: 'Two looks at least. What stopped for a moment would otherwise come and go with every look.',
  }),
  'heartbeat-enable': boolean({
    default: false, vitess: true,
    doc: 'Heartbeats: the primary writes the time into a row of `_tabletd.heartbeat`, and replicas measure their lag by it. Set it on every '
      + 'tablet of the shard.',
  }),
  'heartbeat-interval': duration({
    default: 1_000, vitess: true, min: 100, max: 60_000,
    doc: 'How often the primary writes its heartbeat. Each one is a transaction in the binary logs: some 350 bytes on MySQL, 550 on MariaDB.',
    reason: 'Vitess\'s.',
  }),
  'disk-write-dir': path({
    default: undefined, vitess: true,
    doc: 'Directory in which a small file is written and synced again and again, to see that its disk still writes. '
      + 'Unset: `tablet-dir` and the data directory.',
  }),
  'disk-write-interval': duration({
    default: 5_000, vitess: true, max: 3_600_000,
    doc: 'How often that is done. 0: never.', reason: 'Vitess\'s.',
  }),
  'disk-write-timeout': duration({
    default: 30_000, vitess: true, min: 100, max: 3_600_000,
    doc: 'How long such a write may take before the tablet, primary or not, stops serving.', reason: 'Vitess\'s.',
  }),
} as const
