/**
 * The stretch of a file that one request to storage fills, in order or piece by piece.
 *
 * Promises  nothing is written outside the stretch, whatever the object holds.
 */
import type { FileHandle } from 'node:fs/promises'
import type { TabletError } from '../base/errors.ts'
import type { StageListener } from '../model/stage.ts'
import type { BytesListener } from './checksum.ts'
import { locally } from './local-errors.ts'
import { writeContent } from './write-content.ts'

export interface SinkOptions {
  readonly handle: FileHandle
  /** For messages. */
  readonly path: string
  /** Where the stretch begins in the file. */
  readonly position: number
  /** Bytes of the stretch; undefined when not known before. */
  readonly bytes: number | undefined
  /** The file reads as zeros there, so pages of zeros need not be written. */
  readonly holes: boolean
  readonly onBytes: BytesListener
  readonly onStage?: StageListener | undefined
  /** More came than the stretch holds. */
  readonly tooMuch: () => TabletError
  /** Told at once of what ends the filling: whoever feeds the sink may wait for a source that stands still. */
  readonly onFailed: (error: unknown) => void
}

export class ContentSink {
  readonly #options: SinkOptions
  #taken = 0

  constructor(options: SinkOptions) { this.#options = options }

  /** Bytes that have found their place so far. */
  get bytes(): number { return this.#taken }

  get target(): Pick<SinkOptions, 'handle' | 'path' | 'holes'> { return this.#options }

  /** The place in the file of the next `bytes`. @throws TabletError as `tooMuch` says. */
  take(bytes: number): number {
    const { bytes: most, position, tooMuch } = this.#options
    if (most !== undefined && this.#taken + bytes > most) throw this.#failed(tooMuch())
    this.#taken += bytes
    return position + this.#taken - bytes
  }

  /** The next bytes. @throws TabletError NO_SPACE, LOCAL_IO_FAILED; as `tooMuch` says. */
  async write(content: Uint8Array): Promise<void> {
    const { handle, path, holes } = this.#options
    const position = this.take(content.length)
    const began = performance.now()
    const written = await this.endingFeedOn(locally(`write ${path}`, () => writeContent(content, { handle, position, holes })))
    this.wrote({ bytes: content.length, written, seconds: (performance.now() - began) / 1000 })
  }

  /** `writing`, whose failure ends what feeds the sink. */
  endingFeedOn<T>(writing: Promise<T>): Promise<T> {
    return writing.catch((error: unknown) => { throw this.#failed(error) })
  }

  /** Counts `bytes` that were taken and are in the file; `written` of them reached it, the rest are holes. */
  wrote({ bytes, written, seconds }: { readonly bytes: number, readonly written: number, readonly seconds: number }): void {
    this.#options.onStage?.('write', written, seconds)
    this.#options.onBytes(bytes)
  }

  #failed(error: unknown): unknown {
    this.#options.onFailed(error)
    return error
  }
}
