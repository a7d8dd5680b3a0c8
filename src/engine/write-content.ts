/** Bytes at their place in a file; zeros may be left out of one that reads as zeros already. */
import { writeSync } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'

/** What file systems allocate at least: smaller holes would save nothing. */
const PAGE_BYTES = 4096
/**
 * A larger write makes the page cache look for memory in one piece, which can take longer than the copying; a promise for
 * each smaller one costs more than it saves (docs/performance.md).
 */
const WRITE_BYTES = 256 << 10
const WRITE_BYTES_SYNC = 16 << 10
const ZEROS = Buffer.alloc(PAGE_BYTES)

interface Place {
  readonly position: number
  /** The file reads as zeros here: pages of zeros are not written, so that they take no space. */
  readonly holes: boolean
}

/** Writes all of `content`; resolves to the bytes that were written, holes left out. */
export async function writeContent(content: Uint8Array, { handle, ...place }: Place & { readonly handle: FileHandle }): Promise<number> {
  let written = 0
  for (const piece of piecesToWrite(content, { ...place, most: WRITE_BYTES })) {
    for (let at = piece.start; at < piece.end;) {
      at += (await handle.write(content, at, piece.end - at, place.position + at)).bytesWritten
    }
    written += piece.end - piece.start
  }
  return written
}

/** The same, for threads that have nothing else to do meanwhile. */
export function writeContentSync(content: Uint8Array, { fd, ...place }: Place & { readonly fd: number }): number {
  let written = 0
  for (const piece of piecesToWrite(content, { ...place, most: WRITE_BYTES_SYNC })) {
    for (let at = piece.start; at < piece.end;) at += writeSync(fd, content, at, piece.end - at, place.position + at)
    written += piece.end - piece.start
  }
  return written
}

function* piecesToWrite(
  content: Uint8Array, { position, holes, most }: Place & { readonly most: number },
): Generator<Run, void, undefined> {
  for (const run of holes ? runsOfData(content, position) : [{ start: 0, end: content.length }]) {
    for (let { start } = run; start < run.end; start += most) yield { start, end: Math.min(run.end, start + most) }
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
