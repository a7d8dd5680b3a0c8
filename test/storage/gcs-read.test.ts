import t from 'tap'
import { wordsOf } from '../../src/storage/gcs-read.ts'

/** An answer whose body never ends. */
function endless(status: number): { readonly answer: Response, readonly cancelled: () => boolean } {
  let cancelled = false
  const body = new ReadableStream<Uint8Array>({
    pull: (controller) => { controller.enqueue(Buffer.alloc(10_000, 'x')) },
    cancel: () => { cancelled = true },
  })
  return { answer: new Response(body, { status }), cancelled: () => cancelled }
}

t.test('of an answer without an end only a little is read, and of a success nothing', async (t) => {
  for (const [status, length] of [[200, 0], [206, 0], [503, 64 << 10]] as const) {
    const { answer, cancelled } = endless(status)
    t.equal((await wordsOf(answer)).length, length, `status ${status}`)
    t.ok(cancelled(), 'and it is let go of')
  }
  t.equal(await wordsOf(new Response('no such object', { status: 404 })), 'no such object')
  t.equal(await wordsOf(new Response(null, { status: 500 })), '')
})
