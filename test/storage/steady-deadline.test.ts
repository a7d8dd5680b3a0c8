/** A caller's deadline ends the repeating, and what the storage said is what the caller hears. */
import t from 'tap'
import { withDeadline } from '../../src/base/action.ts'
import { TabletError } from '../../src/base/errors.ts'
import { STEADY, steadily } from '../../src/storage/steady.ts'
import { ctx } from '../replication/builders.ts'

const gone = (): Promise<never> => Promise.reject(new TabletError('STORAGE_UNREACHABLE', 'is it mounted?'))

t.test('a deadline that passes between two tries tells the failure of the last one', async (t) => {
  const work = withDeadline('list', 20, (bounded) => steadily('list backups', STEADY, gone, bounded), ctx)
  await t.rejects(work, { code: 'STORAGE_UNREACHABLE', message: 'is it mounted?' })
})

t.test('a deadline that passes in the first try is all there is to tell', async (t) => {
  const hangs = ({ signal }: { readonly signal: AbortSignal }): Promise<never> => new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => { reject(signal.reason as Error) }, { once: true })
  })
  await t.rejects(withDeadline('list', 20, (bounded) => steadily('list backups', STEADY, hangs, bounded), ctx), { code: 'DEADLINE_EXCEEDED' })
})

t.test('a cancel is told as the cancel', async (t) => {
  const stop = new AbortController()
  const work = steadily('list backups', STEADY, () => {
    queueMicrotask(() => { stop.abort(new TabletError('OPERATION_CANCELLED', 'by hand')) })
    return gone()
  }, { ...ctx, signal: stop.signal })
  await t.rejects(work, { code: 'OPERATION_CANCELLED' })
})
