/**
 * What a decompression thread does: one frame after another, decoded and written to its place.
 *
 * Not niced as compression threads are: a backup should be noticed by nobody, a restore is what everybody waits for.
 */
import { parentPort } from 'node:worker_threads'
import { zstdDecompressSync } from 'node:zlib'
import { isErrno, messageOf } from '../base/errors.ts'
import type { DecodingAnswer, DecodingRequest } from './decoding-pool.ts'
import { writeContentSync } from './write-content.ts'

/** Of node:zlib. */
const LEAST_CHUNK = 64

parentPort?.on('message', (request: DecodingRequest) => { parentPort?.postMessage(answerTo(request)) })

function answerTo({ frame, contentBytes, fd, position, holes }: DecodingRequest): DecodingAnswer {
  let doing: 'decode' | 'write' = 'decode'
  try {
    const began = performance.now()
    const content = decode(frame, contentBytes)
    frame.buffer.transfer(0)
    doing = 'write'
    const decoded = performance.now()
    const written = writeContentSync(content, { fd, position, holes })
    const done = performance.now()
    // now, not at the next collection; but never Node's pool of small buffers
    if (content.buffer.byteLength > Buffer.poolSize) content.buffer.transfer(0)
    return { written, decodeSeconds: (decoded - began) / 1000, writeSeconds: (done - decoded) / 1000 }
  } catch (error) {
    return { failed: isWantOfMemory(error) ? 'memory' : doing, message: messageOf(error), errno: isErrno(error, 'ENOSPC', 'EDQUOT') ? error.code : undefined }
  }
}

/** Which says nothing against the bytes. V8's own "Array buffer allocation failed" has no code. */
const isWantOfMemory = (error: unknown): boolean => (error instanceof RangeError && !('code' in error))
  || isErrno(error, 'ZSTD_error_memory_allocation', 'ERR_ZLIB_INITIALIZATION_FAILED', 'ERR_MEMORY_ALLOCATION_FAILED')

/**
 * All of it in one call of the library, into memory of its own: one byte more than is announced, as node:zlib takes as
 * much memory once more when it has filled the first.
 */
function decode(frame: Uint8Array, contentBytes: number): Buffer<ArrayBuffer> {
  const chunkSize = Math.max(LEAST_CHUNK, contentBytes + 1)
  const content = zstdDecompressSync(frame, { maxOutputLength: Math.max(1, contentBytes), chunkSize })
  if (content.length !== contentBytes) throw new Error(`a frame holds ${content.length} bytes and says ${contentBytes}`)
  return content as Buffer<ArrayBuffer>
}
