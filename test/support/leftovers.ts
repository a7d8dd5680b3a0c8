/** A test file cleans up after itself, and this proves it. */
import { connect } from 'node:net'
import type { Test } from 'tap'
import { claimedPorts } from './free-port.ts'
import { allProcesses, usersOf } from './processes.ts'
import { TEMP_PREFIX, liveTempDirs } from './temp-dir.ts'

/** The last subtest of a file: no child process, no process in our directories, no directory, no listener is left. */
export function leavesNothingBehind(t: Test): void {
  t.test('leaves no process, directory or listener behind', async (t) => {
    t.strictSame(await leftoversThatStay(), [], 'nothing is left')
  })
}

/** A killed server is a zombie, and so gone, when its first thread is; the port is free when its last one is. */
async function leftoversThatStay(): Promise<readonly string[]> {
  const end = Date.now() + 10_000
  for (;;) {
    const found = await leftovers()
    if (found.length === 0 || Date.now() > end) return found
    await new Promise((resolve) => { setTimeout(resolve, 100) })
  }
}

/** One line for everything that should be gone. */
export async function leftovers(): Promise<readonly string[]> {
  const children = allProcesses().filter((seen) => seen.parent === process.pid)
  const listening = await Promise.all([...claimedPorts].map(async (port) => await answers(port) ? [`port ${port} accepts connections`] : []))
  return [
    ...children.map((seen) => `child ${seen.pid}: ${seen.command}`),
    ...usersOf(TEMP_PREFIX).filter((seen) => seen.parent !== process.pid).map((seen) => `process ${seen.pid}: ${seen.command}`),
    ...[...liveTempDirs].map((path) => `directory ${path}`),
    ...listening.flat(),
  ]
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' })
    socket.once('connect', () => { socket.destroy(); resolve(true) })
    socket.once('error', () => { resolve(false) })
  })
}
