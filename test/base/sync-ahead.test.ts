import t from 'tap'
import { Room } from '../../src/base/room.ts'
import { syncAhead } from '../../src/base/sync-ahead.ts'

const MIB = 1 << 20

/** A file whose syncs end when they are told to. */
function file(): { readonly handle: Parameters<typeof syncAhead>[0], readonly begun: string[], end(error?: Error): Promise<void> } {
  const begun: string[] = []
  const waiting: PromiseWithResolvers<void>[] = []
  const begin = (what: string) => (): Promise<void> => {
    begun.push(what)
    const one = Promise.withResolvers<void>()
    waiting.push(one)
    return one.promise
  }
  return {
    handle: { datasync: begin('datasync'), sync: begin('sync') },
    begun,
    end: async (error) => {
      const one = waiting.shift()
      if (error === undefined) one?.resolve()
      else one?.reject(error)
      await new Promise(setImmediate)
    },
  }
}

t.test('a small file is synced once, at its end; a large one while it is written, one sync at a time', async (t) => {
  const small = file()
  const ahead = syncAhead(small.handle, new Room(1))
  ahead.note(127 * MIB)
  t.same(small.begun, [])
  const finished = ahead.finish()
  await small.end()
  await new Promise(setImmediate)
  await small.end()
  await finished
  t.same(small.begun, ['sync'])

  const large = file()
  const more = syncAhead(large.handle, new Room(1))
  for (let done = 0; done < 400; done += 2) more.note(2 * MIB)
  await new Promise(setImmediate)
  t.same(large.begun, ['datasync'], 'as the first has not ended')
  await large.end()
  more.note(2 * MIB)
  await new Promise(setImmediate)
  t.same(large.begun, ['datasync', 'datasync'])
  const end = more.finish()
  await new Promise(setImmediate)
  t.same(large.begun, ['datasync', 'datasync'], 'the last one waits for it')
  await large.end()
  await large.end()
  await end
  t.same(large.begun, ['datasync', 'datasync', 'sync'])
})

t.test('what an early sync says is not lost, though the last one succeeds', async (t) => {
  const failing = file()
  const ahead = syncAhead(failing.handle, new Room(1))
  ahead.note(128 * MIB)
  await new Promise(setImmediate)
  await failing.end(new Error('EIO'))
  const finished = ahead.finish()
  finished.catch(() => undefined)
  await new Promise(setImmediate)
  await failing.end()
  await t.rejects(finished, { message: 'EIO' })
})

t.test('disposed of, it waits for a sync that runs', async (t) => {
  const slow = file()
  const ahead = syncAhead(slow.handle, new Room(1))
  ahead.note(128 * MIB)
  await new Promise(setImmediate)
  let disposed = false
  const disposing = Promise.resolve(ahead[Symbol.asyncDispose]()).then(() => { disposed = true })
  await new Promise(setImmediate)
  t.notOk(disposed)
  await slow.end(new Error('EIO'))
  await disposing
  t.ok(disposed)
})
