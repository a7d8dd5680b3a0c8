/** A file's content in blocks, each read at its offset. */
import type { FileHandle } from 'node:fs/promises'
import { TabletError } from '../base/errors.ts'
import type { StageListener } from '../model/stage.ts'
import type { BytesListener } from './checksum.ts'
import type { Block } from './compression-pool.ts'
import { locally } from './local-errors.ts'

export interface BlockSource {
  readonly handle: FileHandle
  readonly path: string
  /** Bytes to read: what the file held when it was opened. */
  readonly size: number
  readonly blockBytes: number
  /** Where a block goes. */
  readonly memory: (bytes: number) => Block
  readonly onBytes: BytesListener
  readonly onStage?: StageListener | undefined
}

/**
 * Blocks of exactly `blockBytes`, the last one shorter; none of an empty file. Each is the taker's.
 *
 * @throws TabletError FILE_CHANGED when the file ends before `size`; LOCAL_IO_FAILED.
 */
export async function* readBlocks(source: BlockSource, signal: AbortSignal): AsyncGenerator<Block, void, undefined> {
  const { size, blockBytes, memory, onBytes, onStage } = source
  for (let at = 0; at < size; at += blockBytes) {
    signal.throwIfAborted()
    const begun = performance.now()
    const block = memory(Math.min(blockBytes, size - at))
    await fill(block, at, source)
    onStage?.('read', block.length, (performance.now() - begun) / 1000)
    onBytes(block.length)
    yield block
  }
}

async function fill(block: Block, at: number, { handle, path, size }: BlockSource): Promise<void> {
  for (let done = 0; done < block.length;) {
    const { bytesRead } = await locally(`read ${path}`, () => handle.read(block, done, block.length - done, at + done))
    if (bytesRead === 0) throw new TabletError('FILE_CHANGED', `cannot copy ${path}: it shrank from ${size} to ${at + done} bytes`)
    done += bytesRead
  }
}

/** An empty block where there is none: formats store an empty file as a frame too, as 0 bytes would read as a lost object. */
export async function* orEmpty(blocks: AsyncIterable<Block>): AsyncGenerator<Block, void, undefined> {
  let empty = true
  for await (const block of blocks) {
    empty = false
    yield block
  }
  if (empty) yield new Uint8Array(0)
}
