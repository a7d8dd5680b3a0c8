/** Starts the measured process and adds up its memory with that of everything it starts. */
import { join } from 'node:path'
import type { EngineJob, EngineOutcome } from './engine-job.ts'
import { run } from './programs.ts'
import { watchMemory, type MemoryWatch } from './watch-memory.ts'

const PROCESS = join(import.meta.dirname, 'engine-process.ts')

export async function runEngine(job: EngineJob, signal: AbortSignal, env: NodeJS.ProcessEnv = process.env): Promise<EngineOutcome> {
  using watches = new DisposableStack()
  let watch: MemoryWatch | undefined
  const onStart = (pid: number): void => { watch = watches.use(watchMemory(pid)) }
  const { stdout } = await run([process.execPath, PROCESS, JSON.stringify(job)], { signal, env, onStart })
  const outcome = JSON.parse(stdout) as EngineOutcome
  return { ...outcome, peakBytes: Math.max(outcome.peakBytes, watch?.peak() ?? 0) }
}
