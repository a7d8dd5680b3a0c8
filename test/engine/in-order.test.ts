import t from 'tap'
import { BlockBudget } from '../../src/engine/block-budget.ts'
import { inOrder } from '../../src/engine/in-order.ts'

const MOST = 5
const share = (): ReturnType<BlockBudget['open']> => new BlockBudget(2).open()

async function* upTo(count: number, onTaken: (item: number) => void = () => undefined): AsyncGenerator<number, void, undefined> {
  for (let item = 0; item < count; item++) {
    onTaken(item)
    await Promise.resolve()
    yield item
  }
}

t.test('results come in the order of the items, whichever is ready first', async (t) => {
  for (const count of [0, 1, MOST, MOST + 1, 50]) {
    const waiting: (() => void)[] = []
    const work = async (item: number): Promise<number> => {
      await new Promise<void>((resolve) => {
        waiting.unshift(resolve)   // the last one that began is ready first
        if (waiting.length === Math.min(MOST, count) || item === count - 1) for (const ready of waiting.splice(0)) ready()
      })
      return item
    }
    t.same(await Array.fromAsync(inOrder(upTo(count), share(), work)), Array.from({ length: count }, (_, item) => item), `${count} items`)
  }
})

t.test('what nobody takes is not read', async (t) => {
  let read = 0
  let most = 0
  let taken = 0
  for await (const item of inOrder(upTo(40, () => { read += 1 }), share(), (item) => Promise.resolve(item))) {
    t.equal(item, taken)
    most = Math.max(most, read - taken)
    taken += 1
  }
  t.equal(taken, 40)
  t.equal(most, MOST, 'as many in flight as the share allows, never more')
})

t.test('the failure of one ends all, and nothing is running then', async (t) => {
  let running = 0
  let released = false
  const source = (async function* () {
    try { yield* upTo(40) } finally { released = true }
  })()
  const work = async (item: number): Promise<number> => {
    running += 1
    await new Promise((resolve) => setImmediate(resolve))
    running -= 1
    if (item === 7) throw new Error('seven')
    return item
  }
  const got: number[] = []
  await t.rejects(async () => { for await (const item of inOrder(source, share(), work)) got.push(item) }, { message: 'seven' })
  t.same(got, [0, 1, 2, 3, 4, 5, 6])
  t.equal(running, 0)
  t.ok(released, 'the source was let go of')
})

t.test('a source that fails, and a taker that leaves, leave nothing running', async (t) => {
  let running = 0
  const work = async (item: number): Promise<number> => {
    running += 1
    await new Promise((resolve) => setImmediate(resolve))
    running -= 1
    return item
  }
  const failing = upTo(40, (item) => { if (item === 3) throw new Error('unreadable') })
  await t.rejects(Array.fromAsync(inOrder(failing, share(), work)), { message: 'unreadable' })
  t.equal(running, 0)
  for await (const item of inOrder(upTo(40), share(), work)) if (item === 2) break
  t.equal(running, 0)
})
