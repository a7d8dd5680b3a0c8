import t from 'tap'
import type { ReplicationStatus } from '../../src/mysqld/mysqld.ts'
import { forgetRunning, noticeOperatorStop, type ReplicationMemory } from '../../src/replication/operator-stop.ts'
import { status } from './builders.ts'

const running = status()
const stopped = status({ io: 'stopped', sql: 'stopped' })
const failed = status({ sql: 'stopped', sqlErrorNumber: 1062, sqlError: 'Duplicate entry' })
type Step = readonly [run: string, seen: ReplicationStatus | undefined | 'we stop it', stoppedByOperator: boolean]

const stories: Readonly<Record<string, readonly Step[]>> = {
  'what stood still when first seen was stopped by nobody in particular': [['m1', stopped, false], ['m1', stopped, false]],
  'what ran under us and stands still was stopped by an operator': [['m1', running, false], ['m1', stopped, true]],
  'one thread is enough': [['m1', running, false], ['m1', status({ sql: 'stopped' }), true]],
  'it stays so after a restart of mysqld': [['m1', running, false], ['m1', stopped, true], ['m2', stopped, true]],
  'it ends when replication runs again': [['m1', running, false], ['m1', stopped, true], ['m1', running, false]],
  'connecting is running': [['m1', stopped, false], ['m1', status({ io: 'connecting' }), false], ['m1', stopped, true]],
  'after a restart of mysqld threads stand still by themselves': [['m1', running, false], ['m2', stopped, false]],
  'what we stopped ourselves is no operator\'s': [['m1', running, false], ['m1', 'we stop it', false], ['m1', stopped, false]],
  'an error is no operator\'s stop': [['m1', running, false], ['m1', failed, false]],
  'a channel that was removed is no operator\'s stop': [['m1', running, false], ['m1', undefined, false], ['m1', stopped, false]],
}

for (const [title, steps] of Object.entries(stories)) {
  t.test(title, async (t) => {
    let memory: ReplicationMemory = { runningIn: undefined, stoppedByOperator: false }
    for (const [run, seen, expected] of steps) {
      memory = seen === 'we stop it' ? forgetRunning(memory) : noticeOperatorStop(memory, run, seen)
      t.equal(memory.stoppedByOperator, expected)
    }
  })
}
