/** How one object can be fetched in several requests at once: by the seek table at its end, when that can be believed. */
import type { ActionContext } from '../base/action.ts'
import type { ReadableBackup } from '../storage/backup-storage.ts'
import type { Room } from '../base/room.ts'
import { announcedTableBytes, readSegments, seekTableBytes, type SeekableObject, type Segment } from './seek-table.ts'

/** Stored bytes of one request: few enough to spread one file over the line, many enough for an object store. */
export const SEGMENT_BYTES = 8 << 20
/** What a first request for the table assumes; other frames cost a second request. */
const USUAL_FRAME_BYTES = 2 << 20

export interface SegmentedObject extends SeekableObject {
  readonly object: string
  readonly from: ReadableBackup
  readonly requests: Room
}

export interface Segments {
  readonly segments: readonly Segment[]
  /** The rest of the object, which the hash covers too. */
  readonly table: Buffer
}

/** undefined: better read it as one stream, as it is small or ends with no table that fits it. Rejects with the storage's errors. */
export async function findSegments(of: SegmentedObject, ctx: ActionContext): Promise<Segments | undefined> {
  const { storedSize, size } = of
  if (storedSize < 2 * SEGMENT_BYTES) return undefined
  const expected = Math.min(storedSize, seekTableBytes(Math.ceil(size / USUAL_FRAME_BYTES)))
  const tail = await readExactly(of, { start: storedSize - expected, end: storedSize }, ctx)
  const bytes = tail === undefined ? undefined : announcedTableBytes(tail)
  if (tail === undefined || bytes === undefined || bytes > storedSize) return undefined
  const missing = { start: storedSize - bytes, end: storedSize - tail.length }
  const head = bytes <= tail.length ? Buffer.alloc(0) : await readExactly(of, missing, ctx)
  if (head === undefined) return undefined
  const table = Buffer.concat([head, tail.subarray(Math.max(0, tail.length - bytes))])
  const segments = readSegments(table, of, SEGMENT_BYTES)
  return segments === undefined ? undefined : { segments, table }
}

/** undefined when another number of bytes came than were asked for. */
async function readExactly(
  { from, object, requests }: SegmentedObject, range: { readonly start: number, readonly end: number }, ctx: ActionContext,
): Promise<Buffer | undefined> {
  const wanted = range.end - range.start
  await requests.take(1)
  try {
    ctx.signal.throwIfAborted()
    const stream = await from.readFile(object, range, ctx)
    const chunks: Uint8Array[] = []
    let bytes = 0
    for await (const chunk of stream as AsyncIterable<Uint8Array>) {
      bytes += chunk.length
      if (bytes > wanted) return undefined   // which ends the stream
      chunks.push(chunk)
    }
    return bytes === wanted ? Buffer.concat(chunks) : undefined
  } finally {
    requests.give(1)
  }
}
