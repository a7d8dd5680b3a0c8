/**
 * TCP ports of 127.0.0.1 for tests that run beside each other.
 *
 * A port that was merely free a moment ago may be given twice, so each is claimed by a file that names the claiming
 * process; a claim ends with its process. All lie below the range from which the kernel takes ports of outgoing connections.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const FIRST = 20_000
const LAST = 31_999
const CLAIMS = join(tmpdir(), 'tabletd-test-ports')

/** Ports claimed by this process, for leftovers.ts. */
export const claimedPorts = new Set<number>()

export async function freePort(): Promise<number> {
  mkdirSync(CLAIMS, { recursive: true })
  for (let attempt = 0; attempt < 1000; attempt++) {
    const port = FIRST + Math.floor(Math.random() * (LAST - FIRST + 1))
    if (!claim(port)) continue
    if (await canListen(port)) return port
    release(port)
  }
  throw new Error(`no free port between ${FIRST} and ${LAST}`)
}

function claim(port: number): boolean {
  const path = join(CLAIMS, String(port))
  const mine = { flag: 'wx', mode: 0o644 }
  try {
    writeFileSync(path, String(process.pid), mine)
  } catch {
    if (isAlive(Number(readClaim(path)))) return false
    rmSync(path, { force: true })
    try { writeFileSync(path, String(process.pid), mine) } catch { return false }
  }
  claimedPorts.add(port)
  return true
}

function release(port: number): void {
  claimedPorts.delete(port)
  rmSync(join(CLAIMS, String(port)), { force: true })
}

process.once('exit', () => { for (const port of claimedPorts) release(port) })

function readClaim(path: string): string {
  try { return readFileSync(path, 'utf8') } catch { return '' }
}

function isAlive(pid: number): boolean {
  // an empty claim is one being written at this moment
  if (pid === 0) return true
  try { process.kill(pid, 0); return true } catch { return false }
}

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => { resolve(false) })
    server.listen({ port, host: '127.0.0.1' }, () => { server.close(() => { resolve(true) }) })
  })
}
