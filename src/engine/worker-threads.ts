/**
 * Threads for one kind of work, started one by one as tasks come.
 *
 * Promises  no more than `threads` tasks are worked on at once; every call settles: a thread that ends before it has
 *           answered fails what it had been given, and another takes its place.
 *
 * Threads of our own rather than libuv's pool: that one also serves every read, write and look-up of the daemon, its tasks
 * cannot be given a lower priority, and what they make comes back to the main thread (docs/performance.md).
 */
import { Worker, type Transferable } from 'node:worker_threads'
import { messageOf, type TabletError } from '../base/errors.ts'

export interface WorkerThreadsOptions {
  readonly threads: number
  /** As ps(1) shows them. */
  readonly name: string
  /** What runs in them: answers every message with one, in order. */
  readonly script: URL
  readonly failed: (reason: string) => TabletError
}

interface Task<Request, Answer> {
  readonly request: Request
  readonly transfer: readonly Transferable[]
  readonly settle: PromiseWithResolvers<Answer>
}

interface Thread<Request, Answer> {
  readonly worker: Worker
  /** Given to it and not answered, in order. */
  readonly tasks: Task<Request, Answer>[]
}

/** Hardly used, as what is large lies outside of it; but V8 collects it whenever half as much has come and gone outside (tried with 32). */
const HEAP_MEGABYTES = 256
/** One that it works on, and one that it need not wait for. */
const TASKS_PER_THREAD = 2

export class WorkerThreads<Request, Answer> implements AsyncDisposable {
  readonly #options: WorkerThreadsOptions
  readonly #threads: Thread<Request, Answer>[] = []
  readonly #queue: Task<Request, Answer>[] = []

  constructor(options: WorkerThreadsOptions) { this.#options = options }

  /** What a thread answers to `request`; the memory in `transfer` is the thread's from now on. Rejects as `failed` says. */
  async run(request: Request, transfer: readonly Transferable[]): Promise<Answer> {
    const settle = Promise.withResolvers<Answer>()
    this.#queue.push({ request, transfer, settle })
    this.#handOut()
    return await settle.promise
  }

  /** Ends the threads. Call it when nothing is asked for any more; what was fails. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const task of this.#queue.splice(0)) task.settle.reject(this.#options.failed('the operation has ended'))
    await Promise.all(this.#threads.map(({ worker }) => worker.terminate()))
  }

  #handOut(): void {
    for (let task = this.#queue[0]; task !== undefined; task = this.#queue[0]) {
      try {
        const thread = this.#freeThread()
        if (thread === undefined) return
        thread.worker.postMessage(task.request, task.transfer)
        thread.tasks.push(task)   // not before: the answers are told apart by their order
        this.#queue.shift()
      } catch (error) {
        this.#queue.shift()   // whoever asked may close the files that it is about
        task.settle.reject(this.#options.failed(messageOf(error)))
      }
    }
  }

  /** One without work, else a new one, else the one with the least work that may have more. */
  #freeThread(): Thread<Request, Answer> | undefined {
    const [least] = this.#threads.toSorted((a, b) => a.tasks.length - b.tasks.length)
    if ((least === undefined || least.tasks.length > 0) && this.#threads.length < this.#options.threads) {
      try {
        return this.#start()
      } catch (error) {
        if (least === undefined) throw error   // a limit of processes (setrlimit(2)): those that run do the work
      }
    }
    return least !== undefined && least.tasks.length < TASKS_PER_THREAD ? least : undefined
  }

  #start(): Thread<Request, Answer> {
    const { script, name } = this.#options
    const worker = new Worker(script, { name, execArgv: [], resourceLimits: { maxOldGenerationSizeMb: HEAP_MEGABYTES } })
    const thread: Thread<Request, Answer> = { worker, tasks: [] }
    let reason = 'it ended'
    worker.on('message', (answer: Answer) => {
      thread.tasks.shift()?.settle.resolve(answer)
      this.#handOut()
    })
    worker.on('error', (error) => { reason = messageOf(error) })
    worker.on('exit', () => { this.#lost(thread, reason) })
    this.#threads.push(thread)
    return thread
  }

  #lost(thread: Thread<Request, Answer>, reason: string): void {
    this.#threads.splice(this.#threads.indexOf(thread), 1)
    for (const task of thread.tasks) task.settle.reject(this.#options.failed(reason))
    this.#handOut()
  }
}

/** The script beside `module` by that name: .ts in the sources, .js in the package. */
export const scriptBeside = (module: string, name: string): URL => new URL(`./${name}${module.endsWith('.ts') ? '.ts' : '.js'}`, module)
