/** Reads what a decoder of node:zlib makes of a source, and makes sure that the source was used up. */
import type { Transform } from 'node:stream'
import { TabletError, messageOf } from '../base/errors.ts'

/** What zlib says about bytes that it cannot decode, as BACKUP_CORRUPT; our own errors as they are. */
export const undecodable = (error: unknown): TabletError =>
  error instanceof TabletError ? error : new TabletError('BACKUP_CORRUPT', `cannot decompress: ${messageOf(error)}`, { cause: error })

/** A decoder of node:zlib, as far as this file needs it. */
type Decoder = Transform & { readonly bytesWritten: number }

/**
 * The decoded bytes of `source`.
 *
 * A decoder may end before its input does (gzip: zero padding after the last member). What it left unread must be
 * zeros, as gzip(1) tolerates; anything else is BACKUP_CORRUPT, where zlib would ignore it.
 */
export async function* decodeThrough(decoder: Decoder, source: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer, void, undefined> {
  decoder.on('error', () => undefined)   // every error is thrown below; one that comes after the last byte was read has no other listener
  const feeding = feed(decoder, source)
  feeding.catch((error: unknown) => { decoder.destroy(error as Error) })
  try {
    for await (const chunk of decoder) yield chunk as Buffer
    await feeding
  } catch (error) {
    throw undecodable(error)
  } finally {
    decoder.destroy()
    await feeding.catch(() => undefined)   // thrown above already, or nobody reads on
  }
}

async function feed(decoder: Decoder, source: AsyncIterable<Uint8Array>): Promise<void> {
  const taker = chunkTaker(decoder)
  let fed = 0
  let over = false
  for await (const chunk of source) {
    if (decoder.destroyed && !decoder.readableEnded) return   // nobody reads on
    if (over) {
      requireZeros(chunk)
      continue
    }
    fed += chunk.length
    await taker.take(chunk)
    const unread = fed - decoder.bytesWritten
    over = taker.closed || unread > 0   // a decoder that wants more has taken all of it
    if (unread > 0) requireZeros(chunk.subarray(chunk.length - unread))
  }
  if (!over) decoder.end()
}

interface ChunkTaker {
  /** The decoder takes nothing more. */
  readonly closed: boolean
  /** Resolves when the decoder has taken what it wants of the chunk, or is closed: then it may never call back. */
  take(chunk: Uint8Array): Promise<void>
}

function chunkTaker(decoder: Decoder): ChunkTaker {
  let closed = false
  let taken: () => void = () => undefined
  const onClosed = (): void => { closed = true; taken() }
  decoder.once('end', onClosed)
  decoder.once('close', onClosed)
  return {
    get closed() { return closed },
    take: (chunk) => new Promise((resolve) => {
      taken = resolve
      if (closed) resolve()
      else decoder.write(chunk, () => { resolve() })
    }),
  }
}

function requireZeros(bytes: Uint8Array): void {
  if (bytes.some((byte) => byte !== 0)) throw new TabletError('BACKUP_CORRUPT', 'cannot decompress: other data follow the end of the compressed data')
}
