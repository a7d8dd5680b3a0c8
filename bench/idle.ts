/** What a daemon that does nothing but look after its server keeps in memory. */
import { setTimeout as pause } from 'node:timers/promises'
import type { TestTablet } from '../test/support/tablet.ts'
import type { Bench } from './bench.ts'
import { residentBytes } from './watch-memory.ts'

/** What a piece of work leaves is given back within a minute: by the collector, and by threads that end. */
const SETTLE_MS = 60_000
const WATCH_MS = 10_000
const EVERY_MS = 500

/** The most bytes that the daemon has in memory during ten seconds, a minute after the last work ended. */
export async function idleBytes({ options, signal }: Bench, tablet: TestTablet): Promise<number> {
  const pid = tablet.daemonPid
  if (pid === undefined) throw new Error('the daemon does not run')
  const share = options.quick ? 0.02 : 1
  await pause(share * SETTLE_MS, undefined, { signal })
  let most = 0
  for (let waited = 0; waited <= share * WATCH_MS; waited += EVERY_MS) {
    most = Math.max(most, residentBytes(pid))
    await pause(EVERY_MS, undefined, { signal })
  }
  return most
}
