import { Readable } from 'node:stream'
import t from 'tap'
import { TabletError } from '../../src/base/errors.ts'
import { ByteRoom } from '../../src/storage/byte-room.ts'
import { parseContentRange } from '../../src/storage/object-body.ts'
import { cut, partBytes } from '../../src/storage/part-writer.ts'
import { meaningOf, parseRetryAfter } from '../../src/storage/request-errors.ts'
import { customerKey } from '../../src/storage/s3-storage.ts'
import { STEADY, pauseAfter } from '../../src/storage/steady.ts'

t.test('every answer has its meaning', (t) => {
  const table: readonly (readonly [number | undefined, string, string, boolean])[] = [
    [500, 'InternalError', 'STORAGE_UNREACHABLE', true], [503, 'SlowDown', 'STORAGE_UNREACHABLE', true], [429, '', 'STORAGE_UNREACHABLE', true],
    [408, '', 'STORAGE_UNREACHABLE', true], [400, 'RequestTimeout', 'STORAGE_UNREACHABLE', true], [501, '', 'STORAGE_UNREACHABLE', false],
    [403, 'Forbidden', 'STORAGE_DENIED', false], [401, '', 'STORAGE_DENIED', false], [400, 'ExpiredToken', 'STORAGE_DENIED', false],
    [403, 'RequestTimeTooSkewed', 'STORAGE_DENIED', false], [undefined, 'CredentialsProviderError', 'STORAGE_DENIED', false],
    [403, 'rateLimitExceeded', 'STORAGE_UNREACHABLE', true], [507, '', 'STORAGE_NO_SPACE', false], [403, 'QuotaExceeded', 'STORAGE_NO_SPACE', false],
    [404, 'NoSuchBucket', 'STORAGE_UNREACHABLE', false], [404, 'ContainerNotFound', 'STORAGE_UNREACHABLE', false],
    [400, 'InvalidArgument', 'STORAGE_FAILED', false], [200, 'SyntaxError', 'STORAGE_FAILED', true], [undefined, '', 'STORAGE_UNREACHABLE', true],
  ]
  for (const [status, word, code, again] of table) t.same(meaningOf({ status, word }), [code, again], `${status} ${word}`)
  t.end()
})

t.test('a pause doubles, obeys the storage, and ends', (t) => {
  const failure = (details = {}): TabletError => new TabletError('STORAGE_UNREACHABLE', 'busy', { details })
  const pause = (count: number, error: unknown = failure(), nowMs = 1000): number | undefined =>
    pauseAfter(error, { sinceMs: 0, count }, STEADY, nowMs)
  t.ok((pause(1) ?? 0) >= 150 && (pause(1) ?? 0) <= 200)
  t.ok((pause(5) ?? 0) > (pause(2) ?? 0))
  t.equal(pause(1, failure({ retryAfterMs: 7000 })), 7000)
  t.equal(pause(1, failure({ retryAfterMs: 400_000 })), undefined, 'longer than anybody waits')
  t.equal(pause(STEADY.attempts), undefined)
  t.equal(pause(1, failure(), STEADY.giveUpMs), undefined)
  t.equal(pause(1, failure({ again: false })), undefined)
  t.equal(pause(1, new TabletError('STORAGE_DENIED', 'no')), undefined)
  t.equal(pause(1, new Error('a bug')), undefined)
  t.end()
})

t.test('Retry-After is seconds or a date, or nothing', (t) => {
  const now = Date.UTC(2026, 0, 1)
  t.equal(parseRetryAfter('3', now), 3000)
  t.equal(parseRetryAfter('Thu, 01 Jan 2026 00:00:05 GMT', now), 5000)
  t.equal(parseRetryAfter('Wed, 31 Dec 2025 00:00:05 GMT', now), 0)
  for (const none of [undefined, '', '  ', 'soon', '-1']) t.equal(parseRetryAfter(none, now) ?? 0, 0, String(none))
  t.end()
})

t.test('parts fit every size into the number of parts that a store takes', (t) => {
  const limits = { minBytes: 5 << 20, maxBytes: 5 * 2 ** 30, maxParts: 10_000, atOnce: 4 }
  const numbers = Array.from({ length: limits.maxParts }, (_, index) => index + 1)
  const held = (hint: number): number => numbers.reduce((sum, number) => sum + partBytes(number, hint, limits), 0)
  t.equal(partBytes(1, -1, limits), 5 << 20)
  t.equal(partBytes(9000, 1000, limits), 5 << 20)
  for (const hint of [-1, 0, 2 ** 30, 2 ** 40, 5 * 2 ** 40]) t.ok(held(hint) >= Math.max(hint, 2 ** 40), `hint ${hint}`)
  t.equal(partBytes(1, 9000 * 7_000_000, limits), 7_000_000)
  t.end()
})

t.test('a source is cut into parts, byte for byte', async (t) => {
  for (const chunks of [[], [''], ['abc'], ['abcd'], ['abcdefghij'], ['a', 'bcdefg', '', 'hij'], ['abcd', 'efgh']]) {
    const parts: string[] = []
    const lasts: boolean[] = []
    for await (const { bytes, last } of cut(Readable.from(chunks.map((chunk) => Buffer.from(chunk))), () => 4)) {
      parts.push(Buffer.from(bytes).toString())
      lasts.push(last)
    }
    t.equal(parts.join(''), chunks.join(''))
    t.ok(parts.slice(0, -1).every((part) => part.length === 4))
    t.same(lasts, parts.map((_, index) => index === parts.length - 1))
  }
})

t.test('room is given first come, first served, and what is too large waits until it is alone', async (t) => {
  const room = new ByteRoom(10)
  const { signal } = new AbortController()
  const order: string[] = []
  await room.take(6, signal)
  const large = room.take(100, signal).then(() => { order.push('large') })
  const small = room.take(1, signal).then(() => { order.push('small') })
  const left = new AbortController()
  const leaving = room.take(1, left.signal)
  left.abort(new Error('left'))
  await t.rejects(leaving, { message: 'left' })
  room.give(6)
  await large
  t.equal(room.taken, 100)
  room.give(100)
  await small
  t.same(order, ['large', 'small'])
  t.equal(room.taken, 1)
})

t.test('ranges and keys are read as they are meant', (t) => {
  t.same(parseContentRange('bytes 5-9/100'), { total: 100, length: 5 })
  for (const bad of [undefined, '', 'bytes */100', 'bytes 5-9/*', 'items 1-2/3']) t.equal(parseContentRange(bad), undefined)
  const key = Buffer.alloc(32, 7)
  t.equal(customerKey('k', key).SSECustomerKey, key.toString('base64'))
  t.same(customerKey('k', Buffer.from(`${key.toString('base64')}\n`)), customerKey('k', key))
  t.match(customerKey('k', key).SSECustomerKeyMD5, /^[A-Za-z0-9+/]{22}==$/)
  for (const bad of ['', 'short', 'x'.repeat(33)]) t.throws(() => customerKey('k', Buffer.from(bad)), { code: 'STORAGE_DENIED' })
  t.end()
})
