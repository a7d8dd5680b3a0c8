/** What a tablet that is not the primary needs, and what undoes a backup that did not stop its server. */
import t from 'tap'
import { afterQuiet, decideStepDown, type StepDown } from '../../src/daemon/act-on-authority.ts'
import { status } from '../replication/builders.ts'
import { serverFacts } from './builders.ts'

const channel = { replication: status() }
const WRITABLE = { readOnly: false, superReadOnly: false }

const STEPS: readonly (readonly [title: string, facts: Partial<Parameters<typeof decideStepDown>[0]>, step: StepDown])[] = [
  ['a replica as it should be', { server: serverFacts(channel) }, 'nothing'],
  ['a replica with read_only alone keeps its readers', { server: serverFacts({ ...channel, superReadOnly: false }) }, 'read-only'],
  ['a replica that somebody made writable', { server: serverFacts({ ...channel, ...WRITABLE }) }, 'read-only-and-end-clients'],
  ['a former primary that replicates and never wrote knows no end of its term', { server: serverFacts(channel), owesStart: true }, 'nothing'],
  ['a former primary with a channel writes the end of its term', { server: serverFacts(channel), owesStart: true, wrote: true }, 'demote'],
  ['a demotion that was begun goes on', { server: serverFacts(), wrote: true }, 'demote'],
  ['a demotion that is done is over', { server: serverFacts() }, 'nothing'],
  ['a read-only server that owes the end of its term', { server: serverFacts(), owesStart: true }, 'demote'],
  ['a writable server without a channel', { server: serverFacts(WRITABLE) }, 'demote'],
]

for (const [title, facts, step] of STEPS) {
  t.test(`${title}: ${step}`, async (t) => {
    t.equal(decideStepDown({ server: serverFacts(), owesStart: false, wrote: false, ...facts }), step)
  })
}

t.test('a primary that a backup left read-only is writable again, and one that is writable is left alone', async (t) => {
  const undo = (server: Parameters<typeof serverFacts>[0]): readonly string[] => afterQuiet({ as: 'primary', server: serverFacts(server), stoppedByOperator: false })
  t.same(undo({}), ['writable'])
  t.same(undo(WRITABLE), [])
})

t.test('a replica whose threads a backup stopped replicates again, unless somebody or something else stopped them', async (t) => {
  const stopped = { io: 'stopped', sql: 'stopped' } as const
  const undo = (more: Parameters<typeof status>[0], stoppedByOperator = false): readonly string[] =>
    afterQuiet({ as: 'replica', server: serverFacts({ replication: status(more) }), stoppedByOperator })
  t.same(undo(stopped), ['start-replication'])
  t.same(undo(stopped, true), [])
  t.same(undo({ ...stopped, sqlErrorNumber: 1062 }), [])
  t.same(undo({}), [])
  t.same(afterQuiet({ as: 'replica', server: serverFacts(), stoppedByOperator: false }), [], 'and one without a channel gets none')
})
