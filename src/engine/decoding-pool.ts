/**
 * Threads that decode the frames of one restore, and write what they decode to its place at once: the content, several
 * times as large as what is stored, never passes through the daemon's own thread.
 *
 * Promises  memory is bounded: frames wait, stored and decoded bytes together, for the room that all files share.
 */
import { availableParallelism } from 'node:os'
import { TabletError } from '../base/errors.ts'
import { Room } from '../base/room.ts'
import type { StageListener } from '../model/stage.ts'
import type { ContentSink } from './content-sink.ts'
import { undecodable } from './decode-through.ts'
import { localError } from './local-errors.ts'
import { WorkerThreads, scriptBeside } from './worker-threads.ts'

/** A zstd frame, alone in its memory, and where its content goes. */
export interface DecodingRequest {
  readonly frame: Uint8Array<ArrayBuffer>
  readonly contentBytes: number
  /** Open for as long as the request is not answered. */
  readonly fd: number
  readonly position: number
  readonly holes: boolean
}

export type DecodingAnswer =
  | { readonly written: number, readonly decodeSeconds: number, readonly writeSeconds: number }
  | { readonly failed: 'decode' | 'write' | 'memory', readonly message: string, readonly errno: string | undefined }

export interface DecodingOptions {
  /** Unset: as many as the machine has cores. */
  readonly threads?: number | undefined
  readonly onStage?: StageListener | undefined
}

/** Two of our own frames with what they decode to: one that a thread works on, and one that it need not wait for. */
const ROOM_PER_THREAD = 8 << 20

export class DecodingPool implements AsyncDisposable {
  /** Bytes in flight. */
  readonly room: Room
  readonly #onStage: StageListener | undefined
  readonly #threads: WorkerThreads<DecodingRequest, DecodingAnswer>

  constructor({ threads = availableParallelism(), onStage }: DecodingOptions = {}) {
    this.room = new Room(threads * ROOM_PER_THREAD)
    this.#onStage = onStage
    this.#threads = new WorkerThreads({ threads, name: 'decompression', script: scriptBeside(import.meta.url, 'decoding-worker'), failed })
  }

  /**
   * Decodes `frame`, which is taken, to `position`; resolves when its content is in the file.
   *
   * @throws TabletError BACKUP_CORRUPT; NO_SPACE, LOCAL_IO_FAILED; COMPRESSION_FAILED when the thread had no memory, or ended.
   */
  async write({ frame, contentBytes, position }: Pick<DecodingRequest, 'frame' | 'contentBytes' | 'position'>, sink: ContentSink): Promise<void> {
    const { handle, path, holes } = sink.target
    const answer = await this.#threads.run({ frame, contentBytes, position, fd: handle.fd, holes }, [frame.buffer])
    if ('failed' in answer) {
      if (answer.failed === 'memory') throw failed(answer.message)
      const cause = Object.assign(new Error(answer.message), { code: answer.errno })
      throw answer.failed === 'decode' ? undecodable(cause) : localError(`write ${path}`, cause)
    }
    this.#onStage?.('decompress', contentBytes, answer.decodeSeconds)
    sink.wrote({ bytes: contentBytes, written: answer.written, seconds: answer.writeSeconds })
  }

  /** Call it when nothing is asked for any more; what was fails. */
  [Symbol.asyncDispose](): Promise<void> { return this.#threads[Symbol.asyncDispose]() }
}

const failed = (reason: string): TabletError => new TabletError('COMPRESSION_FAILED', `cannot decompress: a decompression thread failed: ${reason}`)
