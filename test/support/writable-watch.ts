/**
 * Who is writable, looked at every few milliseconds on every server of a shard: promise 7 seen from outside.
 *
 * Promises  says "two at once" only when it was surely so: each look is an interval, and only what lies inside counts.
 */
import mysql from 'mysql2/promise'
import type { TestTablet } from './tablet.ts'
import { DBA } from './shard-place.ts'

export interface Look {
  readonly fromMs: number
  readonly toMs: number
  /** undefined: nobody answered. */
  readonly writable: boolean | undefined
}

export interface WritableWatch {
  /** Answered looks of each tablet so far, in the order of the tablets. */
  readonly counts: readonly number[]
  /** Ends it, and resolves to a sentence for each time that two were writable at once. */
  stop(): Promise<readonly string[]>
}

const PAUSE_MS = 3

export function watchWritable(tablets: readonly TestTablet[]): WritableWatch {
  const stopping = new AbortController()
  const looks = tablets.map((): Look[] => [])
  const loops = tablets.map((tablet, index) => lookOn(tablet, looks[index] ?? [], stopping.signal))
  return {
    get counts() { return looks.map((each) => each.filter(({ writable }) => writable !== undefined).length) },
    stop: async () => {
      stopping.abort()
      await Promise.all(loops)
      return tablets.flatMap((one, i) => tablets.slice(i + 1).flatMap((other, j) =>
        bothWritable(looks[i] ?? [], looks[i + 1 + j] ?? [])
          .map((atMs) => `${one.alias} and ${other.alias} were both writable at ${atMs.toFixed(0)} ms`)))
    },
  }
}

async function lookOn(tablet: TestTablet, looks: Look[], signal: AbortSignal): Promise<void> {
  let connection: mysql.Connection | undefined
  while (!signal.aborted) {
    const fromMs = performance.now()
    let writable: boolean | undefined
    try {
      // a demotion ends the connections of clients, and this is one
      connection ??= await open(tablet)
      const [rows] = await connection.query({ sql: 'select @@global.read_only as off', timeout: 2000 })
      writable = Number((rows as { off: number }[])[0]?.off) === 0
    } catch {
      connection?.destroy()
      connection = undefined
    }
    looks.push({ fromMs, toMs: performance.now(), writable })
    await new Promise((resolve) => { setTimeout(resolve, PAUSE_MS) })
  }
  connection?.destroy()
}

async function open(tablet: TestTablet): Promise<mysql.Connection> {
  const connection = await mysql.createConnection({
    socketPath: tablet.place.socket, user: DBA.user, password: DBA.password, connectTimeout: 2000,
  })
  connection.on('error', () => undefined)   // the next query says it
  return connection
}

/** A time in every stretch in which both were surely writable. A lone look tells of one moment in it. Pure. */
export function bothWritable(one: readonly Look[], other: readonly Look[]): readonly number[] {
  const others = stretches(other)
  return stretches(one).flatMap((a) => others.flatMap((b) => {
    if (isLone(a) && isLone(b)) return []
    if (isLone(a)) return b.fromMs <= a.toMs && a.fromMs <= b.toMs ? [a.toMs] : []
    if (isLone(b)) return a.fromMs <= b.toMs && b.fromMs <= a.toMs ? [b.toMs] : []
    const fromMs = Math.max(a.fromMs, b.fromMs)
    return fromMs <= Math.min(a.toMs, b.toMs) ? [fromMs] : []
  }))
}

/** From the end of its first look to the beginning of its last; the other way round when there was one only. */
interface Stretch { readonly fromMs: number, readonly toMs: number }
const isLone = ({ fromMs, toMs }: Stretch): boolean => fromMs > toMs

function stretches(looks: readonly Look[]): readonly Stretch[] {
  const found: Stretch[] = []
  let first: Look | undefined
  let last: Look | undefined
  for (const look of [...looks, undefined]) {
    if (look?.writable === true) { first ??= look; last = look; continue }
    if (first !== undefined && last !== undefined) found.push({ fromMs: first.toMs, toMs: last.fromMs })
    first = last = undefined
  }
  return found
}
