/** Bytes at their place in a file; zeros may be left out of one that reads as zeros already. */
import type { FileHandle } from 'node:fs/promises'

/** What file systems allocate at least: smaller holes would save nothing. */
const PAGE_BYTES = 4096
/** A larger write makes the page cache look for memory in one piece, which can take longer than the copying (docs/performance.md). */
const WRITE_BYTES = 256 << 10
const ZEROS = Buffer.alloc(PAGE_BYTES)

export interface Place {
  readonly handle: FileHandle
  readonly position: number
  /** The file reads as zeros here: pages of zeros are not written, so that they take no space. */
  readonly holes: boolean
}

/** Writes all of `content`; resolves to the bytes that were written, holes left out. */
export async function writeContent(content: Uint8Array, { handle, position, holes }: Place): Promise<number> {
  if (!holes) {
    await writeAll(handle, content, position)
    return content.length
  }
  let written = 0
  for (const { start, end } of runsOfData(content, position)) {
    await writeAll(handle, content.subarray(start, end), position + start)
    written += end - start
  }
  return written
}

async function writeAll(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const { bytesWritten } = await handle.write(bytes, done, Math.min(WRITE_BYTES, bytes.length - done), position + done)
    done += bytesWritten
  }
}

interface Run {
  readonly start: number
  readonly end: number
}

/** The runs of pages that are not all zeros; pages are those of the file, in which `content` begins at `position`. */
export function* runsOfData(content: Uint8Array, position: number): Generator<Run, void, undefined> {
  let start: number | undefined
  for (let at = 0; at < content.length;) {
    const pageEnd = Math.min(content.length, at + PAGE_BYTES - (position + at) % PAGE_BYTES)
    if (isZeros(content.subarray(at, pageEnd))) {
      if (start !== undefined) yield { start, end: at }
      start = undefined
    } else {
      start ??= at
    }
    at = pageEnd
  }
  if (start !== undefined) yield { start, end: content.length }
}

/** The first byte decides for most pages. */
const isZeros = (page: Uint8Array): boolean => page[0] === 0 && ZEROS.compare(page, 0, page.length, 0, page.length) === 0
