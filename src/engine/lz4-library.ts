/**
 * The door to lz4-napi (blocks) and xxhash-wasm (the checksums of LZ4 frames), loaded when first used: a tablet that
 * uses neither does not pay for them.
 *
 * The calls that wait are used, and what they return is freed by hand: 1000 blocks of 4 MiB decoded by those that do not
 * wait took 1.9 GB of memory, which garbage collection gave back too late, and by these 0.2 GB.
 */
import { createRequire } from 'node:module'
import type * as Lz4Napi from 'lz4-napi'
import { TabletError, messageOf } from '../base/errors.ts'
import { freeMemory } from './free-memory.ts'

/** The part of a block's size that says that it is stored as it is. */
export const STORED_AS_IT_IS = 0x80000000
const WORD_BYTES = 4

export interface Lz4Library {
  /** The content of a block, of which `most` bytes are believed; `dictionary`: what came before it. Throws for what is no block. */
  decompress(block: Uint8Array, most: number, dictionary: Uint8Array): Buffer
  /** xxHash-32, seed 0, unsigned. */
  hash(bytes: Uint8Array): number
  newHash(): { add(bytes: Uint8Array): void, value(): number }
}

const load = createRequire(import.meta.url)   // which does not wait, as a compression thread must not
const unusable = (error: unknown): TabletError =>
  new TabletError('COMPRESSION_UNSUPPORTED', `cannot use lz4 on this machine: ${messageOf(error)}`, { cause: error })

function blocks(): typeof Lz4Napi {
  try {
    return load('lz4-napi') as typeof Lz4Napi
  } catch (error) {
    throw unusable(error)
  }
}

/**
 * A block as frames hold it: its size, then its data; those are the content where it does not compress. In memory of its own.
 *
 * @throws TabletError COMPRESSION_UNSUPPORTED on a machine that the library was not built for.
 */
export function encodeLz4Block(content: Uint8Array): Buffer {
  const made = blocks().compressSync(Buffer.from(content.buffer, content.byteOffset, content.length))
  const compressed = made.subarray(WORD_BYTES)   // before it stands the size of the content, which frames do not hold
  const [data, flag] = compressed.length < content.length ? [compressed, 0] : [content, STORED_AS_IT_IS]
  const block = Buffer.allocUnsafeSlow(WORD_BYTES + data.length)
  block.writeUInt32LE(data.length + flag)
  block.set(data, WORD_BYTES)
  freeMemory(made as Buffer<ArrayBuffer>)
  return block
}

let library: Promise<Lz4Library> | undefined

/** @throws TabletError COMPRESSION_UNSUPPORTED as above. */
export function lz4Library(): Promise<Lz4Library> {
  library ??= open()
  return library
}

async function open(): Promise<Lz4Library> {
  const { uncompressSync } = blocks()
  const { h32Raw, create32 } = await import('xxhash-wasm').then((module) => module.default()).catch((error: unknown) => { throw unusable(error) })
  return {
    decompress: (block, most, dictionary) => {
      const sized = Buffer.allocUnsafeSlow(WORD_BYTES + block.length)
      sized.writeUInt32LE(most)
      sized.set(block, WORD_BYTES)
      const content = uncompressSync(sized, dictionary.length === 0 ? undefined : dictionary)
      freeMemory(sized)
      return content
    },
    hash: (bytes) => h32Raw(bytes) >>> 0,
    newHash: () => {
      const state = create32()
      return { add: (bytes) => { state.update(bytes) }, value: () => state.digest() >>> 0 }
    },
  }
}
