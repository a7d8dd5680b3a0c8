/**
 * What ProxySQL's monitor would think of a tablet: its two questions, over TCP with an account of its own, and its rules.
 *
 * Source    monitor_read_only_thread and monitor_replication_lag_thread: read_only 0 is a writer; a server without a
 *           channel has no lag; NULL counts as mysql-monitor_slave_lag_when_null; beyond max_replication_lag it is shunned.
 */
import mysql from 'mysql2/promise'
import { setTimeout as pause } from 'node:timers/promises'
import type { TestTablet } from './tablet.ts'

export const MONITOR = { user: 'monitor', password: 'monitor-password' }
/** MariaDB split the privilege that MySQL has. */
export const monitorSql = (flavor: 'mysql' | 'mariadb'): string =>
  `create user '${MONITOR.user}'@'%' identified by '${MONITOR.password}'; grant ${flavor === 'mysql' ? 'replication client' : 'slave monitor'} on *.* to '${MONITOR.user}'@'%'`

export type Verdict = 'writer' | 'reader' | 'shunned'

export interface Seen {
  readonly readOnly: boolean
  /** undefined: no channel; null: its server does not know. */
  readonly lagSeconds: number | null | undefined
}

export const LIMITS = { maxLagSeconds: 30, lagWhenNullSeconds: 3600 }

/** Pure. */
export function verdictOf({ readOnly, lagSeconds }: Seen): Verdict {
  if (!readOnly) return 'writer'
  const lag = lagSeconds === undefined ? 0 : lagSeconds ?? LIMITS.lagWhenNullSeconds
  return lag > LIMITS.maxLagSeconds ? 'shunned' : 'reader'
}

export interface Judged {
  readonly verdict: Verdict
  readonly seen: Seen
  /** Monotonic; the answer came between the two. */
  readonly askedMs: number
  readonly answeredMs: number
}

export interface ProxysqlMonitor {
  /** Every verdict on the tablet, in order; a tablet that lets nobody in has none. */
  judged(tablet: TestTablet): readonly Judged[]
  stop(): Promise<void>
}

const EVERY_MS = 50
const TIMEOUT_MS = 500

export function watchAsProxysql(tablets: readonly TestTablet[], statusSql: string): ProxysqlMonitor {
  const stopping = new AbortController()
  const found = new Map(tablets.map((tablet): [TestTablet, Judged[]] => [tablet, []]))
  const loops = [...found].map(([tablet, judged]) => watch(tablet, { judged, statusSql }, stopping.signal))
  return {
    judged: (tablet) => found.get(tablet) ?? [],
    stop: async () => { stopping.abort(); await Promise.all(loops) },
  }
}

interface Notes { readonly judged: Judged[], readonly statusSql: string }

async function watch(tablet: TestTablet, { judged, statusSql }: Notes, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    let connection: mysql.Connection | undefined
    try {
      connection = await mysql.createConnection({ host: '127.0.0.1', port: tablet.place.mysqlPort, ...MONITOR, connectTimeout: TIMEOUT_MS })
      connection.on('error', () => undefined)
      while (!signal.aborted) {
        const askedMs = performance.now()
        const [[variables]] = await connection.query<mysql.RowDataPacket[]>({ sql: 'select @@global.read_only as read_only', timeout: TIMEOUT_MS })
        const [[status]] = await connection.query<mysql.RowDataPacket[]>({ sql: statusSql, timeout: TIMEOUT_MS })
        const seen = seenIn(variables, status)
        judged.push({ verdict: verdictOf(seen), seen, askedMs, answeredMs: performance.now() })
        await pause(EVERY_MS)
      }
    } catch {
      await pause(EVERY_MS)   // closed, starting, or gone: ProxySQL shuns it meanwhile
    } finally {
      connection?.destroy()
    }
  }
}

function seenIn(variables: mysql.RowDataPacket | undefined, status: mysql.RowDataPacket | undefined): Seen {
  const lag: unknown = status?.['Seconds_Behind_Source'] ?? status?.['Seconds_Behind_Master']
  const lagSeconds = lag === null || lag === undefined ? null : Number(lag)
  return { readOnly: Number(variables?.['read_only']) === 1, lagSeconds: status === undefined ? undefined : lagSeconds }
}
