/**
 * Threads that compress the blocks of one backup, whichever files these are of.
 *
 * Owns      the threads: started one by one as blocks come, ended when the pool is disposed of; the memory that blocks are
 *           read into, which goes round; the frame of zeros, which is made once.
 * Promises  no more than `threads` blocks are compressed at once; every call settles: a thread that ends before it has
 *           answered fails what it had been given, and another takes its place.
 *
 * Threads of our own rather than libuv's pool: that one also serves every read, write and look-up of the daemon, and it
 * cannot be given a lower priority (both measured in docs/performance.md).
 */
import { Worker } from 'node:worker_threads'
import { TabletError, messageOf } from '../base/errors.ts'
import type { StageListener } from '../model/stage.ts'
import type { BlockFormat } from './compress-block.ts'

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

interface Task extends CompressionRequest {
  /** Of the block, which is out of reach while a thread has it. */
  readonly bytes: number
  readonly settle: PromiseWithResolvers<Uint8Array>
}

interface Thread {
  readonly worker: Worker
  /** Given to it and not answered, in order. */
  readonly tasks: Task[]
}

export interface PoolOptions {
  readonly threads: number
  /** Of a whole block. */
  readonly blockBytes: number
  readonly onStage?: StageListener | undefined
  /** For tests: other code than ours in the threads. */
  readonly script?: URL
}

/** .ts in the sources, .js in the package. */
const SCRIPT = new URL(import.meta.url.replace(/compression-pool(?=\.[jt]s$)/, 'compression-worker'))
/** Blocks lie outside the heap; what is on it is a few small objects. */
const HEAP_MEGABYTES = 32
/** One that it works on, and one that it need not wait for. */
const TASKS_PER_THREAD = 2

export class CompressionPool implements AsyncDisposable {
  readonly #options: PoolOptions
  readonly #threads: Thread[] = []
  readonly #queue: Task[] = []
  /** Of whole blocks, free to be read into. */
  readonly #memory: ArrayBuffer[] = []
  readonly #zeros = new Map<number, Promise<Uint8Array>>()

  constructor(options: PoolOptions) { this.#options = options }

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

  /** Ends the threads. Call it when nothing is asked for any more; what was fails. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const task of this.#queue.splice(0)) task.settle.reject(failed('the backup has ended'))
    await Promise.all(this.#threads.map(({ worker }) => worker.terminate()))
  }

  async #run(block: Block, format: BlockFormat): Promise<Uint8Array> {
    const settle = Promise.withResolvers<Uint8Array>()
    this.#queue.push({ block, format, bytes: block.length, settle })
    this.#handOut()
    return await settle.promise
  }

  #handOut(): void {
    for (let task = this.#queue[0]; task !== undefined; task = this.#queue[0]) {
      const thread = this.#freeThread()
      if (thread === undefined) return
      this.#queue.shift()
      const request: CompressionRequest = { block: task.block, format: task.format }
      try {
        thread.worker.postMessage(request, [task.block.buffer])
        thread.tasks.push(task)   // not before: the answers are told apart by their order
      } catch (error) {
        task.settle.reject(failed(messageOf(error)))
      }
    }
  }

  /** One without work, else a new one, else the one with the least work that may have more. */
  #freeThread(): Thread | undefined {
    const [least] = this.#threads.toSorted((a, b) => a.tasks.length - b.tasks.length)
    if ((least === undefined || least.tasks.length > 0) && this.#threads.length < this.#options.threads) return this.#start()
    return least !== undefined && least.tasks.length < TASKS_PER_THREAD ? least : undefined
  }

  #start(): Thread {
    const worker = new Worker(this.#options.script ?? SCRIPT, {
      name: 'compression', execArgv: [], resourceLimits: { maxOldGenerationSizeMb: HEAP_MEGABYTES },
    })
    const thread: Thread = { worker, tasks: [] }
    let reason = 'it ended'
    worker.on('message', (answer: CompressionAnswer) => { this.#answered(thread, answer) })
    worker.on('error', (error) => { reason = messageOf(error) })
    worker.on('exit', () => { this.#lost(thread, reason) })
    this.#threads.push(thread)
    return thread
  }

  #answered({ tasks }: Thread, { frame, memory, seconds }: CompressionAnswer): void {
    const task = tasks.shift()
    if (task === undefined) return
    this.#recycle(memory)
    this.#options.onStage?.('compress', task.bytes, seconds)
    this.#handOut()   // before anything else: the thread may be idle
    task.settle.resolve(frame)
  }

  #lost(thread: Thread, reason: string): void {
    this.#threads.splice(this.#threads.indexOf(thread), 1)
    for (const task of thread.tasks) task.settle.reject(failed(reason))
    this.#handOut()
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
