import { crc32 } from 'node:zlib'
import t from 'tap'
import { combineCrc32 } from '../../src/engine/crc32-combine.ts'
import { content } from './bytes.ts'

t.test('two sums combine to the sum of the bytes joined, wherever these are cut', async (t) => {
  const bytes = content(100_003)
  const whole = crc32(bytes)
  for (const cut of [0, 1, 2, 3, 7, 8, 255, 256, 4096, 65_535, 65_536, 99_999, 100_002, 100_003]) {
    const [first, second] = [bytes.subarray(0, cut), bytes.subarray(cut)]
    t.equal(combineCrc32(crc32(first), crc32(second), second.length), whole, `cut at ${cut}`)
  }
})

t.test('any number of pieces combine one after the other', async (t) => {
  const bytes = content(70_001)
  for (const size of [1000, 8192, 33_333]) {
    let sum = 0
    for (let at = 0; at < bytes.length; at += size) {
      const piece = bytes.subarray(at, at + size)
      sum = combineCrc32(sum, crc32(piece), piece.length)
    }
    t.equal(sum, crc32(bytes), `pieces of ${size}`)
  }
})

t.test('lengths beyond 4 GiB are lengths too', async (t) => {
  const zeros = Buffer.alloc(1 << 20)
  const { combined, bytes } = doubled(crc32(zeros), zeros.length, 13)
  t.equal(bytes, 2 ** 33)
  // 8 GiB of zeros summed by doubling must be what one combination with their length says
  t.equal(combineCrc32(crc32(Buffer.from('head')), combined, bytes), doubledBehind(crc32(Buffer.from('head')), crc32(zeros), { bytes: zeros.length, times: 2 ** 13 }))
})

function doubled(sum: number, bytes: number, times: number): { readonly combined: number, readonly bytes: number } {
  return times === 0 ? { combined: sum, bytes } : doubled(combineCrc32(sum, sum, bytes), 2 * bytes, times - 1)
}

function doubledBehind(head: number, sum: number, { bytes, times }: { readonly bytes: number, readonly times: number }): number {
  let all = head
  for (let done = 0; done < times; done++) all = combineCrc32(all, sum, bytes)
  return all
}
