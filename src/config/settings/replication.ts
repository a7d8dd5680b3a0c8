/** Settings: replication, health, and how the daemon ends. */
import { choice, duration } from '../setting.ts'

export const REPLICATION_SETTINGS = {
  'semi-sync': choice({
    default: 'unset', values: ['unset', 'off', 'on'],
    doc: 'Semi-synchronous replication. unset: left as found. on: replicas acknowledge, and the primary waits for them once one is attached.',
  }),
  'replication-connect-retry': duration({
    default: 10_000, vitess: true, aliases: ['master-connect-retry'], min: 1000,
    doc: 'How long a replica waits between attempts to reach its source; whole seconds.', reason: 'Vitess\'s.',
  }),
  'health-check-interval': duration({
    default: 20_000, vitess: true, min: 100, max: 3_600_000,
    doc: 'How often the tablet is looked at when nothing happens; every change is looked at when it happens.', reason: 'Vitess\'s.',
  }),
  'unhealthy-threshold': duration({
    default: 7_200_000, vitess: true,
    doc: 'Replication lag beyond which a replica does not serve. A probe may ask for less with `?lag=`.', reason: 'Vitess\'s.',
  }),
  'serving-state-grace-period': duration({
    default: 0, vitess: true, max: 3_600_000,
    doc: 'How long probes already answer 503 before a step that takes the tablet out of service begins.', reason: 'Vitess\'s.',
  }),
  'lameduck-period': duration({
    default: 50, vitess: true, max: 3_600_000,
    doc: 'How long probes answer 503 after SIGTERM before anything is stopped.', reason: 'Vitess\'s.',
  }),
  'onterm-timeout': duration({
    default: 10_000, vitess: true,
    doc: 'How long SIGTERM waits for the running operation to end or to be undone; a clean stop of mysqld is always awaited.',
    reason: 'Vitess\'s.',
  }),
} as const
