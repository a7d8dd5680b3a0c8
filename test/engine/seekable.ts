/** Seekable zstd objects as ours are, and their entries in a MANIFEST. */
import { constants, crc32, zstdCompressSync } from 'node:zlib'
import { encodeSeekTable, type SeekTableRow } from '../../src/engine/seek-table.ts'
import type { FileEntry } from '../../src/model/manifest.ts'
import { NAME, SHARD, type Rig } from './builtin-rig.ts'

/** No multiple of 16 KiB, with which Node's decoder would hide the loss of frames. */
export const FRAME_BYTES = 1_000_003

export const frameOf = (content: Uint8Array): Buffer => zstdCompressSync(content, { params: { [constants.ZSTD_c_checksumFlag]: 1 } })

export interface Frames {
  readonly frames: readonly Buffer[]
  readonly rows: readonly SeekTableRow[]
}

export function framesOf(content: Buffer, frameBytes = FRAME_BYTES): Frames {
  const parts = Array.from({ length: Math.max(1, Math.ceil(content.length / frameBytes)) }, (_, index) =>
    content.subarray(index * frameBytes, (index + 1) * frameBytes))
  const frames = parts.map(frameOf)
  return { frames, rows: parts.map((part, index) => ({ stored: (frames[index] as Buffer).length, content: part.length })) }
}

export const objectOf = ({ frames, rows }: Frames): Buffer => Buffer.concat([...frames, encodeSeekTable(rows)])

export const seekable = (content: Buffer, frameBytes?: number): Buffer => objectOf(framesOf(content, frameBytes))

export const hashOf = (object: Uint8Array): string => crc32(object).toString(16).padStart(8, '0')

export const entryOf = (object: Buffer, size: number, more: Partial<FileEntry> = {}): FileEntry =>
  ({ Base: 'Data', Name: 'a/t.ibd', Hash: hashOf(object), ParentPath: '', Size: size, StoredSize: object.length, ...more })

/** Puts objects into the rig's backup under the names 0, 1, ... */
export async function storeObjects(it: Rig, objects: readonly Buffer[]): Promise<void> {
  const backup = await it.storage.startBackup(SHARD, NAME, it.ctx)
  for (const [index, object] of objects.entries()) {
    await backup.writeFile(String(index), (async function* () { yield object })(), { sizeHint: object.length }, it.ctx)
  }
}
