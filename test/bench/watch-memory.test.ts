import t from 'tap'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { residentBytes, watchMemory } from '../../bench/watch-memory.ts'
import { waitFor } from '../support/wait-for.ts'

const HELD = 120e6
const HOLD = `globalThis.held = Buffer.alloc(${HELD}, 1); setInterval(() => undefined, 1000)`

t.test('what a process has started counts, and its peak stays when it has ended', async (t) => {
  const child = spawn('sh', ['-c', '"$0" -e "$1"; exit 0', process.execPath, HOLD], { stdio: 'ignore', detached: true })
  const pid = child.pid as number
  using watch = watchMemory(pid)
  await waitFor('the memory is seen', () => watch.peak() > HELD)
  t.ok(residentBytes(pid) < HELD, 'the shell itself has little')
  using without = watchMemory(pid, /^(?:node|MainThread)/)
  t.ok(without.peak() < HELD, 'what is left out does not count')
  const ended = once(child, 'close')
  process.kill(-pid, 'SIGKILL')
  await ended
  t.ok(watch.peak() > HELD)
  t.equal(residentBytes(pid), 0, 'one that has ended has none')
})
