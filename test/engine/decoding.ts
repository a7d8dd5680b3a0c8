/** Reading objects as a restore does, into memory: as a stream, and where the codec can, piece by piece into a file as well. */
import { open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import type { Decompressor } from '../../src/engine/codec.ts'
import { ContentSink } from '../../src/engine/content-sink.ts'
import { DecodingPool } from '../../src/engine/decoding-pool.ts'
import { tempDir } from '../support/temp-dir.ts'
import { collect, pieces } from './bytes.ts'
import { THREADS } from './compressing.ts'

const pool = new DecodingPool({ threads: THREADS })
t.teardown(() => pool[Symbol.asyncDispose]())

/** What `codec` makes of `stored`, given in pieces of `piece` bytes. Both ways make the same of it, or fail alike. */
export async function decoded(codec: Decompressor, stored: Buffer, piece: number): Promise<Buffer> {
  const [streamed, written] = await Promise.allSettled([collect(codec.decompress(pieces(stored, piece))), inFile(codec, stored, piece)])
  if (streamed.status === 'rejected') {
    if (written.status === 'fulfilled' && written.value !== undefined) throw new Error('it is readable piece by piece and not as a stream', { cause: streamed.reason })
    if (written.status === 'rejected') requireAlike(streamed.reason, written.reason)
    throw streamed.reason
  }
  if (written.status === 'rejected') throw new Error(`it is readable as a stream and not piece by piece: ${String(written.reason)}`)
  if (written.value?.equals(streamed.value) === false) throw new Error('as a stream it reads otherwise than piece by piece')
  return streamed.value
}

function requireAlike(...reasons: readonly unknown[]): void {
  const codes = reasons.map((reason) => (reason as { code?: string }).code)
  if (new Set(codes).size > 1) throw new Error(`it fails differently: ${codes.join(', ')}`)
}

async function inFile(codec: Decompressor, stored: Buffer, piece: number): Promise<Buffer | undefined> {
  if (codec.decompressInto === undefined) return undefined
  await using dir = await tempDir()
  const path = join(dir.path, 'content')
  await using handle = await open(path, 'w')
  const sink = new ContentSink({
    handle, path, position: 0, bytes: undefined, holes: false, onBytes: () => undefined, onFailed: () => undefined,
    tooMuch: () => { throw new Error('there is no such thing here') },
  })
  await codec.decompressInto(sink, pieces(stored, piece), pool)
  return await readFile(path)
}
