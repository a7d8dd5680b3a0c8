/**
 * The tablet's life as a table: states, events, where each event leads, what each state publishes and serves.
 *
 * SPARE is the hub: alive, not serving, on its way to the target type. Only DRAINED is durable; every other
 * state is derived anew at each start.
 *
 * See docs/tablet-state.md, which is generated from this table.
 */
import { TabletError } from '../base/errors.ts'
import type { TabletType, TargetType } from './tablet.ts'

export const TABLET_STATES = ['starting', 'spare', 'serving', 'primary', 'backup', 'restore', 'drained'] as const
export type TabletState = (typeof TABLET_STATES)[number]

/** Events, with what each one means. */
export const TABLET_EVENTS = {
  'restore-needed': 'at start: a sentinel is present, or there is no data and restore-from-backup is set',
  'kept-empty': 'at start: no data, and restore-from-backup is not set',
  'data-found': 'at start: data is present',
  'primary-ran-on': 'at start: mysqld ran on, the cached record names this tablet, and the topology gives no record',
  'restored': 'a restore ended with data that proved itself',
  'started-empty': 'no backup exists and the tablet may start empty',
  'restore-abandoned': 'a restore that was asked for ended before it replaced anything',
  'restore-failed': 'a restore failed or was refused; it will be tried again',
  'backup-appeared': 'a complete backup is listed for a tablet that is empty and needs one',
  'healthy': 'nothing blocks this tablet from serving as its target type',
  'unhealthy': 'something blocks this tablet from serving',
  'promoted': 'the shard record names this tablet and it holds the position the term starts from',
  'demoted': 'the shard record names another tablet',
  'mysqld-exited': 'the mysqld of the primary ended',
  'cold-backup-began': 'a backup began by an engine that stops mysqld',
  'backup-ended': 'that backup ended, however it ended',
  'restore-began': 'a restore that was asked for began',
  'drained': 'an operator drained the tablet, or a restore to a point in time did',
  'undrained': 'an operator undrained the tablet',
} as const satisfies Readonly<Record<string, string>>
export type TabletEvent = keyof typeof TABLET_EVENTS

/** What the table needs to know beside the state: the durable drain mark, and the state a restore began from. */
export interface TabletMemory {
  readonly drained: boolean
  readonly beforeRestore: TabletState | undefined
}

/** A state, or one of two that depend on the memory. */
type Target = TabletState | 'drained-if-recorded' | 'before-restore'

interface StateRow {
  readonly publishes: TabletType | 'target'
  readonly serves: 'nothing' | 'reads' | 'writes'
  readonly on: { readonly [E in TabletEvent]?: Target }
}

export const TABLET_STATE_TABLE: Readonly<Record<TabletState, StateRow>> = {
  starting: {
    publishes: 'SPARE', serves: 'nothing',
    on: {
      'restore-needed': 'restore', 'kept-empty': 'drained-if-recorded', 'data-found': 'drained-if-recorded', 'primary-ran-on': 'primary',
    },
  },
  spare: {
    publishes: 'SPARE', serves: 'nothing',
    on: {
      'healthy': 'serving', 'promoted': 'primary', 'backup-appeared': 'restore',
      'cold-backup-began': 'backup', 'restore-began': 'restore', 'drained': 'drained',
    },
  },
  serving: {
    publishes: 'target', serves: 'reads',
    on: {
      'unhealthy': 'spare', 'promoted': 'primary', 'cold-backup-began': 'backup', 'restore-began': 'restore', 'drained': 'drained',
    },
  },
  primary: {
    publishes: 'PRIMARY', serves: 'writes',
    on: { 'demoted': 'spare', 'mysqld-exited': 'spare', 'cold-backup-began': 'backup' },
  },
  backup: {
    publishes: 'BACKUP', serves: 'nothing',
    on: { 'backup-ended': 'drained-if-recorded' },
  },
  restore: {
    publishes: 'RESTORE', serves: 'nothing',
    on: {
      'restored': 'drained-if-recorded', 'started-empty': 'drained-if-recorded', 'restore-failed': 'restore', 'restore-abandoned': 'before-restore',
    },
  },
  drained: {
    publishes: 'DRAINED', serves: 'nothing',
    on: { 'undrained': 'spare', 'cold-backup-began': 'backup', 'restore-began': 'restore' },
  },
}

/**
 * The state after `event`.
 *
 * @throws TabletError ILLEGAL_EVENT when the table has no entry; nothing has changed then.
 */
export function nextState(state: TabletState, event: TabletEvent, memory: TabletMemory): TabletState {
  const target = TABLET_STATE_TABLE[state].on[event]
  if (target === undefined) throw new TabletError('ILLEGAL_EVENT', `event ${event} is illegal in state ${state}`)
  if (target === 'before-restore') return memory.beforeRestore ?? 'spare'
  if (target === 'drained-if-recorded') return memory.drained ? 'drained' : 'spare'
  return target
}

export const isLegal = (state: TabletState, event: TabletEvent): boolean => TABLET_STATE_TABLE[state].on[event] !== undefined

export function publishedType(state: TabletState, target: TargetType): TabletType {
  const { publishes } = TABLET_STATE_TABLE[state]
  return publishes === 'target' ? target : publishes
}
