/** The signs of lag from one look to the next: what was proven of one run of mysqld says nothing of another. */
import t from 'tap'
import { watchReplication } from '../../src/daemon/follow.ts'
import { LocalState } from '../../src/daemon/local-state.ts'
import type { Parts } from '../../src/daemon/parts.ts'
import { newWatched } from '../../src/daemon/watched.ts'
import { UUID_A, ctx, mysqlSet, source, status } from '../replication/builders.ts'
import { tempDir } from '../support/temp-dir.ts'
import { processIdentity, serverFacts } from './builders.ts'

const ROWS: readonly (readonly [title: string, pid: number, isFresh: boolean])[] = [
  ['in the same run nothing older than the proof is missing', 7, true],
  ['in another run, perhaps on a volume rolled back, the age of its newest heartbeat is believed', 8, false],
]

for (const [title, pid, isFresh] of ROWS) {
  t.test(title, async (t) => {
    await using dir = await tempDir()
    const beat = { tablet: 'zone1-0000000101', term: 3, ageSeconds: 0 }
    const parts = {
      watched: newWatched(false), state: await LocalState.open(dir.path), shard: { keyspace: 'commerce', shard: '0' },
      config: { 'heartbeat-enable': true } as Parts['config'],
      heartbeats: { read: () => Promise.resolve({ beat, inHandSeconds: undefined }) } as unknown as Parts['heartbeats'],
    }
    const seenIn = (run: number, executed: string): Promise<void> => {
      const server = serverFacts({ replication: status(), executed: mysqlSet(executed) })
      return watchReplication({ server, identity: processIdentity(run) }, parts, ctx)
    }
    await seenIn(7, `${UUID_A}:1-9`)
    parts.watched.sourceLook = { facts: source(), atMs: performance.now() }
    await seenIn(7, `${UUID_A}:1-9`)
    t.type(parts.watched.lagSigns.provenSeconds, 'number', 'it was proven')
    beat.ageSeconds = 3600
    await seenIn(pid, `${UUID_A}:1-5`)
    t.equal((parts.watched.lagSeconds ?? Infinity) < 3600, isFresh)
  })
}
