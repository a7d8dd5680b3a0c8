/** What a compression thread does: one block after another, at a lower priority than all that answers probes. */
import { getPriority, setPriority } from 'node:os'
import { parentPort } from 'node:worker_threads'
import { compressBlock } from './compress-block.ts'
import type { CompressionAnswer, CompressionRequest } from './compression-pool.ts'

const NICENESS = 10

// Linux gives each thread a niceness of its own (setpriority(2), "C library/kernel differences"); elsewhere it is the process's
if (process.platform === 'linux' && getPriority() < NICENESS) setPriority(NICENESS)

parentPort?.on('message', ({ block, format }: CompressionRequest) => {
  const begun = performance.now()
  const frame = compressBlock(block, format)
  const answer: CompressionAnswer = { frame, memory: block.buffer, seconds: (performance.now() - begun) / 1000 }
  parentPort?.postMessage(answer, [frame.buffer as ArrayBuffer, block.buffer])
})
