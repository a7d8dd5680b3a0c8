/**
 * The process of the mysqld beside us: started, adopted, stopped, watched; never killed, never doubled.
 *
 * Four ways (`mysqld-control`): supervised starts it itself and adopts a running one; systemd and command
 * ask somebody else for the last start and the stop; none only looks. See design.md section 4, Supervision.
 */
import type { ActionContext } from '../base/action.ts'

export type ProcessState =
  | { readonly kind: 'running', readonly identity: ProcessIdentity }
  /** Shutting down, or a private boot whose daemon is gone: still there. Both start and stop wait for its end first. */
  | { readonly kind: 'stopping', readonly identity: ProcessIdentity }
  | { readonly kind: 'stopped', readonly exit: ProcessExit | undefined }

/** One process, told apart from a later one with the same pid (proc(5)). */
export interface ProcessIdentity {
  readonly pid: number
  /** Field 22 of /proc/<pid>/stat. */
  readonly startTicks: string
  readonly bootId: string
  /** Target of /proc/<pid>/exe. */
  readonly executable: string
}

export interface ProcessExit {
  readonly code: number | undefined
  readonly signal: string | undefined
  /** Exit status 0: a clean shutdown. An adopted process's status is unknown; its error log decides then. */
  readonly clean: boolean
}

export interface StartOptions {
  /** Adds --super-read-only=ON (MariaDB --read-only=ON): for directories we made, and wherever a record has been read. */
  readonly readOnly: boolean
  /** Closed to clients until told otherwise: MySQL --offline-mode=ON; MariaDB --skip-networking and a private socket. */
  readonly closedToClients: boolean
  /** Adds --server-id. */
  readonly serverId?: number
}

export interface MysqldProcess {
  readonly control: 'supervised' | 'systemd' | 'command' | 'none'
  /** false: stop and start reject MYSQLD_NOT_CONTROLLED. */
  readonly canStop: boolean
  /** What the process table says now. Never throws for a missing process. */
  state(): Promise<ProcessState>
  /**
   * Starts mysqld and resolves when it accepts connections on its socket. One that runs is left alone.
   *
   * @throws TabletError MYSQLD_START_FAILED with the end of the error log; MYSQLD_NOT_CONTROLLED.
   */
  start(options: StartOptions, ctx: ActionContext): Promise<ProcessIdentity>
  /**
   * Stops mysqld cleanly and resolves when the process is gone; one that stops already is waited for.
   *
   * @throws TabletError MYSQLD_UNCLEAN_STOP when it went without a clean shutdown; MYSQLD_STOP_FAILED when the signal aborted first.
   */
  stop(ctx: ActionContext): Promise<void>
  /** The socket that clients of ours use now (a private one while closed, on MariaDB). */
  readonly socket: string
}
