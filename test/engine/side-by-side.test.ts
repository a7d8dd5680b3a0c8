import t from 'tap'
import { Room } from '../../src/base/room.ts'
import { sideBySide } from '../../src/engine/side-by-side.ts'

t.test('tasks run at once as far as there is room, over all who share it', async (t) => {
  const room = new Room(10)
  const [a, b] = [sideBySide(room), sideBySide(room)]
  const begun: string[] = []
  const ends = new Map<string, () => void>()
  const task = (name: string) => (): Promise<void> => {
    begun.push(name)
    return new Promise((resolve) => { ends.set(name, resolve) })
  }
  await a.begin(6, task('a6'))
  await b.begin(4, task('b4'))
  const waits = [a.begin(4, task('a4')), b.begin(20, task('b20 is larger than all of it')), a.begin(1, task('a1'))]
  t.same(begun, ['a6', 'b4'])
  ends.get('b4')?.()
  await waits[0]
  t.same(begun, ['a6', 'b4', 'a4'])
  ends.get('a6')?.()
  ends.get('a4')?.()
  await waits[1]
  t.same(begun.slice(3), ['b20 is larger than all of it'], 'alone, and before what came later')
  ends.get('b20 is larger than all of it')?.()
  await waits[2]
  ends.get('a1')?.()
  await Promise.all([a.done(), b.done()])
})

t.test('the first failure is thrown by what follows, when all that was begun has ended', async (t) => {
  const room = new Room(10)
  const ended: string[] = []
  {
    await using tasks = sideBySide(room)
    await tasks.begin(1, () => Promise.reject(new Error('first')))
    await tasks.begin(1, async () => { await new Promise(setImmediate); ended.push('second') }).catch(() => undefined)
    await t.rejects(tasks.begin(10, () => { ended.push('never'); return Promise.resolve() }), { message: 'first' })
    await t.rejects(tasks.done(), { message: 'first' })
  }
  t.notOk(ended.includes('never'))
  await room.take(10)
  t.pass('and all of the room is given back')
})
