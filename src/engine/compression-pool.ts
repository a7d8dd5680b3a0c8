/**
 * Threads that compress the blocks of one backup, whichever files these are of.
 *
 * Owns      the memory that blocks are read into, which goes round; the frame of zeros, which is made once.
 */
import { TabletError } from '../base/errors.ts'
import type { StageListener } from '../model/stage.ts'
import type { BlockFormat } from './compress-block.ts'
import { WorkerThreads, scriptBeside } from './worker-threads.ts'

/** A block of a file, alone in its memory. */
export type Block = Uint8Array<ArrayBuffer>

export interface CompressionRequest {
  readonly block: Block
  readonly format: BlockFormat
}

export interface CompressionAnswer {
  readonly frame: Uint8Array
  /** The request's memory, to be used again. */
  readonly memory: ArrayBuffer
  readonly seconds: number
}

export interface PoolOptions {
  readonly threads: number
  /** Of a whole block. */
  readonly blockBytes: number
  readonly onStage?: StageListener | undefined
  /** For tests: other code than ours in the threads. */
  readonly script?: URL
}

export class CompressionPool implements AsyncDisposable {
  readonly #options: PoolOptions
  readonly #threads: WorkerThreads<CompressionRequest, CompressionAnswer>
  /** Of whole blocks, free to be read into. */
  readonly #memory: ArrayBuffer[] = []
  readonly #zeros = new Map<number, Promise<Uint8Array>>()

  constructor(options: PoolOptions) {
    this.#options = options
    const script = options.script ?? scriptBeside(import.meta.url, 'compression-worker')
    this.#threads = new WorkerThreads({ threads: options.threads, name: 'compression', script, failed })
  }

  /** Memory to read a block of `bytes` into. What is in it is undefined. */
  block(bytes: number): Block {
    return new Uint8Array(this.#memory.pop() ?? new ArrayBuffer(bytes), 0, bytes)
  }

  /**
   * The block as a frame or member by itself; always of one format in a pool. The block is taken: it is the caller's no more.
   *
   * @throws TabletError COMPRESSION_FAILED when the thread that had it ended.
   */
  async compress(block: Block, format: BlockFormat): Promise<Uint8Array> {
    if (!isZeros(block)) return await this.#run(block, format)
    const bytes = block.length
    const known = this.#zeros.get(bytes)
    if (known !== undefined) {
      this.#recycle(block.buffer)
      this.#options.onStage?.('compress', bytes, 0)
      return await known
    }
    const frame = this.#run(block, format).then((made) => made.slice())   // which is small, in memory that is not
    this.#zeros.set(bytes, frame)
    frame.catch(() => { this.#zeros.delete(bytes) })
    return await frame
  }

  /** Call it when nothing is asked for any more; what was fails. */
  [Symbol.asyncDispose](): Promise<void> { return this.#threads[Symbol.asyncDispose]() }

  async #run(block: Block, format: BlockFormat): Promise<Uint8Array> {
    const bytes = block.length
    const { frame, memory, seconds } = await this.#threads.run({ block, format }, [block.buffer])
    this.#recycle(memory)
    this.#options.onStage?.('compress', bytes, seconds)
    return frame
  }

  #recycle(memory: ArrayBuffer): void {
    if (memory.byteLength === this.#options.blockBytes) this.#memory.push(memory)
  }
}

const failed = (reason: string): TabletError => new TabletError('COMPRESSION_FAILED', `cannot compress: a compression thread failed: ${reason}`)

/** One comparison with itself, a byte further on: it ends at the first byte that differs. */
function isZeros(block: Uint8Array): boolean {
  return block[0] === 0 && Buffer.compare(block.subarray(1), block.subarray(0, -1)) === 0
}
