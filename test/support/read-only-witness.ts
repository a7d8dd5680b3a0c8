/** A client that asks a server all the time whether it is writable: one writable moment of two servers is lost data. */
import { join } from 'node:path'
import mysql from 'mysql2/promise'
import { DBA } from './shard-place.ts'
import type { TestTablet } from './tablet.ts'

export interface ReadOnlyWitness {
  /** Answers so far; a server that is down gives none. */
  readonly samples: () => number
  readonly writable: () => number
  /** Ends it. Resolves to how often it was asked and how often it was writable. */
  stop(): Promise<{ readonly samples: number, readonly writable: number }>
}

/** Asks every few milliseconds, over the server's socket or, while it is closed to clients, over its private one. */
export function watchReadOnly(tablet: TestTablet): ReadOnlyWitness {
  const sockets = [tablet.place.socket, join(tablet.tabletDir, 'private.sock')]
  let [samples, writable, stopping] = [0, 0, false]
  const askUntilItEnds = async (socketPath: string): Promise<void> => {
    const connection = await mysql.createConnection({ socketPath, user: DBA.user, password: DBA.password, connectTimeout: 2000 })
    connection.on('error', () => undefined)
    try {
      while (!stopping) {
        const [rows] = await connection.query({ sql: 'select @@global.read_only', rowsAsArray: true, timeout: 5000 })
        samples++
        if (String((rows as unknown[][])[0]?.[0]) === '0') writable++
        await pause(5)
      }
    } finally {
      connection.destroy()
    }
  }
  const loops = sockets.map(async (socketPath) => {
    while (!stopping) {
      await askUntilItEnds(socketPath).catch(() => undefined)   // down: asked again at once, so its first moment is seen
      await pause(5)
    }
  })
  return {
    samples: () => samples,
    writable: () => writable,
    stop: async () => {
      stopping = true
      await Promise.all(loops)
      return { samples, writable }
    },
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => { setTimeout(resolve, ms) })
