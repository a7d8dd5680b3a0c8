/** Memory given back at once instead of at some garbage collection: at gigabytes a second that comes too late. */

/** Smaller ones may be parts of memory that Node shares among many buffers, and are cheap to collect. */
const LEAST_BYTES = 64 << 10

/**
 * Frees the memory of `bytes`, which nobody may look at again: they are empty afterwards.
 *
 * Only for bytes that node:zlib or this program allocated. Those that are a part of something larger are left alone.
 */
export function freeMemory(bytes: Uint8Array<ArrayBuffer>): void {
  if (bytes.length >= LEAST_BYTES && bytes.length === bytes.buffer.byteLength) bytes.buffer.transfer(0)
}
